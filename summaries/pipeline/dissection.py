"""The story of network dissection, from images through thresholds and counts to units and their concepts.

The images are gone through twice: once for how active each unit is, once for where it is and what is
labelled there. Pieces are parts of the images, of a number that does not grow with them, so neither does what
they leave for each other. As in the other stories, one function plans a stage's pieces, one does a piece, and
each is safe to do twice. Paper: arXiv 1711.05611.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from annotations import files, pictures
from annotations.models import Concept
from summaries import artifacts, dissections
from summaries.engine.dissection import dissect, score
from summaries.engine.dissection.layers import MapLayer, layers, pick
from summaries.engine.dissection.quantiles import QuantileSketch
from summaries.engine.dissection.rotation import haar, power
from summaries.engine.dissection.tally import Counts, Labels, Tally
from summaries.engine.dissection.tops import TopImages
from summaries.engine.visual import pictures as drawings
from summaries.jobs import Piece
from summaries.models import Job, Network, Run, RunImage, Unit, UnitConcept, UnitImage
from summaries.pipeline import evidence, label_maps
from summaries.pipeline.evidence import Track, batches
from summaries.pipeline.networks import classifier_of
from summaries.pipeline.pieces import Write, images_of, nothing

MOST_PIECES = 32
SMALLEST_PIECE = 8
AT_ONCE = 8
"""Images that pass through the network together."""
TOP_IMAGES = 9
LISTED = 5
"""Concepts of each category that are kept of a unit."""
THRESHOLDS = (0.04, 0.1, 0.2, 0.3)
"""At which detectors are counted beside the run's own: with few strong concepts .04 tells nothing apart."""
CATEGORIES = tuple(Concept.Category.values)


def list_layers(network: Network) -> tuple[MapLayer, ...]:
    return layers(classifier_of(network).module, network.input_size)


def check_layers(network: Network, names: Sequence[str]) -> None:
    """Refuses names that are no layers with maps, and says which are near."""
    pick(classifier_of(network).module, network.input_size, names)


def frozen_parameters(run: Run) -> dict:
    """What was asked for, with the layers' shapes and the concepts that are marked now."""
    found = pick(classifier_of(run.network).module, run.network.input_size, run.parameters["layers"])
    return run.parameters | {
        "shapes": {name: list(layer.shape) for name, layer in found.items()},
        "side": run.network.input_size // 2,
        "images": _used(run).count(),
        "skipped": RunImage.objects.filter(run_class__run=run).exclude(skipped="").count(),
        "concepts": label_maps.concepts_of(_used(run)),
    }


def _used(run: Run):
    """The images that count, classes mixed, so that no piece is of one class alone."""
    rows = RunImage.objects.filter(run_class__run=run, skipped="")
    return rows.order_by("position", "run_class__position")


# Quantiles: how active each unit is at all places of all images.


def plan_quantiles(run: Run) -> list[Piece]:
    return _in_pieces([each.pk for each in _used(run)])


def _in_pieces(images: list[int]) -> list[Piece]:
    size = max(SMALLEST_PIECE, math.ceil(len(images) / MOST_PIECES))
    return [
        Piece(str(number), {"images": some, "number": number})
        for number, some in enumerate(batches(images, size))
    ]


def sketch_activations(job: Job, track: Track) -> Write:
    run, images = job.run, images_of(job)
    keys = {layer: quantiles_key(run, layer, job) for layer in run.parameters["layers"]}
    if missing := [layer for layer in keys if artifacts.load(keys[layer]) is None]:
        read = (_batch(run, some) for some in track(batches(images, AT_ONCE)))
        found = dissect.sketch(classifier_of(run.network), probes_of(run, missing), read, seed=_seed(job))
        for layer, sketch in found.items():
            artifacts.save(keys[layer], sketch.to_arrays())
    return nothing


def _batch(run: Run, images: list[RunImage], first: int = 0, *, labelled: bool = False) -> dissect.Batch:
    """The images with their numbers from `first` on; with their labels only where these are counted."""
    labels: list[Labels] = []
    if labelled:
        known = {
            (category, name): number for number, (category, name) in enumerate(run.parameters["concepts"])
        }
        labels = label_maps.read([each.image for each in images], known, run.parameters["side"])
    return dissect.Batch(evidence.tensor_of(images), labels, range(first, first + len(images)))


