"""What participants may ask for: to see what is stored about them, to take it along, to have it erased."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import F, Model, Value
from django.db.models.functions import Replace
from django.utils import timezone

from study import naming, recruitment, tombstones
from study.models import Answer, Event, Exclusion, Outcome, Participant, Recruit, Snapshot, Trial, Version

ERASED = "withdrew"
"""Stands in the site's log in place of a name. Shorter names than this are words that mean others too."""
AT_ONCE = 1000
MOST_DAYS = 36_500
"""No clock counts further than a century, whatever a study promises."""
TOLD: dict[type[Model], tuple[str, ...]] = {
    Participant: (
        "code",
        "number",
        "preview",
        "started_at",
        "consented_at",
        "consent_sha256",
        "questioned_at",
        "profile",
        "instructed_at",
        "practised_at",
        "comprehension_attempts",
        "understood_at",
        "feedback_at",
        "feedback",
        "last_seen",
        "lease_until",
        "outcome",
        "finished_at",
        "completion_code",
    ),
    Recruit: (
        "platform",
        "person",
        "submission",
        "project",
        "label",
        "label_signed",
        "status",
        "arrived_at",
    ),
    Trial: ("position", "key"),
    Answer: (
        "revision",
        "kind",
        "words",
        "body_sha256",
        "seconds",
        "shown_at",
        "answered_at",
        "received_at",
        "evidence",
        "software_version",
    ),
    Event: ("kind", "at"),
    Exclusion: ("at", "lifted_at"),
}
"""What participants are shown of their rows. Missing are keys that open something, and what would tell what
was in the pictures or which of them were checks (none of which is ever surplus): that is the study's, and
others still take part."""
OWN_DOING = {"check"}
"""Kinds of events whose detail tells what the participant did; others' tell of rules and researchers."""


@dataclass(frozen=True)
class Farewell:
    """What somebody who withdrew takes along: it is stored nowhere."""

    version: int
    code: str
    address: str
    """Where the recruiter expects them with the code, if anywhere."""


def find(receipt_key: str) -> Participant | None:
    """Whose receipt this is. Nobody's once they withdrew, or once the retention clock has cut the link."""
    known = Participant.objects.select_related("study", "version", "recruit")
    return known.filter(receipt_key=receipt_key).first()


def withdrawable_until(participant: Participant) -> datetime | None:
    """The last moment at which they can withdraw; none as long as they have not finished."""
    if participant.finished_at is None:
        return None
    return participant.finished_at + days(participant.version.setting("withdraw_days"))


def may_withdraw(participant: Participant) -> bool:
    until = withdrawable_until(participant)
    return until is None or timezone.now() <= until


def kept_until(participant: Participant) -> datetime:
    """When the retention clock cuts the link between the person and the answers."""
    return (participant.finished_at or participant.started_at) + time_kept(participant.version)


def time_kept(version: Version) -> timedelta:
    """Never less than the time for which people were told that they can withdraw."""
    return days(max(version.setting("retention_days"), version.setting("withdraw_days")))


def days(count: int) -> timedelta:
    return timedelta(days=min(count, MOST_DAYS))


@transaction.atomic
def withdraw(participant: Participant) -> Farewell | None:
    """Erases the participant and leaves a tombstone, so that a restored copy is erased again.

    An answer on its way waits for the row: it came before and goes too, or it finds nobody. None if the
    participant was erased already.
    """
    # By its own key: in the usual order the study's row would be held as well.
    held = Participant.objects.select_for_update().filter(pk=participant.pk).order_by("pk").first()
    if held is None:
        return None
    farewell = _farewell(held)
    tombstones.bury(held)
    _erase(held)
    return farewell


def reapply(digests: Iterable[str]) -> int:
    """Erases everybody who withdrew, by these digests, and is there again. How many they were."""
    people = Participant.objects.only("pk", "code").iterator(chunk_size=AT_ONCE)
    returned = list(tombstones.among(people, digests))
    return sum(withdraw(person) is not None for person in returned)


def stored(participant: Participant) -> dict[str, Any]:
    """Every row of theirs as plain values."""
    return {
        "participant": _values(participant),
        "recruiter": [_values(recruit) for recruit in recruits_of(participant)],
        "answers": [_values(answer.trial) | _values(answer) for answer in answers_of(participant)],
        "events": [
            _values(event) | ({"detail": event.detail} if event.kind in OWN_DOING else {})
            for event in participant.events.all()
        ],
        "exclusions": [_values(exclusion) for exclusion in participant.exclusions.all()],
    }


def answers_of(participant: Participant) -> Iterable[Answer]:
    """In the order of their pictures, each with all its revisions."""
    own = Answer.objects.filter(trial__participant=participant).select_related("trial")
    return own.order_by("trial__position", "revision")


def forget_in_log(rows: Sequence[Model], names: Iterable[str]) -> None:
    """The site's log of what researchers did tells rows by their names: entries about these rows go, and
    from all others these names."""
    for row in rows:
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk)
        ).delete()
    for name, field in product(names, ("object_repr", "change_message")):
        if len(name) >= len(ERASED):
            naming = LogEntry.objects.filter(**{f"{field}__contains": name})
            naming.update(**{field: Replace(F(field), Value(name), Value(ERASED))})


def names_of(recruits: Iterable[Recruit]) -> list[str]:
    return [name for row in recruits for name in (row.person, row.submission, row.label) if name]


def recruits_of(participant: Participant) -> list[Recruit]:
    """The recruiter's record of them, and what the recruiter told of the same person apart from it."""
    own = Recruit.objects.filter(participant=participant).first()
    if own is None:
        return []
    same = Recruit.objects.filter(study=own.study, platform=own.platform, person=own.person)
    return [own, *same.filter(participant=None).exclude(person="")]


def _farewell(participant: Participant) -> Farewell:
    """With the code they have, or on the way the one for withdrawing."""
    if not participant.finished_at:
        code = recruitment.code_for(participant.study, Outcome.WITHDREW)
        participant.outcome, participant.completion_code = Outcome.WITHDREW, code
        participant.finished_at = timezone.now()  # not saved: the row goes now
    address = recruitment.return_address(participant)
    return Farewell(participant.version_id, participant.completion_code, address)


def _erase(participant: Participant) -> None:
    """All rows of theirs, the participant's own last: what still refers to it stops the whole."""
    if connection.vendor == "sqlite":  # which else leaves the words in its file, in pages marked as free
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")
    recruits = recruits_of(participant)
    forget_in_log([participant, *recruits], [participant.code, *names_of(recruits)])
    _erase_answers(participant)
    Trial.objects.filter(participant=participant).delete()
    Event.objects.filter(participant=participant).delete()
    Exclusion.objects.filter(participant=participant).delete()
    Recruit.objects.filter(pk__in=[recruit.pk for recruit in recruits]).delete()
    participant.delete()


def _erase_answers(participant: Participant) -> None:
    """And what was made of them: findings are made anew, and names that nobody else typed are forgotten."""
    own = Answer.objects.filter(trial__participant=participant)
    words = list(own.order_by().values_list("words", flat=True).distinct())
    own.delete()
    naming.hold(participant.study)
    Snapshot.objects.filter(study=participant.study_id).delete()
    naming.forget(participant.study, words)


def _values(row: Model) -> dict[str, Any]:
    return {name: getattr(row, name) for name in TOLD[type(row)]}
