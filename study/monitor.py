"""How a study goes, in counts: people by condition, answers by stimulus, completions over time.

Previews are left out everywhere. Bots are counted among themselves, never together with people. However many
people and stimuli there are, the number of queries is the same.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from study import exclusions, versions
from study.histogram import Histogram, histogram
from study.models import Answer, Condition, Exclusion, Outcome, Participant, Stimulus, Study, Trial, Version

PEOPLE_AT_ONCE = 50
LIVE, LEFT, EXCLUDED = "live", "left", "excluded"
"""What people can be sought by beside their outcomes."""


@dataclass
class Group:
    """Those of one condition, or all."""

    name: str
    arrived: int = 0
    consented: int = 0
    live: int = 0
    completed: int = 0
    excluded: int = 0
    answers: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    """Every other outcome that somebody had."""

    def add(self, row: dict) -> None:
        for name in ("arrived", "consented", "live", "excluded"):
            setattr(self, name, getattr(self, name) + row[name])
        if row["outcome"] == Outcome.COMPLETED:
            self.completed += row["arrived"]
        elif row["outcome"]:
            end = Outcome(row["outcome"]).label
            self.ends[end] = self.ends.get(end, 0) + row["arrived"]


@dataclass(frozen=True)
class Progress:
    """One stimulus: what it has, and what is on its way."""

    stimulus: Stimulus
    target: int
    answers: int
    """Without those skipped; surplus ones are among them."""
    surplus: int
    skipped: int
    names: int
    live: int
    """Trials, not answered yet, of people who are at work."""

    @property
    def counted(self) -> int:
        return self.answers - self.surplus

    @property
    def share(self) -> int | None:
        """Of names among the answers, in percent."""
        return round(100 * self.names / self.answers) if self.answers else None


@dataclass(frozen=True)
class Overview:
    at: datetime
    simulated: bool
    version: Version | None
    people: int
    bots: int
    whole: Group
    groups: list[Group]
    rules: list[tuple[str, int]]
    """How many each rule excludes; somebody may meet several."""
    stimuli: list[Progress]
    completions: Histogram


@dataclass(frozen=True)
class Sought:
    outcome: str = ""
    """One of Outcome, LIVE, LEFT or EXCLUDED."""
    condition: Condition | None = None
    simulated: bool | None = None
    pseudonym: str = ""
    """How it begins, or the number of arrival."""


@dataclass
class Person:
    participant: Participant
    live: bool
    trials: int = 0
    answered: int = 0
    rules: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Found:
    people: list[Person]
    total: int
    before: int | None
    """The next ones came before this number."""


def overview(study: Study, simulated: bool | None = None) -> Overview:
    """All counts of the study's people or of its bots; of the bots too where nobody else came yet."""
    now = timezone.now()
    rows = _counts(study, now)
    arrived = {
        bots: sum(row["arrived"] for row in rows if row["simulated"] == bots) for bots in (False, True)
    }
    bots = bool(arrived[True] and not arrived[False]) if simulated is None else simulated
    people = _came(study).filter(simulated=bots)
    version, answers = versions.latest(study), _answers(study, bots)
    whole, groups = _groups(study, [row for row in rows if row["simulated"] == bots], answers)
    return Overview(
        now,
        bots,
        version,
        people=arrived[False],
        bots=arrived[True],
        whole=whole,
        groups=groups,
        rules=_rules(people),
        stimuli=_progress(study, version, people, answers, now),
        completions=histogram(_completions(people)),
    )


def find_people(study: Study, sought: Sought, before: int | None = None) -> Found:
    """Those who came last first, a page at a time; `before` is the number on which the last page ended."""
    now = timezone.now()
    matching = _matching(study, sought, now)
    total = matching.count()
    if before is not None:
        matching = matching.filter(number__lt=before)
    rows = list(matching.select_related("condition").order_by("-number")[: PEOPLE_AT_ONCE + 1])
    shown = rows[:PEOPLE_AT_ONCE]
    return Found(_with_work(shown, now), total, shown[-1].number if len(rows) > len(shown) else None)


def is_live(participant: Participant, now: datetime) -> bool:
    return not participant.outcome and bool(participant.lease_until and participant.lease_until > now)


def _came(study: Study) -> QuerySet[Participant]:
    return Participant.objects.filter(study=study, preview=False)


def _at_work(now: datetime) -> Q:
    return Q(outcome="", lease_until__gt=now)


def _excluded() -> Exists:
    return Exists(Exclusion.objects.filter(participant=OuterRef("pk"), lifted_at=None))


