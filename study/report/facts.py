"""Everything that a report may claim, read once from the rows and from the snapshot of the findings."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone

from study import exclusions, lexicon, looks, naming, results, versions
from study.agreement import stopping
from study.agreement.looks import Declaration
from study.looks.declaration import planned
from study.models import Answer, Exclusion, NameEvent, Stimulus, Study, Version
from study.report.flow import Flow, flow
from summaries import exhibits
from summaries.models import Run


@dataclass(frozen=True)
class Rule:
    name: str
    words: str
    limit: float
    declared: datetime | None
    """When the first version with this rule and this limit was published."""
    before_all: bool
    """Published before anybody consented."""
    met: int = 0
    """How many it excludes now, of those who took part under this limit."""


@dataclass(frozen=True)
class Coding:
    """What coders decided about names."""

    decider: str
    """Whose decisions make the merged names; "" before there are any."""
    coders: tuple[str, ...]
    decisions: Counter[str]
    """Of the deciding coder, by kind."""
    blind: int
    """How many of them were made blind to conditions and networks."""
    agreements: tuple[naming.Agreement, ...]
    """Of every two coders; none before their decisions may be compared."""


@dataclass(frozen=True)
class Facts:
    study: Study
    version: Version | None
    """What newcomers take part in now."""
    published: tuple[Version, ...]
    """With `people`, how many took part in each."""
    simulated: bool
    flow: Flow
    came: tuple[datetime | None, datetime | None]
    """When the first arrived and the last was seen to end."""
    withdrew: int
    conditions: tuple[str, ...]
    stimuli: tuple[Stimulus, ...]
    """Of the design as it stands, without those taken out of it."""
    taken_out: int
    """Stimuli taken out of it after people had answered them."""
    runs: tuple[Run, ...]
    lost: int
    """Stimuli whose run has been deleted since."""
    rules: tuple[Rule, ...]
    by_hand: tuple[str, ...]
    """Reasons of those who were excluded by hand."""
    lifted: int
    """Exclusions that researchers took back."""
    coding: Coding
    plan: Declaration | None
    """The looks that were declared."""
    looks: tuple[looks.Entry, ...]
    stops: stopping.Rule | None
    """The rule that was declared for stopping summaries early."""
    masked: str
    """Why there is no estimate to see, in words; "" where there is."""
    look: looks.Entry | None
    """The look whose findings these are, where newer ones are masked."""
    content: dict[str, Any] | None
    """Findings; None while they are still being made for the first time."""
    fresh: bool
    computed: datetime | None
    made: datetime
    software: str

    @property
    def main(self) -> dict[str, Any] | None:
        """The main analysis, where it may be seen."""
        return self.content["analyses"]["main"] if self.content and not self.masked else None

    @property
    def kinds(self) -> Counter[str]:
        return Counter(stimulus.kind for stimulus in self.stimuli)

    def setting(self, name: str) -> Any:
        return self.version.setting(name) if self.version else getattr(self.study, name)


def facts(study: Study) -> Facts:
    found = looks.shown(study)
    simulated = results.is_simulated(study)
    came = study.participants.filter(preview=False, simulated=simulated).order_by()
    stimuli = tuple(study.stimuli.filter(removed_at=None).select_related("condition").order_by("position"))
    runs = exhibits.runs_of(stimulus.exhibit for stimulus in stimuli)
    return Facts(
        study=study,
        version=versions.latest(study),
        published=_published(study),
        simulated=simulated,
        flow=flow(study),
        came=tuple(came.aggregate(first=Min("started_at"), last=Max("finished_at")).values()),
        withdrew=study.tombstones.count(),
        conditions=tuple(study.conditions.order_by("position").values_list("name", flat=True)),
        stimuli=stimuli,
        taken_out=_taken_out(study, simulated),
        runs=_runs(runs),
        lost=sum(_run(stimulus) not in {str(run.pk) for run in runs} for stimulus in stimuli),
        rules=_rules(study, simulated),
        by_hand=_by_hand(study, simulated),
        lifted=_of(study, simulated).filter(lifted_at__isnull=False).count(),
        coding=_coding(study),
        plan=looks.declared(study),
        looks=tuple(looks.history(study)),
        stops=stopping.read(planned(study)),
        masked=found.state.words if found.masked else "",
        look=found.look,
        content=found.content,
        fresh=found.fresh,
        computed=found.made_at,
        made=timezone.now(),
        software=settings.VERSION,
    )


def _published(study: Study) -> tuple[Version, ...]:
    numbered = study.versions.filter(number__isnull=False).annotate(people=Count("participants"))
    return tuple(numbered.order_by("number"))


def _runs(runs: list[Run]) -> tuple[Run, ...]:
    rows = Run.objects.filter(pk__in=[run.pk for run in runs]).select_related("network", "image_set")
    return tuple(rows.order_by("pk"))


def _run(stimulus: Stimulus) -> str:
    """The number of the run that it is of."""
    return (stimulus.exhibit.split("/") + [""])[1]


def _rules(study: Study, simulated: bool) -> tuple[Rule, ...]:
    """Of every published version, each with the time at which it was declared; a limit that was changed makes
    another rule, for those who took part from then on."""
    consents = study.participants.filter(preview=False).aggregate(first=Min("consented_at"))["first"]
    standing = _of(study, simulated).filter(lifted_at=None)
    met = Counter(standing.values_list("rule", "participant__version"))
    found: dict[tuple[str, float], Rule] = {}
    for version in study.versions.filter(number__isnull=False).order_by("published_at"):
        for name, limit in sorted(version.setting("exclusion").items()):
            at = version.published_at
            early = at is not None and (consents is None or at <= consents)
            rule = found.get((name, limit)) or Rule(name, exclusions.named(name), limit, at, early)
            found[name, limit] = replace(rule, met=rule.met + met[name, version.pk])
    return tuple(found.values())


def _of(study: Study, simulated: bool) -> QuerySet[Exclusion]:
    who = {"study": study, "preview": False, "simulated": simulated}
    return Exclusion.objects.filter(**{f"participant__{name}": value for name, value in who.items()})


def _taken_out(study: Study, simulated: bool) -> int:
    given = results.answers(study).filter(trial__participant__simulated=simulated)
    gone = given.filter(trial__stimulus__removed_at__isnull=False).exclude(kind=Answer.Kind.SKIPPED)
    return gone.order_by().values("trial__stimulus").distinct().count()


def _by_hand(study: Study, simulated: bool) -> tuple[str, ...]:
    people = study.participants.filter(preview=False, simulated=simulated, consented_at__isnull=False)
    standing = people.filter(exclusions__rule=exclusions.BY_HAND, exclusions__lifted_at=None)
    return tuple(standing.order_by("exclusions__pk").values_list("exclusions__reason", flat=True))


def _coding(study: Study) -> Coding:
    events = NameEvent.objects.filter(study=study).order_by("pk")
    events = events.filter(kind__in=lexicon.DECISIONS)
    coders = tuple(dict.fromkeys(events.values_list("coder", flat=True)))
    decider = study.coder or next(iter(coders), "")
    own = list(events.filter(coder=decider).values_list("kind", "blind"))
    compared = tuple(naming.agreements(study)) if len(coders) > 1 and naming.is_open(study) else ()
    kinds = Counter(kind for kind, _ in own)
    return Coding(decider, coders, kinds, sum(blind for _, blind in own), compared)
