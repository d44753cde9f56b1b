"""Those who consented with what they answered, some people at a time: the same few rows whatever the size."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import QuerySet

from study.exports.choice import Choice
from study.models import Answer, Exclusion, Participant, Stimulus, Study

AT_FIRST, AT_ONCE = 4, 40
"""The first rows come at once; people at a time from then on."""
FIELDS = (
    *(
        "revision",
        "kind",
        "words",
        "surplus",
        "seconds",
        "shown_at",
        "answered_at",
        "received_at",
        "evidence",
    ),
    *("software_version", "trial__position", "trial__stimulus"),
)


class Person(NamedTuple):
    row: Participant
    """With condition, version and recruit."""
    rules: tuple[str, ...]
    """Of the exclusions that stand."""

    def after(self, moment: datetime | None) -> float | None:
        """Seconds from the start. None once times are rounded to days, when they tell nothing any more."""
        if moment is None or self.row.pseudonymised_at:
            return None
        return (moment - self.row.started_at).total_seconds()


class Given(NamedTuple):
    """One revision of one answer."""

    revision: int
    kind: str
    words: str
    surplus: bool
    seconds: float | None
    shown_at: datetime | None
    answered_at: datetime | None
    received_at: datetime
    evidence: dict[str, Any]
    software_version: str
    position: int
    stimulus: Stimulus
    last: bool
    """No later revision replaced it."""
    person: Person
    slug: str


class Came(NamedTuple):
    """One person with all that they answered."""

    person: Person
    given: list[Given]


def came(choice: Choice) -> Iterator[Came]:
    """In the order of arrival, answers in the order of trials and revisions. Previews are left out, and so is
    everybody without consent."""
    until = choice.last_answer  # before the stimuli, which may become more
    shown = {each.pk: each for each in choice.study.stimuli.select_related("condition", "source")}
    for batch in _batches(choice):
        given = _given(batch, shown, choice.study.slug, until)
        for person in batch:
            yield Came(person, given.get(person.row.pk, []))


def chosen(choice: Choice) -> QuerySet[Participant]:
    """Whose rows these are."""
    people = consented(choice.study).order_by()
    if not choice.without_excluded:
        return people
    standing = Exclusion.objects.filter(participant__study=choice.study, lifted_at=None)
    return people.exclude(pk__in=standing.values("participant"))


def count_revisions(choice: Choice) -> int:
    return _answers(choice).count()


def count_answers(choice: Choice) -> int:
    """Every answer has a first revision."""
    return _answers(choice).filter(revision=1).count()


def consented(study: Study) -> QuerySet[Participant]:
    return study.participants.filter(preview=False, consented_at__isnull=False)


def _answers(choice: Choice) -> QuerySet[Answer]:
    people = chosen(choice).values("pk")
    return Answer.objects.filter(trial__participant__in=people, pk__lte=choice.last_answer)


def _batches(choice: Choice) -> Iterator[list[Person]]:
    rows = consented(choice.study).select_related("condition", "version", "recruit")
    light, last, size = rows.defer("version__content").order_by("number"), 0, AT_FIRST
    while batch := list(light.filter(number__gt=last)[:size]):
        last, size = batch[-1].number, AT_ONCE
        yield _persons(batch, choice.without_excluded)


def _persons(batch: list[Participant], without_excluded: bool) -> list[Person]:
    rules: dict[int, list[str]] = {}
    standing = Exclusion.objects.filter(participant__in=batch, lifted_at=None).order_by("pk")
    for participant, rule in standing.values_list("participant", "rule"):
        rules.setdefault(participant, []).append(rule)
    people = [Person(row, tuple(rules.get(row.pk, ()))) for row in batch]
    return [person for person in people if not (without_excluded and person.rules)]


def _given(batch: list[Person], shown: dict[int, Stimulus], slug: str, until: int) -> dict[int, list[Given]]:
    by_key = {person.row.pk: person for person in batch}
    rows = (
        Answer.objects.filter(trial__participant__in=list(by_key), pk__lte=until)
        .order_by("trial__participant__number", "trial__position", "revision")
        .values_list("trial__participant", *FIELDS)
    )
    found: dict[int, list[Given]] = {}
    for (participant, _), revisions in groupby(rows.iterator(), key=lambda row: (row[0], row[-2])):
        *earlier, last = revisions
        own = found.setdefault(participant, [])
        for row in (*earlier, last):
            stimulus, person = shown[row[-1]], by_key[participant]
            own.append(Given(*row[1:-1], stimulus, row is last, person, slug))
    return found
