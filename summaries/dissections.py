"""What dissections found, read from rows for pages and files: units, their concepts, counts of detectors."""

import csv
import hashlib
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Prefetch, QuerySet

from annotations.models import Concept
from summaries.models import Run, Unit, UnitConcept, UnitImage

COUNTINGS = {
    "top label": "Each unit stands for its best concept alone, as the paper's text has it.",
    "per category": "Each unit stands for its best concept of every category in which one passes, and "
    "concepts are summed over categories, as the published bar charts have it.",
}
PUBLISHED = {"colour": "color"}
"""How NetDissect spells a category in its files."""


@dataclass(frozen=True)
class Bar:
    """A category's line in the chart of a layer, by one way of counting."""

    category: str
    units: int
    unique: int
    chance: int
    """How many would be unique by the labels of other images."""

    @property
    def lengths(self) -> list[tuple[str, int]]:
        return [("units", self.units), ("unique", self.unique), ("chance", self.chance)]


@dataclass(frozen=True)
class Layer:
    """One layer of a run: what is counted over all its units."""

    run: Run
    name: str
    shape: tuple[int, int, int]
    found: tuple[dict, ...]
    """Of each threshold and way of counting: units, unique, and the same by category."""
    chance: tuple[dict, ...]
    """The same by shuffled labels."""

    @property
    def units(self) -> int:
        return self.shape[0]

    @property
    def threshold(self) -> float:
        return self.run.parameters["threshold"]

    @property
    def thresholds(self) -> list[float]:
        return sorted({each["threshold"] for each in self.found})

    def counted(self, counting: str, threshold: float | None = None) -> tuple[dict, dict]:
        """What was found and what chance gives by this way of counting, at the run's threshold or another."""
        wanted = self.threshold if threshold is None else threshold
        found, chance = (
            next(one for one in told if one["counting"] == counting and one["threshold"] == wanted)
            for told in (self.found, self.chance)
        )
        return found, chance

    def bars(self, counting: str) -> list[Bar]:
        """Of each category in which there are concepts at all."""
        found, chance = self.counted(counting)
        there = {category for category, _ in self.run.parameters["concepts"]}
        return [
            Bar(
                category, units, found["unique_by_category"][category], chance["unique_by_category"][category]
            )
            for category, units in found["units_by_category"].items()
            if category in there
        ]

    @property
    def charts(self) -> list[tuple[str, str, list[Bar], int]]:
        """Each way of counting, what it means, its bars, and how long the longest is."""
        drawn = [(name, told, self.bars(name)) for name, told in COUNTINGS.items()]
        longest = max([1, *(bar.units for _, _, bars in drawn for bar in bars)])
        return [(*each, longest) for each in drawn]

    @property
    def table(self) -> list[tuple[float, int, int, list[tuple[int, int]]]]:
        """Of each threshold the detectors and those of chance, and by each counting how many are unique."""
        rows = []
        for threshold in self.thresholds:
            counted = [self.counted(name, threshold) for name in COUNTINGS]
            (found, chance), *_ = counted
            unique = [(one["unique"], other["unique"]) for one, other in counted]
            rows.append((threshold, found["units"], chance["units"], unique))
        return rows

    @property
    def told(self) -> str:
        """In a sentence, for the command line."""
        (top, chance), (each, _) = (self.counted(name) for name in COUNTINGS)
        return (
            f"{self.name}: {top['units']} of {self.units} units detect a concept (IoU > {self.threshold:g}); "
            f"{top['unique']} unique detectors by top label, {each['unique']} per category; "
            f"by shuffled labels {chance['units']} and {chance['unique']}."
        )


def layers_of(run: Run) -> list[Layer]:
    """The layers that have been scored, in the order in which they were asked for."""
    payloads = run.jobs.filter(stage="units").order_by("pk").values_list("payload", flat=True)
    shapes = run.parameters.get("shapes", {})
    return [
        Layer(run, told["layer"], tuple(shapes[told["layer"]]), tuple(told["found"]), tuple(told["chance"]))
        for told in payloads
        if "found" in told
    ]


@dataclass(frozen=True)
class Wanted:
    """Which units of a run to look at; empty: all."""

    layer: str = ""
    category: str = ""
    concept: str = ""
    least: float = 0.0
    """IoU with the best concept."""