def probes_of(run: Run, names: Sequence[str]) -> dict[str, dissect.Probe]:
    return {name: dissect.Probe(name, basis_of(run, name)) for name in names}


def basis_of(run: Run, layer: str) -> torch.Tensor | None:
    if run.parameters["basis"] == "natural":
        return None
    return _rotation(run.parameters["shapes"][layer][0], run.seed, run.parameters["alpha"])


@lru_cache(maxsize=4)
def _rotation(units: int, seed: int, alpha: float) -> torch.Tensor:
    return torch.as_tensor(power(haar(units, seed), alpha))


def _seed(job: Job) -> int:
    """Another one for each piece of the images."""
    return job.run.seed + job.payload["number"]


def quantiles_key(run: Run, layer: str, job: Job) -> str:
    rotated = run.parameters["basis"] != "natural"
    return artifacts.key_of(
        "quantiles",
        network=run.network.fingerprint,
        layer=layer,
        basis=[run.seed, run.parameters["alpha"]] if rotated else [],
        seed=_seed(job),
        images=_contents(job),
    )


def _contents(job: Job) -> list[str]:
    """The SHA-256 of each of the job's images, in their order."""
    images = RunImage.objects.filter(pk__in=job.payload["images"])
    found = dict(images.values_list("pk", "image__sha256"))
    return [found[pk] for pk in job.payload["images"]]


# Thresholds: the activation that each unit is above at so small a share of all places.


def plan_layers(run: Run) -> list[Piece]:
    return [Piece(str(number), {"layer": name}) for number, name in enumerate(run.parameters["layers"])]


def merge_quantiles(job: Job, track: Track) -> Write:
    run, layer = job.run, job.payload["layer"]
    key = thresholds_key(run, layer)
    if artifacts.load(key) is None:
        stored = [quantiles_key(run, layer, piece) for piece in _pieces(run)]
        merged = QuantileSketch.from_arrays(artifacts.require(stored[0]), run.seed)
        for each in track(stored[1:]):
            merged.merge(QuantileSketch.from_arrays(artifacts.require(each), run.seed))
        found = merged.quantile(1 - run.parameters["quantile"])
        artifacts.save(key, {"thresholds": found.numpy()})
    return nothing


def _pieces(run: Run) -> list[Job]:
    return list(run.jobs.filter(stage="quantiles").select_related("run__network").order_by("pk"))


def thresholds_key(run: Run, layer: str) -> str:
    sketches = [quantiles_key(run, layer, piece) for piece in _pieces(run)]
    return artifacts.key_of("thresholds", sketches=sketches, quantile=run.parameters["quantile"])


# Tally: where each unit is active, and what is labelled there.


def plan_tally(run: Run) -> list[Piece]:
    return [Piece(piece.key, piece.payload) for piece in _pieces(run)]


def count_pixels(job: Job, track: Track) -> Write:
    run, images = job.run, images_of(job)
    keys = tally_keys(run, job)
    if missing := [layer for layer in keys if artifacts.load(keys[layer]) is None]:
        starts = range(0, len(images), AT_ONCE)
        read = (_batch(run, images[start : start + AT_ONCE], start, labelled=True) for start in track(starts))
        found = dissect.count(
            classifier_of(run.network),
            probes_of(run, missing),
            {layer: thresholds_of(run, layer) for layer in missing},
            read,
            categories=categories_of(run),
            category_count=len(CATEGORIES),
            params=dissect.DissectParams(top_images=TOP_IMAGES),
            seed=_seed(job),
        )
        for layer, each in found.items():
            artifacts.save(keys[layer], _to_arrays(each))
    return nothing


def thresholds_of(run: Run, layer: str) -> torch.Tensor:
    return torch.from_numpy(artifacts.require(thresholds_key(run, layer))["thresholds"])


def categories_of(run: Run) -> NDArray[np.int64]:
    return np.array([CATEGORIES.index(category) for category, _ in run.parameters["concepts"]], np.int64)


