"""Whose answers do not count in the main analysis: by the rules declared before anybody answered, or by hand.

A rule is judged by the server once somebody's way is over. Nothing is deleted, every exclusion has its
reason, its time and who made it, and a researcher can lift it with a reason of their own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from statistics import median_low
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from annotations import Refusal
from study import names
from study.models import Answer, Event, Exclusion, Participant, Stimulus, Study

BY_HAND = "by hand"
JUDGED, LIFTED = "judged", "exclusion lifted"
"""Kinds of events: the rules were looked at, whatever came of it; a researcher took an exclusion back."""
GONE = timedelta(days=1)
"""Who was silent for so long is judged as somebody who left."""
AT_ONCE = 100
"""People judged in one transaction; nobody waits long for it."""


@dataclass(frozen=True)
class Given:
    """One trial's answer, with what the rules need to know of its stimulus."""

    stimulus: int
    kind: str
    """Of the stimulus."""
    accepted: tuple[str, ...]
    """Of gold the names that are right; of the mechanical layer too."""
    source: int | None
    answer: str
    """Its kind."""
    name: str
    """Of the mechanical layer; "" unless a name was given."""
    seconds: float | None


@dataclass(frozen=True)
class Rule:
    words: str
    reason: Callable[[list[Given], float], str]
    """In one sentence why these answers meet the rule at this limit; "" where they do not."""


def met(declared: Mapping[str, float], given: list[Given]) -> dict[str, str]:
    """The declared rules that these answers meet, each with its reason. Skipped trials are no answers."""
    given = [each for each in given if each.answer != Answer.Kind.SKIPPED]
    told = {rule: RULES[rule].reason(given, limit) for rule, limit in declared.items() if rule in RULES}
    return {rule: reason for rule, reason in told.items() if reason}


def named(rule: str) -> str:
    return RULES[rule].words if rule in RULES else rule


def judge(study: Study) -> int:
    """Looks at everybody whose way is over and who was not judged since. How many exclusions that made."""
    ruled = [version.pk for version in study.versions.all() if version.setting("exclusion")]
    if not ruled:
        return 0
    waiting = _waiting(study.participants.filter(version__in=ruled, preview=False))
    people = list(waiting.select_related("version").order_by("pk"))
    batches = (people[first : first + AT_ONCE] for first in range(0, len(people), AT_ONCE))
    return sum(_judge_some(batch) for batch in batches)


def judge_one(participant: Participant) -> int:
    """For somebody who has just come to an end."""
    ruled = participant.version.setting("exclusion") and not participant.preview
    return _judge_some([participant]) if ruled else 0


def judge_all() -> int:
    """For the clock: every study that is not a draft."""
    return sum(judge(study) for study in Study.objects.exclude(state=Study.State.DRAFT))


def exclude(participant: Participant, reason: str, by: Any) -> Exclusion:
    """Excludes somebody by hand."""
    try:
        with transaction.atomic():
            return participant.exclusions.create(rule=BY_HAND, reason=reason, by=by)
    except IntegrityError as error:
        raise Refusal("This participant is excluded by hand already.") from error


@transaction.atomic
def lift(exclusion: Exclusion, reason: str, by: Any) -> None:
    """Takes an exclusion back. No rule is ever applied to the same participant again once it was lifted."""
    standing = Exclusion.objects.filter(pk=exclusion.pk, lifted_at=None)
    if not standing.update(lifted_at=timezone.now()):
        raise Refusal("This exclusion is lifted already.")
    detail = {"rule": exclusion.rule, "reason": reason, "by": by.get_username()}
    Event.objects.create(participant_id=exclusion.participant_id, kind=LIFTED, detail=detail)


def _waiting(people: QuerySet[Participant]) -> QuerySet[Participant]:
    ended = Coalesce(OuterRef("finished_at"), OuterRef("started_at"))
    judged = Event.objects.filter(participant=OuterRef("pk"), kind=JUDGED, at__gte=ended)
    over = Q(finished_at__isnull=False) | Q(last_seen__lt=timezone.now() - GONE)
    return people.filter(over, ~Exists(judged), consented_at__isnull=False)