def units_of(run: Run, wanted: Wanted = Wanted()) -> QuerySet[Unit]:  # noqa: B008  (it is frozen)
    """The units, the best first. A concept or category counts where it is the unit's best."""
    found = Unit.objects.filter(run=run).select_related("concept")
    if wanted.layer:
        found = found.filter(layer=wanted.layer)
    if wanted.category:
        found = found.filter(concept__category=wanted.category)
    if wanted.concept:
        found = found.filter(concept__name__icontains=wanted.concept)
    if wanted.least:
        found = found.filter(iou__gte=wanted.least)
    return found.order_by(F("iou").desc(nulls_last=True), "layer", "number")


def with_images(units: QuerySet[Unit], most: int | None = None) -> QuerySet[Unit]:
    """Each with `tops`: the images in which it is most active, drawn."""
    images = UnitImage.objects.exclude(file="").select_related("run_image__image").order_by("rank")
    if most is not None:
        images = images.filter(rank__lte=most)
    return units.prefetch_related(Prefetch("images", images, to_attr="tops"))


def detectors(run: Run) -> list[Unit]:
    """The units that detect a concept and can be shown, the best first, each with its `tops`."""
    threshold = run.parameters.get("threshold", 1.0)
    found = with_images(units_of(run).filter(iou__gt=threshold))
    return [unit for unit in found if unit.tops]


def picture_key(unit: Unit) -> str:
    """Where the picture of a unit's active regions lies, from what it is drawn of."""
    shown = [[top.run_image.image.sha256, top.file] for top in unit.tops]
    digest = hashlib.sha256(json.dumps(shown).encode()).hexdigest()
    return f"pictures/{digest[:2]}/{digest}.png"


def units_beside(unit: Unit) -> tuple[Unit | None, Unit | None]:
    """The units before and after this one in its layer."""
    others = Unit.objects.filter(run=unit.run_id, layer=unit.layer)
    before = others.filter(number__lt=unit.number).order_by("-number").first()
    return before, others.filter(number__gt=unit.number).order_by("number").first()


def categories_of(run: Run) -> list[str]:
    """In which there are concepts at all, in the order of all categories."""
    there = {category for category, _ in run.parameters.get("concepts", [])}
    return [one for one in Concept.Category.values if one in there]


def concepts_of(unit: Unit) -> QuerySet[UnitConcept]:
    return unit.concepts.select_related("concept").order_by("-iou", "category", "rank")


def table(run: Run, layer: str) -> Iterator[list]:
    """A layer in NetDissect's result format: a header, and a row for each unit, counted from 1, with its best
    concept and the best of each category."""
    categories = categories_of(run)
    names = [PUBLISHED.get(one, one) for one in categories]
    columns = ("label", "truth", "activation", "intersect", "iou")
    yield [
        "unit",
        "category",
        "label",
        "score",
        *(f"{name}-{column}" for name in names for column in columns),
    ]
    first = Prefetch(
        "concepts", UnitConcept.objects.filter(rank=1).select_related("concept"), to_attr="firsts"
    )
    units = run.units.filter(layer=layer).select_related("concept").order_by("number").prefetch_related(first)
    for unit in units:
        best = {each.category: each for each in unit.firsts}
        concept = unit.concept
        label = [PUBLISHED.get(concept.category, concept.category), concept.name] if concept else ["", ""]
        cells = (_cells(best.get(category)) for category in categories)
        yield [unit.number + 1, *label, unit.iou or 0.0, *(cell for some in cells for cell in some)]


def _cells(best: UnitConcept | None) -> list:
    if best is None:
        return ["", "", "", "", 0.0]
    return [best.concept.name, best.truth, best.activation, best.intersection, best.iou]


def file_name(layer: str) -> str:
    """
    >>> file_name("features.18/0")
    'features.18_0.csv'
    """
    return re.sub(r"[^\w.-]+", "_", layer) + ".csv"


def as_csv(run: Run, layer: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(table(run, layer))
    return out.getvalue()


def as_json(run: Run) -> dict[str, Any]:
    """All that the files say beside the tables: how it was done, thresholds, detectors and chance."""
    thresholds: dict[str, list[float]] = defaultdict(list)
    for layer, threshold in run.units.order_by("layer", "number").values_list("layer", "threshold"):
        thresholds[layer].append(threshold)
    return {
        "engine_version": run.engine_version,
        "libraries": run.libraries,
        "network": {"name": run.network.name, "sha256": run.network.sha256},
        "image_set": run.image_set.name,
        "seed": run.seed,
        "seconds": round(run.seconds, 1),
        "parameters": run.parameters,
        "layers": [
            {
                "layer": layer.name,
                "shape": layer.shape,
                "thresholds": thresholds[layer.name],
                "detectors": layer.found,
                "chance": layer.chance,
            }
            for layer in layers_of(run)
        ],
    }
