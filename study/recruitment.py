"""How participants come and go back: what a recruiter's link says of them, and the codes of the ends.

All that a link says is a claim. It finds a person's place again; it opens nothing else.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from annotations import Refusal
from study.models import Code, Event, Outcome, Participant, Recruit, Study
from study.models.words import new_completion_code

LONGEST = 100
"""Characters of an identifier that are kept."""
ARRIVAL_SECONDS = 24 * 60 * 60
"""So long may pass between opening the link and pressing Start."""
PARAMETERS: dict[str, dict[str, tuple[str, ...]]] = {
    Study.Recruiter.PROLIFIC: {
        "person": ("prolific_pid",),
        "submission": ("session_id",),
        "project": ("study_id",),
    },
    Study.Recruiter.CONNECT: {
        "person": ("participantid",),
        "submission": ("assignmentid",),
        "project": ("projectid",),
    },
    Study.Recruiter.SONA: {"person": ("sona_code", "survey_code")},
}
"""What each recruiter adds to the link, in lower case. Nothing else of a link is kept, but a label."""
PLACEHOLDERS: dict[str, str] = {
    Study.Recruiter.PROLIFIC: "?PROLIFIC_PID={{%PROLIFIC_PID%}}"
    "&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}",
    Study.Recruiter.SONA: "?sona_code=%SURVEY_CODE%",
}
"""What stands at the end of the link that a recruiter is given; Connect adds its own."""
PROLIFIC_ID = re.compile(r"[0-9a-f]{24}")
PLACEHOLDER = re.compile(r"\{\{%.*%\}\}|%[A-Z_]+%")
"""A link that was opened without the recruiter says what would stand there."""
REGISTRABLE = re.compile(r"[A-Za-z0-9_-]{1,32}")
STEPS = {"RESERVED": 0, "ACTIVE": 1, "AWAITING REVIEW": 2, "RETURNED": 2, "TIMED-OUT": 2}
"""A submission's states on Prolific in the order in which they come; all others are last."""
LEFT = ("RETURNED", "TIMED-OUT")
"""States in which the recruiter has given the place to somebody else."""
PROLIFIC_RETURN = "https://app.prolific.com/submissions/complete?cc="


class Taken(Exception):
    """The person has a participant in this study already."""


@dataclass(frozen=True)
class Arrival:
    """Who somebody is by the link that brought them."""

    platform: str
    person: str = ""
    submission: str = ""
    project: str = ""
    label: str = ""
    label_signed: bool = False
    study: int | None = None
    """Primary key of the study whose link it was."""

    @property
    def unusual(self) -> bool:
        """Whether an identifier has not the recruiter's shape. It is kept all the same."""
        given = [self.person, self.submission, self.project]
        return self.platform == Study.Recruiter.PROLIFIC and not all(map(PROLIFIC_ID.fullmatch, given))


def read(study: Study, query: QueryDict) -> Arrival | None:
    """What the link says by its recruiter's conventions; None if it says nothing.

    The study's own recruiter is looked for first, then the others, as a link may be older than the setting.
    """
    given = {key.lower(): _clean(value) for key, value in query.items()}
    platforms = sorted(PARAMETERS, key=lambda platform: platform != study.recruiter)
    named = {platform: _named(given, platform) for platform in platforms}
    platform = next((platform for platform in platforms if named[platform].get("person")), None)
    label = given.get("label", "")
    if not platform and not label:
        return None
    signed = bool(label) and constant_time_compare(given.get("signature", ""), sign_label(study, label))
    said = named[platform] if platform else {}
    return Arrival(
        platform or Study.Recruiter.PLAIN, label=label, label_signed=signed, study=study.pk, **said
    )


def sign_label(study: Study, label: str) -> str:
    """The signature of a label in this study's links: `?label=…&signature=…`."""
    return signing.Signer(salt=f"study.recruitment.label.{study.pk}").signature(_clean(label))


def pack(arrival: Arrival) -> str:
    """For the cookie that carries an arrival from the link to the Start button."""
    return signing.dumps(asdict(arrival), salt="study.recruitment.arrival")


def unpack(study: Study, text: str | None) -> Arrival | None:
    """What was packed at this study's link within a day; None for all else."""
    try:
        arrival = Arrival(
            **signing.loads(text or "", salt="study.recruitment.arrival", max_age=ARRIVAL_SECONDS)
        )
    except (signing.BadSignature, TypeError):
        return None
    return arrival if arrival.study == study.pk else None


def bind(participant: Participant, arrival: Arrival) -> Recruit:
    """Keeps who the participant is by their link. Once bound they stay so.

    Raises Taken where the person has another participant in the study, so call it in the transaction that
    makes the participant.
    """
    bound = Recruit.objects.filter(participant=participant).first()
    if bound:
        return bound
    if took_part(participant.study, arrival):
        raise Taken
    said = {key: value for key, value in asdict(arrival).items() if key != "study"}
    try:
        with transaction.atomic():
            recruit = Recruit.objects.create(study=participant.study, participant=participant, **said)
    except IntegrityError as error:
        raise Taken from error
    if arrival.unusual:
        Event.objects.create(participant=participant, kind="unusual_identifier")
    return recruit


def known(study: Study, arrival: Arrival | None) -> Participant | None:
    """The participant of this very submission. A label alone names nobody."""
    if not arrival or not arrival.person:
        return None
    same = _recruits_of(study, arrival).filter(submission=arrival.submission, participant__isnull=False)
    recruit = same.select_related("participant__study").first()
    return recruit.participant if recruit else None


def took_part(study: Study, arrival: Arrival | None) -> bool:
    """Whether the person came before with another submission: they are told so, and begin nothing."""
    if not arrival or not arrival.person:
        return False
    return _recruits_of(study, arrival).exclude(submission=arrival.submission).exists()


