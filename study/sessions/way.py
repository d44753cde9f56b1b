"""From the Start button to an end, whichever: the stages of the way and the one page for each."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from study import places, recruitment, versions
from study.models import Condition, Event, Outcome, Participant, Study, Trial
from study.sessions.leases import held, hold, lease, touch

MOST_ATTEMPTS = 2
"""At the comprehension check."""


@dataclass(frozen=True)
class Place:
    """The page that a participant may be on: start, consent, questions, instructions, practice, check, trial,
    feedback or thanks."""

    page: str
    trial: Trial | None = None
    revisited: bool = False
    """An answered trial, come back to on purpose."""


def recognise(study: Study, token: str | None) -> Participant | None:
    return study.participants.select_related("version").filter(token=token).first() if token else None


def welcomes(study: Study, preview: bool = False) -> bool:
    """Whether somebody may begin. Who has consented may always go on to the end."""
    return preview or study.state == Study.State.OPEN


def place_of(participant: Participant) -> Place:
    setting = participant.version.setting
    if participant.finished_at:
        return Place("thanks")
    if not participant.consented_at:
        return Place("consent" if welcomes(participant.study, participant.preview) else "start")
    if setting("questions") and not participant.questioned_at:
        return Place("questions")
    if not participant.instructed_at:
        return Place("instructions")
    if not participant.practised_at:
        return Place("practice")
    if setting("comprehension") and not participant.understood_at:
        return Place("check")
    trial = _next_trial(participant)
    return Place("trial", trial) if trial else Place("feedback")


def at_work(participant: Participant) -> bool:
    """Whether they have come to the trials. So have those who finished them."""
    understood = participant.understood_at or not participant.version.setting("comprehension")
    return bool(participant.instructed_at and participant.practised_at and understood)


@transaction.atomic
def start(
    study: Study,
    token: str,
    *,
    preview: bool = False,
    simulated: bool = False,
    condition: Condition | None = None,
    arrival: recruitment.Arrival | None = None,
) -> Participant:
    """The participant who holds this token, or came before with the same submission; else a new one.

    Who comes when every place is taken is at an end at once, with a code for that. A preview goes through the
    design as it stands, in the given condition.
    """
    hold(study.pk)  # arrivals are numbered one after another
    known = recognise(study, token) or recruitment.resume(study, arrival)
    if known:
        return known
    numbered = study.participants.filter(preview=preview).aggregate(last=Max("number"))["last"] or 0
    participant = Participant.objects.create(
        study=study,
        version=versions.freeze(study) if preview else versions.latest(study) or versions.publish(study),
        token=token,
        number=numbered + 1,
        preview=preview,
        simulated=simulated,
        condition=condition,
        last_seen=timezone.now(),
    )
    if arrival:
        recruitment.bind(participant, arrival)
    if not preview and not places.are_left(participant, timezone.now()):
        end(participant, Outcome.QUOTA_FULL)
        participant.refresh_from_db()
    return participant


@transaction.atomic
def consent(participant: Participant) -> None:
    """Records which text was agreed to, and draws the participant's condition and trials."""
    hold(participant.study_id)  # who draws next must know what was drawn
    participant, now = held(participant), timezone.now()
    if participant.consented_at or participant.outcome:
        return
    drawn = places.draw(participant, now)
    participant.consented_at = participant.last_seen = now
    participant.consent_sha256 = sha256(participant.version.setting("consent").encode()).hexdigest()
    participant.lease_until = lease(participant, now)
    participant.condition = drawn.condition
    participant.save(
        update_fields=["consented_at", "consent_sha256", "last_seen", "lease_until", "condition"]
    )
    trials = enumerate(drawn.stimuli, start=1)
    Trial.objects.bulk_create(
        Trial(participant=participant, stimulus_id=stimulus, position=position)
        for position, stimulus in trials
    )


@transaction.atomic
def decline(participant: Participant) -> None:
    """Says no to taking part. Who has said yes withdraws instead."""
    if held(participant).consented_at is None:
        end(participant, Outcome.NO_CONSENT)


def answer_questions(participant: Participant, profile: dict[str, Any]) -> None:
    _pass(participant, "questioned_at", after="consented_at", profile=profile)


def finish_instructions(participant: Participant) -> None:
    _pass(participant, "instructed_at", after="consented_at")


def finish_practice(participant: Participant) -> None:
    _pass(participant, "practised_at", after="instructed_at")


@transaction.atomic
def answer_check(participant: Participant, chosen: list[int], *, attempt: int | None = None) -> bool:
    """Whether the chosen answers are the right ones. Failing for the second time is a kind way out.

    With the number of the attempt, the same page sent twice counts once.
    """
    participant = held(participant)
    if participant.understood_at or participant.outcome:
        return bool(participant.understood_at)
    if attempt is not None and attempt != participant.comprehension_attempts + 1:
        return False
    right = chosen == [each["right"] for each in participant.version.setting("comprehension")]
    participant.comprehension_attempts += 1
    participant.understood_at = timezone.now() if right else None
    participant.save(update_fields=["comprehension_attempts", "understood_at"])
    Event.objects.create(participant=participant, kind="check", detail={"chosen": chosen, "right": right})
    if not right and participant.comprehension_attempts >= MOST_ATTEMPTS:
        end(participant, Outcome.SCREENED_OUT)
    return right


def give_feedback(participant: Participant, text: str) -> None:
    """Where the study asks for it, and until they finish."""
    if participant.version.setting("feedback_asked"):
        at_their_end = Participant.objects.filter(pk=participant.pk, practised_at__isnull=False, outcome="")
        at_their_end.update(feedback=text, feedback_at=timezone.now())


def end(participant: Participant, outcome: str) -> None:
    """Leads the participant to the last page, with the code of this outcome. The first end stands."""
    code = recruitment.code_for(participant.study, outcome)
    on_the_way = Participant.objects.filter(pk=participant.pk, outcome="")
    on_the_way.update(outcome=outcome, finished_at=timezone.now(), completion_code=code)


def _pass(participant: Participant, stage: str, *, after: str, **more: Any) -> None:
    waiting = {"outcome": "", f"{after}__isnull": False, f"{stage}__isnull": True}
    Participant.objects.filter(pk=participant.pk, **waiting).update(**{stage: timezone.now()}, **more)
    touch(participant)


def _next_trial(participant: Participant) -> Trial | None:
    unanswered = participant.trials.filter(answers__isnull=True).select_related("stimulus")
    return unanswered.order_by("position").first()
