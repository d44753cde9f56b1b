"""The retention clock: when a study's time is over, who they were and when exactly is forgotten for good."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce, TruncDay

from study import rights
from study.models import Answer, Event, Exclusion, Participant, Recruit, Study, Version, new_token

TIMES = {
    Participant: (
        "started_at",
        "consented_at",
        "questioned_at",
        "instructed_at",
        "practised_at",
        "understood_at",
        "feedback_at",
        "last_seen",
        "lease_until",
        "finished_at",
    ),
    Answer: ("shown_at", "answered_at", "received_at"),
    Event: ("at",),
    Exclusion: ("at", "lifted_at"),
}
"""Rounded to the day on which they were."""
AT_ONCE = 200
"""Participants in one transaction; nobody waits long for it."""


def counts(now: datetime) -> dict[str, int]:
    """How many participants' time is over, by their study's link name."""
    found: Counter[str] = Counter()
    for version, people in _due(now):
        found[version.study.slug] += people.count()
    return {slug: number for slug, number in sorted(found.items()) if number}


def pseudonymise(now: datetime) -> int:
    """Forgets recruiters' identifiers, keys, profiles, feedback and exact times of everybody whose time is
    over. What they answered stays. Safe to run again, and to break off: each batch is whole."""
    done = sum(_in_batches(people, now) for _, people in _due(now))
    _forget_strangers(now)
    return done


def _due(now: datetime) -> Iterator[tuple[Version, QuerySet[Participant]]]:
    """By version, since participants keep what their version promised."""
    waiting = Participant.objects.filter(pseudonymised_at=None)
    for version in Version.objects.filter(pk__in=waiting.values("version")).select_related("study"):
        ended = Coalesce("finished_at", "started_at")
        over = waiting.filter(version=version).alias(ended=ended)
        yield version, over.filter(ended__lte=now - rights.time_kept(version))


def _in_batches(people: QuerySet[Participant], now: datetime) -> int:
    done = 0
    while batch := _pseudonymise_some(people, now):
        done += batch
    return done


@transaction.atomic
def _pseudonymise_some(people: QuerySet[Participant], now: datetime) -> int:
    batch = list(people.select_for_update(of=("self",)).order_by("pk")[:AT_ONCE])
    _forget(Recruit.objects.filter(participant__in=batch))
    for person in batch:
        person.token, person.receipt_key = new_token(), new_token()
        person.profile, person.feedback, person.pseudonymised_at = {}, "", now
    Participant.objects.bulk_update(
        batch, ["token", "receipt_key", "profile", "feedback", "pseudonymised_at"]
    )
    Event.objects.filter(participant__in=batch).update(detail={})
    _round(Participant.objects.filter(pk__in=[person.pk for person in batch]))
    _round(Answer.objects.filter(trial__participant__in=batch))
    _round(Event.objects.filter(participant__in=batch))
    _round(Exclusion.objects.filter(participant__in=batch))
    return len(batch)


def _round(rows: QuerySet) -> None:
    rows.update(**{name: TruncDay(name, tzinfo=UTC) for name in TIMES[rows.model]})


def _forget_strangers(now: datetime) -> None:
    """Whom a recruiter told of, and who never came."""
    for study in Study.objects.filter(recruits__participant=None).distinct():
        before = now - rights.days(study.retention_days)
        _forget(study.recruits.filter(participant=None, arrived_at__lte=before))


def _forget(recruits: QuerySet[Recruit]) -> None:
    rows = list(recruits)
    rights.forget_in_log(rows, rights.names_of(rows))
    recruits.delete()
