"""Dissections side by side: how many detectors layers have, with chance beside and intervals over seeds.

Read from rows alone. Runs that differ in nothing but their seed make one line: rotations drawn anew, and,
where one says so, networks of one architecture as initialisations of each other.
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db.models import QuerySet
from scipy.special import stdtrit

from annotations import cells
from annotations.models import Concept
from summaries.dissections import COUNTINGS, Layer, layers_of
from summaries.models import Run

LEVEL = 0.95
ALIKE = ("basis", "alpha", "quantile", "threshold", "rule", "concepts", "side")
"""Parameters that runs of one line share."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its interval; of one seed the number alone."""

    mean: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        """
        >>> str(Estimate(3.0)), str(Estimate(3.25, 1.0, 5.51))
        ('3', '3.2 (1 to 5.5)')
        """
        mean, *ends = (
            f"{round(value, 1):g}" for value in (self.mean, self.low, self.high) if value is not None
        )
        return f"{mean} ({' to '.join(ends)})" if ends else mean


def estimate(values: Sequence[float]) -> Estimate:
    """The mean with Student's interval of 95 %, cut at 0 as these are counts; none for a single value."""
    count, mean = len(values), sum(values) / len(values)
    if count == 1:
        return Estimate(mean)
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1) / count)
    half = float(stdtrit(count - 1, (1 + LEVEL) / 2)) * spread
    return Estimate(mean, max(mean - half, 0.0), mean + half)


@dataclass(frozen=True)
class Found:
    """Of a line by one way of counting: the units that detect a concept, the concepts, and both by chance."""

    units: Estimate
    units_by_chance: Estimate
    unique: Estimate
    unique_by_chance: Estimate

    @property
    def all(self) -> tuple[Estimate, ...]:
        return self.units, self.units_by_chance, self.unique, self.unique_by_chance


@dataclass(frozen=True)
class Line:
    """A layer of a network in a basis, by all runs that differ in the seed alone."""

    layers: tuple[Layer, ...]

    @property
    def first(self) -> Layer:
        return self.layers[0]

    @property
    def runs(self) -> list[Run]:
        return [layer.run for layer in self.layers]

    @property
    def network(self) -> str:
        return ", ".join(dict.fromkeys(run.network.name for run in self.runs))

    @property
    def basis(self) -> str:
        """In words, with how far it was turned."""
        given = self.first.run.parameters
        return "natural" if given["basis"] == "natural" else f"rotated, α = {given.get('alpha', 1.0):g}"

    @property
    def seeds(self) -> list[int]:
        return [run.seed for run in self.runs]

    def found(self, counting: str, threshold: float, category: str = "") -> Found:
        """Over all categories, or in one."""
        pairs = [layer.counted(counting, threshold) for layer in self.layers]
        values = [
            [_count(told, what, category) for told in own]
            for own in zip(*pairs, strict=True)
            for what in ("units", "unique")
        ]
        units, unique, units_by_chance, unique_by_chance = (estimate(each) for each in values)
        return Found(units, units_by_chance, unique, unique_by_chance)


def _count(told: dict, what: str, category: str) -> int:
    return told[f"{what}_by_category"][category] if category else told[what]


@dataclass(frozen=True)
class Part:
    """A category's piece of a line's bar."""

    category: str
    start: float
    unique: Estimate


@dataclass(frozen=True)
class Comparison:
    """Lines, in the order in which their runs were named."""

    lines: tuple[Line, ...]

    @cached_property
    def thresholds(self) -> list[float]:
        """At which all of them were counted."""
        told = [set(layer.thresholds) for line in self.lines for layer in line.layers]
        return sorted(set.intersection(*told)) if told else []

    @cached_property
    def categories(self) -> list[str]:
        """In which any of them had concepts."""
        there = {
            category for line in self.lines for run in line.runs for category, _ in run.parameters["concepts"]
        }
        return [category for category in Concept.Category.values if category in there]

    @property
    def differ(self) -> list[str]:
        """What else than network, layer and basis is not the same in all of them, in words."""
        runs = [run for line in self.lines for run in line.runs]
        values = {
            "image sets": {run.image_set.name for run in runs},
            "quantiles": {str(run.parameters.get("quantile")) for run in runs},
            "rules of counting": {run.parameters["rule"] for run in runs},
            "concepts": {str(run.parameters["concepts"]) for run in runs},
            "numbers of images": {str(run.parameters.get("images")) for run in runs},
        }
        return [name for name, each in values.items() if len(each) > 1]

    def rows(self, line: Line) -> list[tuple[float, list[Found]]]:
        """Of each threshold what was found by each way of counting."""
        return [(each, [line.found(name, each) for name in COUNTINGS]) for each in self.thresholds]

    def table(self) -> list[tuple[Line, list[tuple[float, list[Found]]]]]:
        return [(line, self.rows(line)) for line in self.lines]

    def bars(self, counting: str, threshold: float) -> list[tuple[Line, list[Part], Found]]:
        """Of each line its unique detectors, category after category, and what it has in all."""
        return [
            (line, self._parts(line, counting, threshold), line.found(counting, threshold))
            for line in self.lines
        ]

    def _parts(self, line: Line, counting: str, threshold: float) -> list[Part]:
        parts, start = [], 0.0
        for category in self.categories:
            unique = line.found(counting, threshold, category).unique
            parts.append(Part(category, start, unique))
            start += unique.mean
        return parts

    def cells(self) -> Iterator[list]:
        """A header, and a row for each line, threshold, way of counting and category ("all": all of them)."""
        estimated = ("detectors", "detectors by chance", "unique", "unique by chance")
        yield [
            *("network", "layer", "basis", "images", "runs", "seeds", "units"),
            *("threshold", "counting", "category"),
            *(f"{name}{end}" for name in estimated for end in ("", " low", " high")),
        ]
        for line in self.lines:
            what = [line.network, line.first.name, line.basis, line.first.run.image_set.name]
            what += [_listed(run.pk for run in line.runs), _listed(line.seeds), line.first.units]
            for threshold in self.thresholds:
                for counting in COUNTINGS:
                    for category in ("", *self.categories):
                        found = line.found(counting, threshold, category).all
                        numbers = [value for each in found for value in (each.mean, each.low, each.high)]
                        yield [*what, threshold, counting, category or "all", *numbers]


def _listed(numbers: Iterable[int]) -> str:
    return " ".join(str(number) for number in numbers)


def finished() -> QuerySet[Run]:
    """The dissections that can be compared, newest first."""
    runs = Run.objects.filter(method=Run.Method.DISSECTION, state=Run.State.FINISHED)
    return runs.select_related("network", "image_set").order_by("-pk")


def compare(runs: Sequence[Run], *, initialisations: bool = False) -> Comparison:
    """initialisations: networks of one architecture stand for each other, as if only their seed differed."""
    lines: dict[tuple, list[Layer]] = {}
    for run in runs:
        for layer in layers_of(run):
            lines.setdefault(_alike(layer, initialisations=initialisations), []).append(layer)
    return Comparison(tuple(Line(tuple(layers)) for layers in lines.values()))


def _alike(layer: Layer, *, initialisations: bool) -> tuple:
    """Equal for runs that differ in the seed alone."""
    run = layer.run
    network = (run.network.architecture, str(run.network.options)) if initialisations else run.network_id
    settings = [str(run.parameters.get(name)) for name in ALIKE]
    return (network, run.image_set_id, run.limit, layer.name, *settings)


def as_csv(comparison: Comparison) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(map(cells.guard, row) for row in comparison.cells())
    return out.getvalue()