PARTS = ("tally", "chance", "tops")


def _to_arrays(found: dissect.Dissection) -> artifacts.Arrays:
    return {
        f"{part}.{name}": array for part in PARTS for name, array in getattr(found, part).to_arrays().items()
    }


def _from_arrays(arrays: Mapping[str, NDArray], part: str) -> dict[str, NDArray]:
    return {name.removeprefix(f"{part}."): each for name, each in arrays.items() if name.startswith(part)}


def tally_keys(run: Run, job: Job) -> dict[str, str]:
    """By layer. `job` is of any stage that goes through the pieces of the images."""
    contents = _contents(job)
    marked = label_maps.marked_in(contents)
    return {
        layer: artifacts.key_of(
            "tally",
            thresholds=thresholds_key(run, layer),
            images=contents,
            marked=marked,
            concepts=run.parameters["concepts"],
            side=run.parameters["side"],
            seed=_seed(job),
        )
        for layer in run.parameters["layers"]
    }


# Score: the concepts of each unit, and how many units detect one.


def score_units(job: Job, track: Track) -> Write:
    run, layer = job.run, job.payload["layer"]
    counts, chance, tops = _merged(run, layer, track)
    scores, shuffled = (score.iou(each, run.parameters["rule"]) for each in (counts, chance))
    units, concepts = _unit_rows(run, layer, scores, counts)
    images = _image_rows(run, units, tops)
    told = {"found": _count(run, scores), "chance": _count(run, shuffled)}

    def write() -> None:
        Unit.objects.bulk_create(units)
        UnitConcept.objects.bulk_create(concepts)
        UnitImage.objects.bulk_create(images)
        # With the job, as no row is of a layer: what is counted over all its units.
        Job.objects.filter(pk=job.pk).update(payload=job.payload | told)

    return write


def _merged(run: Run, layer: str, track: Track) -> tuple[Counts, Counts, TopImages]:
    """The counts over all images, those by others' labels, and the images with the highest activations."""
    tallies: list[Tally] = []
    tops: TopImages | None = None
    first = 0
    for piece in track(_pieces(run)):
        arrays = artifacts.require(tally_keys(run, piece)[layer])
        own = [Tally.from_arrays(_from_arrays(arrays, part)) for part in ("tally", "chance")]
        top = _from_arrays(arrays, "tops")
        top["images"] = top["images"] + first
        first += len(piece.payload["images"])
        if tops is None:
            tallies, tops = own, TopImages.from_arrays(top)
            continue
        for mine, theirs in zip(tallies, own, strict=True):
            mine.merge(theirs)
        tops.merge(TopImages.from_arrays(top))
    assert tops is not None, "a run has images"
    return tallies[0].counts(), tallies[1].counts(), tops


def _unit_rows(run: Run, layer: str, scores: NDArray, counts: Counts) -> tuple[list[Unit], list[UnitConcept]]:
    concepts = label_maps.rows_of(run.parameters["concepts"])
    best, limits = score.best(scores), thresholds_of(run, layer).tolist()
    units, rows = [], []
    for number, (label, iou) in enumerate(zip(best.label.tolist(), best.score.tolist(), strict=True)):
        unit = Unit(run=run, layer=layer, number=number, threshold=limits[number])
        if label >= 0:
            unit.concept, unit.iou = concepts[label], iou
        units.append(unit)
        rows += _concept_rows(unit, concepts, scores[number], counts, run.parameters["rule"])
    return units, rows


def _concept_rows(
    unit: Unit, concepts: Sequence[Concept], scores: NDArray, counts: Counts, rule: str
) -> Iterator[UnitConcept]:
    active = counts.active_in if rule == "netdissect" else counts.active_over
    for category, name in enumerate(CATEGORIES):
        own = np.flatnonzero((counts.categories == category) & (scores > 0))
        for rank, place in enumerate(own[np.argsort(-scores[own], kind="stable")][:LISTED], 1):
            yield UnitConcept(
                unit=unit,
                concept=concepts[place],
                category=name,
                rank=rank,
                iou=float(scores[place]),
                intersection=int(counts.both[unit.number, place]),
                activation=int(active[unit.number, category]),
                truth=int(counts.labelled[place]),
            )