def _counts(study: Study, now: datetime) -> list[dict]:
    return list(
        _came(study)
        .order_by()
        .values("condition", "simulated", "outcome")
        .annotate(
            arrived=Count("pk"),
            consented=Count("consented_at"),
            live=Count("pk", filter=_at_work(now)),
            excluded=Count("pk", filter=_excluded()),
        )
    )


def _answers(study: Study, bots: bool) -> list[dict]:
    """The last revision of each answer, counted by stimulus and condition."""
    whose = {"study": study, "preview": False, "simulated": bots}
    named, skipped = Q(kind=Answer.Kind.NAME), Q(kind=Answer.Kind.SKIPPED)
    return list(
        Answer.objects.current()
        .filter(**{f"trial__participant__{name}": value for name, value in whose.items()})
        .order_by()
        .values(stimulus=F("trial__stimulus"), condition=F("trial__participant__condition"))
        .annotate(
            answers=Count("pk", filter=~skipped),
            surplus=Count("pk", filter=~skipped & Q(surplus=True)),
            skipped=Count("pk", filter=skipped),
            names=Count("pk", filter=named),
        )
    )


def _groups(study: Study, rows: Iterable[dict], answers: Iterable[dict]) -> tuple[Group, list[Group]]:
    """All together, and each condition; who was in none yet is told apart only where there are conditions."""
    whole, groups = Group("All"), {each.pk: Group(each.name) for each in study.conditions.all()}
    groups[None] = Group("not assigned yet")
    for row in rows:
        whole.add(row)
        groups[row["condition"]].add(row)
    for row in answers:
        whole.answers += row["answers"]
        groups[row["condition"]].answers += row["answers"]
    return whole, [group for key, group in groups.items() if len(groups) > 1 and (key or group.arrived)]


def _rules(people: QuerySet[Participant]) -> list[tuple[str, int]]:
    standing = Exclusion.objects.filter(participant__in=people, lifted_at=None)
    counts = dict(standing.order_by().values_list("rule").annotate(Count("pk")))
    return [(exclusions.named(rule), counts[rule]) for rule in sorted(counts)]


def _progress(
    study: Study, version: Version | None, people: QuerySet[Participant], answers: list[dict], now: datetime
) -> list[Progress]:
    """The target is the one that newcomers have; a draft's is the desk's."""
    target = version.setting("target") if version else study.target
    given: dict[int, Counter[str]] = defaultdict(Counter)
    for row in answers:
        given[row["stimulus"]].update(
            {name: row[name] for name in ("answers", "surplus", "skipped", "names")}
        )
    promised = Trial.objects.filter(participant__in=people.filter(_at_work(now)), answers=None)
    live = dict(promised.order_by().values_list("stimulus").annotate(Count("pk")))
    shown = Stimulus.objects.filter(study=study).select_related("condition").order_by("position")
    names = ("answers", "surplus", "skipped", "names")
    return [
        Progress(each, target, **{name: given[each.pk][name] for name in names}, live=live.get(each.pk, 0))
        for each in shown
    ]


def _completions(people: QuerySet[Participant]) -> list[datetime]:
    return list(people.filter(outcome=Outcome.COMPLETED).order_by().values_list("finished_at", flat=True))


def _matching(study: Study, sought: Sought, now: datetime) -> QuerySet[Participant]:
    people = _came(study)
    if sought.condition:
        people = people.filter(condition=sought.condition)
    if sought.simulated is not None:
        people = people.filter(simulated=sought.simulated)
    if sought.pseudonym:
        named = Q(code__startswith=sought.pseudonym.casefold())
        people = people.filter(named | Q(number=int(sought.pseudonym)) if _is_number(sought) else named)
    if not sought.outcome:
        return people
    apart = {LIVE: _at_work(now), LEFT: Q(outcome="") & ~_at_work(now), EXCLUDED: Q(_excluded())}
    return people.filter(apart.get(sought.outcome, Q(outcome=sought.outcome)))


def _is_number(sought: Sought) -> bool:
    return sought.pseudonym.isdecimal() and sought.pseudonym.isascii() and len(sought.pseudonym) < 8


def _with_work(rows: list[Participant], now: datetime) -> list[Person]:
    people = {row.pk: Person(row, is_live(row, now)) for row in rows}
    answered = Count("answers", filter=Q(answers__revision=1))  # every answered trial has one
    trials = Trial.objects.filter(participant__in=people).order_by().values("participant")
    for row in trials.annotate(count=Count("pk", distinct=True), answered=answered):
        person = people[row["participant"]]
        person.trials, person.answered = row["count"], row["answered"]
    for excluded in Exclusion.objects.filter(participant__in=people, lifted_at=None):
        people[excluded.participant_id].rules.append(exclusions.named(excluded.rule))
    return list(people.values())
