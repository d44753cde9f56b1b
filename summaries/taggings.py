"""What automatic taggers said of a run's summaries, read from rows for pages and files."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean

from django.db.models import Prefetch, QuerySet

from annotations import cells
from summaries.engine.tagging.paired import Comparison, compare
from summaries.models import Run, RunClass, Summary, Tagging

CONTROLS = {
    "on_mask": "random regions on the evidence",
    "off_mask": "random regions off it",
    "shuffled": "members shuffled between summaries",
}
MEASURES = {
    "coherence": "What share of their tags two members of a summary have in common, on average (Jaccard).",
    "specificity": "How much larger that share is than between members of different summaries of a class.",
    "purity": "For what share of the members the summary's first tag comes first.",
}
LISTED = 10


@dataclass(frozen=True)
class Against:
    """A measure of one tagger over all summaries, and of one control."""

    control: str
    words: str
    mean: float | None
    compared: Comparison


@dataclass(frozen=True)
class Measured:
    """A measure of one tagger over all summaries."""

    name: str
    mean: float | None
    against: list[Against]


def runs_of(run: Run) -> QuerySet[Run]:
    """The runs that tagged this one's summaries, newest first."""
    return run.tag_runs.select_related("network", "created_by").order_by("-pk")


def newest(runs: Iterable[Run]) -> list[Run]:
    """Of each tagger the newest finished one, which is what is shown, by name."""
    found: dict[str, Run] = {}
    for run in sorted(runs, key=lambda one: one.pk):
        if run.state == Run.State.FINISHED:
            found[run.preset] = run
    return [found[name] for name in sorted(found)]


def classes_of(run: Run, shown: list[Run]) -> list[RunClass]:
    """The classes with their summaries, each with `tagged`: what each of these runs says of it."""
    taggings = Tagging.objects.filter(run__in=shown).select_related("run").order_by("run__preset")
    summaries = Summary.objects.order_by("rank").prefetch_related(
        Prefetch("taggings", taggings, to_attr="tagged")
    )
    found = run.classes.select_related("label").order_by("position")
    return [one for one in found.prefetch_related(Prefetch("summaries", summaries)) if one.summaries.all()]


def measures(run: Run) -> list[Measured]:
    """What a run of tagging found over all summaries, each measure beside those of chance."""
    scores = list(run.taggings.order_by("summary").values_list("scores", flat=True))
    return [_measured(name, scores) for name in MEASURES]


def _measured(name: str, scores: list[dict]) -> Measured:
    values = [each.get(name) for each in scores]
    against = []
    for control, words in CONTROLS.items():
        chance = [each.get("controls", {}).get(control, {}).get(name) for each in scores]
        paired = [one if value is not None else None for one, value in zip(chance, values, strict=True)]
        against.append(Against(control, words, _mean(paired), compare(values, chance)))
    return Measured(name, _mean(values), against)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def of_runs(shown: list[Run]) -> QuerySet[Tagging]:
    return (
        Tagging.objects.filter(run__in=shown)
        .select_related("run", "summary__run_class__label")
        .order_by("summary__run_class__position", "summary__rank", "run__preset")
    )


def table(shown: list[Run]) -> Iterator[list]:
    """A header, and a row for each summary and tagger; numbers in full, empty where they are not defined."""
    yield [
        *("class", "summary", "tagger", "version", "view", "run", "members", "tagged", *MEASURES),
        *(f"{measure}_{control}" for control in CONTROLS for measure in MEASURES),
        *(f"{what}_{place}" for place in range(1, LISTED + 1) for what in ("tag", "score")),
    ]
    for each in of_runs(shown):
        yield _row(each)


def _row(tagging: Tagging) -> list:
    run, summary, scores = tagging.run, tagging.summary, tagging.scores
    tags = [*tagging.tags, *([["", ""]] * LISTED)][:LISTED]
    return [
        *(summary.run_class.label.name, summary.rank, run.preset),
        *(run.parameters.get("version", ""), run.parameters.get("view", ""), run.pk),
        *(scores.get(name) for name in ("members", "tagged", *MEASURES)),
        *(scores.get("controls", {}).get(one, {}).get(name) for one in CONTROLS for name in MEASURES),
        *(cell for tag in tags for cell in tag),
    ]


def as_csv(shown: list[Run]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(map(cells.guard, row) for row in table(shown))
    return out.getvalue()