def resume(study: Study, arrival: Arrival | None) -> Participant | None:
    """The participant of this submission who comes without their cookie; noted on their timeline, as a link
    is a claim and no credential."""
    participant = known(study, arrival)
    if participant:
        Event.objects.create(participant=participant, kind="takeover")
    return participant


def is_findable(participant: Participant) -> bool:
    """Whether opening their link once more leads back to them without the cookie."""
    return Recruit.objects.filter(participant=participant).exclude(person="").exists()


def is_guessable(participant: Participant) -> bool:
    """Whether somebody came back as this participant by nothing but a short number, as SONA's survey codes
    are: they may finish, but another's data are not theirs to see or erase."""
    back = participant.events.filter(kind="takeover", participant__recruit__submission="")
    return back.exists()


def code_for(study: Study, outcome: str) -> str:
    """The study's code for an end. All codes are made together at the first need.

    Two processes may come here at once: each tries to add its own, the first of each outcome stands.
    """
    while (code := study.codes.filter(outcome=outcome).values_list("code", flat=True).first()) is None:
        drawn = [Code(study=study, outcome=each, code=new_completion_code()) for each in Outcome.values]
        Code.objects.bulk_create(drawn, ignore_conflicts=True)
    return code


@transaction.atomic
def register_codes(study: Study, codes: Mapping[str, str]) -> None:
    """Takes the codes as they are registered with the recruiter. Who has a code already keeps it."""
    Study.objects.select_for_update().get(pk=study.pk)  # nobody else sets codes meanwhile
    codes = {outcome: code.strip() for outcome, code in codes.items()}
    _check_codes(study, codes)
    study.codes.filter(outcome__in=codes).delete()  # all first: two outcomes may exchange their codes
    Code.objects.bulk_create(Code(study=study, outcome=outcome, code=code) for outcome, code in codes.items())


def return_address(participant: Participant) -> str:
    """Where to send a participant who reached an end; nothing where there is no such place.

    Connect's and SONA's addresses grant the credit at once, so only who completed is sent there.
    """
    study, completed = participant.study, participant.outcome == Outcome.COMPLETED
    recruit = Recruit.objects.filter(participant=participant).first()
    platform = recruit.platform if recruit else study.recruiter
    if platform == Study.Recruiter.PROLIFIC:
        code = participant.completion_code
        return PROLIFIC_RETURN + quote(code, safe="") if code else ""
    if urlsplit(study.return_address).scheme not in ("http", "https") or not participant.finished_at:
        return ""
    if platform == Study.Recruiter.SONA:
        return _sona_credit(study.return_address, recruit) if completed and recruit else ""
    return study.return_address if completed or platform == Study.Recruiter.PLAIN else ""


def hear(study: Study, submission: str, status: str) -> None:
    """What Prolific says became of a submission. Messages may overtake one another: none leads back."""
    status = state(status)
    recruits = study.recruits.select_related("participant").filter(platform=Study.Recruiter.PROLIFIC)
    recruit = recruits.filter(submission=_clean(submission) or None).first()
    if not recruit or not status or (recruit.status and _step(status) < _step(recruit.status)):
        return
    if status in LEFT and recruit.participant:
        release(recruit.participant, status)  # first, as who withdraws takes the two rows in this order too
    study.recruits.filter(pk=recruit.pk).update(status=status)


def state(words: str) -> str:
    """A state in one spelling: `timed_out` and `Timed-Out` are TIMED-OUT."""
    spoken = " ".join(_clean(words).upper().replace("_", " ").replace("-", " ").split())
    return "TIMED-OUT" if spoken in ("TIMED OUT", "TIMEDOUT") else spoken[:30]


def release(participant: Participant, status: str) -> bool:
    """Gives the place of somebody who left to the next one; the answers stay. False if it was free."""
    now = timezone.now()
    live = Participant.objects.filter(pk=participant.pk, finished_at__isnull=True, lease_until__gt=now)
    with transaction.atomic():
        released = bool(live.update(lease_until=now))
        if released:
            Event.objects.create(participant=participant, kind="released", detail={"status": status})
    return released


def _clean(value: str) -> str:
    """Without what cannot be seen, and not too long; nothing for a placeholder that nobody filled in."""
    seen = "".join(sign for sign in value if not unicodedata.category(sign).startswith("C")).strip()
    return "" if PLACEHOLDER.fullmatch(seen) else seen[:LONGEST]


def _named(given: Mapping[str, str], platform: str) -> dict[str, str]:
    return {
        field: next((given[name] for name in names if given.get(name)), "")
        for field, names in PARAMETERS[platform].items()
    }


def _recruits_of(study: Study, arrival: Arrival) -> QuerySet[Recruit]:
    return study.recruits.filter(platform=arrival.platform, person=arrival.person)


def _step(status: str) -> int:
    return STEPS.get(status, 3)


def _check_codes(study: Study, codes: Mapping[str, str]) -> None:
    for outcome, code in codes.items():
        if outcome not in Outcome.values:
            raise Refusal(f"There is no outcome {outcome!r}.")
        if not REGISTRABLE.fullmatch(code):
            end = Outcome(outcome).label
            raise Refusal(f"The code for {end} must be 1 to 32 letters, digits, hyphens or underscores.")
    kept = study.codes.exclude(outcome__in=codes).values_list("code", flat=True)
    together = [*codes.values(), *kept]
    if len(set(together)) < len(together):
        raise Refusal("Each outcome needs a code of its own, or nobody could tell one end from another.")


def _sona_credit(address: str, recruit: Recruit) -> str:
    """SONA's client link: the study's own has experiment_id and credit_token, and is told whose credit."""
    parts = urlsplit(address)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "survey_code"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("survey_code", recruit.person)])))