@transaction.atomic
def _judge_some(people: list[Participant]) -> int:
    """In one transaction, so that nobody counts as judged whose exclusions were not stored. Who withdrew
    meanwhile is passed over, and nobody withdraws before it ends."""
    rows = Participant.objects.select_for_update(of=("self",), no_key=True).select_related("version")
    people = list(rows.filter(pk__in=[person.pk for person in people]).order_by("pk"))
    given, known = _given(people), _known(people)
    wanted = [
        Exclusion(participant=person, rule=rule, reason=reason)
        for person in people
        for rule, reason in met(person.version.setting("exclusion"), given.get(person.pk, [])).items()
        if (person.pk, rule) not in known
    ]
    Exclusion.objects.bulk_create(wanted, ignore_conflicts=True)
    Event.objects.bulk_create(Event(participant=person, kind=JUDGED) for person in people)
    return len(wanted)


def _known(people: Iterable[Participant]) -> set[tuple[int, str]]:
    """Exclusions that were ever made, lifted ones too."""
    return set(Exclusion.objects.filter(participant__in=people).values_list("participant", "rule"))


def _given(people: Iterable[Participant]) -> dict[int, list[Given]]:
    """The last revision of each answer, by participant."""
    languages = {person.pk: person.version.setting("language") for person in people}
    stimulus = [f"trial__stimulus{name}" for name in ("", "__kind", "__accepted", "__source")]
    rows = (
        Answer.objects.current()
        .filter(trial__participant__in=people)
        .order_by("trial__participant", "trial__position")
        .values_list("trial__participant", *stimulus, "kind", "words", "seconds")
    )
    return {
        person: [_given_once(row, languages[person]) for _, *row in own]
        for person, own in groupby(rows, key=lambda row: row[0])
    }


def _given_once(row: list[Any], language: str) -> Given:
    key, kind, accepted, source, answer, words, seconds = row
    right = tuple(names.mechanical(name, language) for name in accepted)
    return Given(key, kind, right, source, answer, names.mechanical(words, language), seconds)


def _too_fast(given: list[Given], limit: float) -> str:
    """By half of the answers, so that one slip of the finger excludes nobody; without times by none."""
    times = [each.seconds for each in given if each.seconds is not None]
    if not times or (middle := median_low(times)) >= limit:
        return ""
    return f"Half of the answers or more took {middle:.3g} s or less; the rule asks for {limit:g} s."


def _gold_missed(given: list[Given], limit: float) -> str:
    gold = [each for each in given if each.kind == Stimulus.Kind.GOLD]
    missed = sum(each.name not in each.accepted for each in gold)
    return _reached(missed, len(gold), limit, "items with accepted names were named otherwise")


def _decoys_named(given: list[Given], limit: float) -> str:
    decoys = [each for each in given if each.kind == Stimulus.Kind.DECOY]
    wrong = sum(each.answer == Answer.Kind.NAME for each in decoys)
    return _reached(wrong, len(decoys), limit, "items with nothing in common were given a name")


def _repeats_differ(given: list[Given], limit: float) -> str:
    """Only where both were answered."""
    first = {each.stimulus: (each.answer, each.name) for each in given}
    repeats = [each for each in given if each.kind == Stimulus.Kind.REPEAT and each.source in first]
    differ = sum((each.answer, each.name) != first[each.source] for each in repeats)
    return _reached(differ, len(repeats), limit, "repeated items were answered otherwise than before")


def _reached(count: int, of: int, limit: float, what: str) -> str:
    return f"{count} of {of} {what}; the rule's limit is {limit:g}." if count >= limit else ""


RULES: dict[str, Rule] = {
    "least_seconds": Rule("too fast", _too_fast),
    "gold_missed": Rule("gold missed", _gold_missed),
    "decoys_named": Rule("decoys named", _decoys_named),
    "repeats_differ": Rule("repeats differ", _repeats_differ),
}
"""By the names under which studies declare them."""