def _image_rows(run: Run, units: list[Unit], tops: TopImages) -> list[UnitImage]:
    """Of each unit the images in which it is active at all: a dead one has none."""
    images = [pk for piece in _pieces(run) for pk in piece.payload["images"]]
    rows = []
    for unit, peaks, places in zip(units, tops.peaks.tolist(), tops.images.tolist(), strict=True):
        active = [(peak, place) for peak, place in zip(peaks, places, strict=True) if peak > unit.threshold]
        rows += [
            UnitImage(unit=unit, run_image_id=images[place], rank=rank, activation=peak)
            for rank, (peak, place) in enumerate(active, 1)
        ]
    return rows


def _count(run: Run, scores: NDArray) -> list[dict]:
    """Detectors at each threshold by both ways of counting, with those of each category."""
    told = []
    for threshold in sorted({run.parameters["threshold"], *THRESHOLDS}):
        for counting in ("top label", "per category"):
            found = score.detectors(
                scores, categories_of(run), len(CATEGORIES), threshold=threshold, counting=counting
            )
            told.append(
                {
                    "threshold": threshold,
                    "counting": counting,
                    "units": found.units,
                    "unique": found.unique,
                    "units_by_category": dict(zip(CATEGORIES, found.units_by_category.tolist(), strict=True)),
                    "unique_by_category": dict(
                        zip(CATEGORIES, found.unique_by_category.tolist(), strict=True)
                    ),
                }
            )
    return told


# Masks: where each unit is active in the images in which it is most so.


def plan_masks(run: Run) -> list[Piece]:
    images = UnitImage.objects.filter(unit__run=run).order_by("run_image").values_list("run_image", flat=True)
    return _in_pieces(list(images.distinct()))


def draw_masks(job: Job, track: Track) -> Write:
    run = job.run
    classifier = classifier_of(run.network)
    probes = probes_of(run, run.parameters["layers"])
    rows = []
    for some in track(batches(images_of(job), AT_ONCE)):
        maps = dissect.read_maps(classifier, probes, evidence.tensor_of(some))
        found = dissect.find_layers(classifier, probes)
        for place, image in enumerate(some):
            for layer in probes:
                own = list(UnitImage.objects.filter(unit__run=run, unit__layer=layer, run_image=image))
                rows += _draw(own, found[layer], maps[layer][place], run.network.input_size)

    def write() -> None:
        UnitImage.objects.bulk_update(rows, ["file"], batch_size=500)

    return write


def _draw(rows: list[UnitImage], layer: MapLayer, maps: torch.Tensor, side: int) -> list[UnitImage]:
    """Each with the key of its mask; maps (U, h, w) of the one image."""
    units = Unit.objects.in_bulk({row.unit_id for row in rows})
    numbers = [units[row.unit_id].number for row in rows]
    limits = torch.tensor([units[row.unit_id].threshold for row in rows])
    masks = dissect.find_segments(maps[numbers], limits, (side, side), layer.geometry)
    for row, mask in zip(rows, masks, strict=True):
        row.file = files.put(pictures.png(mask.astype(np.uint8) * 255), ".png")
    return rows


# Pictures: the active regions of each detector side by side, as people are asked about them.


def plan_pictures(run: Run) -> list[Piece]:
    shown = [unit.pk for unit in dissections.detectors(run)]
    return [Piece(str(number), {"units": some}) for number, some in enumerate(batches(shown, SMALLEST_PIECE))]


def draw_pictures(job: Job, track: Track) -> Write:
    wanted = set(job.payload["units"])
    side = job.run.network.input_size
    for unit in track([each for each in dissections.detectors(job.run) if each.pk in wanted]):
        key = dissections.picture_key(unit)
        if not files.exists(key):
            tiles = [_tile(top, side) for top in unit.tops]
            files.put_as(key, pictures.png(drawings.grid(tiles)))
    return nothing


def _tile(top: UnitImage, side: int) -> NDArray[np.uint8]:
    mask = pictures.read_rgb(files.get(top.file))[..., 0]
    return drawings.tile(drawings.layers_of_region(evidence.picture(top.run_image.image.file, side), mask))
