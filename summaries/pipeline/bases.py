"""The basis experiment: do a layer's own units detect more concepts than mixtures of them do?

Nothing is stored: a curve costs a few passes over the images and is its own result.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from annotations.models import Concept, Image, ImageSet
from summaries.engine import ENGINE_VERSION, Refusal
from summaries.engine.dissection import dissect, rotation, score
from summaries.engine.dissection.layers import MapLayer
from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier
from summaries.models import Network
from summaries.pipeline import evidence, label_maps
from summaries.pipeline.networks import classifier_of

CATEGORIES = tuple(Concept.Category.values)
AT_ONCE = 8
SAME = 1e-3
"""Relative to the largest logit: what float32 may make of turning a layer and turning it back."""
Track = Callable[[Iterable], Iterable]


@dataclass(frozen=True)
class Options:
    """What is asked; the defaults are the paper's, with alphas as few as a curve needs."""

    seeds: tuple[int, ...] = tuple(range(5))
    alphas: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    quantile: float = 0.005
    rule: score.Rule = "netdissect"
    counting: score.Counting = "top label"


@dataclass(frozen=True)
class Unchanged:
    """The logits of all images with the layer turned all the way and back, against those as they are."""

    images: int
    difference: float
    largest: float
    answers_changed: int

    @property
    def holds(self) -> bool:
        return self.difference <= SAME * max(self.largest, 1e-6)


@dataclass(frozen=True)
class Experiment:
    """Detectors against alpha, by the labels and by those of other images."""

    network: Network
    layer: MapLayer
    image_set: ImageSet
    options: Options
    found: rotation.Curve
    chance: rotation.Curve
    unchanged: Unchanged


class Batches:
    """The marked images of a set with their labels, read anew each time they are gone through."""

    def __init__(self, images: Sequence[Image], side: int) -> None:
        self.images, self.side = images, side
        marked = Concept.objects.filter(segments__image__in=images).distinct()
        self.concepts = sorted(marked.values_list("category", "name"))
        self._numbers = {name: number for number, name in enumerate(self.concepts)}

    def __len__(self) -> int:
        return -(-len(self.images) // AT_ONCE)

    def __iter__(self) -> Iterator[dissect.Batch]:
        for start in range(0, len(self.images), AT_ONCE):
            some = self.images[start : start + AT_ONCE]
            labels = label_maps.read(some, self._numbers, self.side // 2)
            pixels = np.stack([evidence.picture(image.file, self.side) for image in some])
            yield dissect.Batch(to_tensor(pixels), labels, range(start, start + len(some)))

    @property
    def categories(self) -> NDArray[np.int64]:
        return np.array([CATEGORIES.index(category) for category, _ in self.concepts], np.int64)


def check(options: Options) -> None:
    """Refuses what gives no curve."""
    if not options.seeds:
        raise Refusal("Let there be at least one seed.")
    if not options.alphas or any(not 0 <= alpha <= 1 for alpha in options.alphas):
        raise Refusal("Alphas are numbers from 0 (the units as they are) to 1 (turned all the way).")
    if not 0 < options.quantile < 1:
        raise Refusal("The quantile is a share between 0 and 1.")


def read(image_set: ImageSet, side: int, limit: int | None = None) -> Batches:
    """The images in which a concept is marked, in the order of their content. Refused: none."""
    if limit is not None and limit < 1:
        raise Refusal("Let at least one image take part.")
    marked = Image.objects.filter(labelled_images__image_set=image_set, segments__isnull=False)
    images = list(marked.distinct().order_by("sha256")[:limit])
    if not images:
        raise Refusal(f"No concept is marked in any image of '{image_set.name}'.")
    return Batches(images, side)


def passes(batches: Batches, options: Options) -> int:
    """How many batches go through the network, all in all: two passes and a check for each seed."""
    return 3 * len(options.seeds) * len(batches)


def run(
    network: Network,
    layer_name: str,
    image_set: ImageSet,
    batches: Batches,
    options: Options,
    track: Track = lambda it: it,
) -> Experiment:
    """The curve over seeds. Thresholds are found anew in each basis; a seed's bases share forward passes."""
    check(options)
    classifier = classifier_of(network)
    layer = dissect.find_layers(classifier, {"": dissect.Probe(layer_name)})[""]
    shuffled: list[Mapping[float, NDArray]] = []

    def scores(bases: Mapping[float, NDArray]) -> dict[float, NDArray]:
        found = _dissect(classifier, layer_name, bases, batches, options, track)
        shuffled.append(
            {a: score.iou(each.chance.counts(), options.rule) for a, each in found.items() if each.chance}
        )
        return {a: score.iou(each.tally.counts(), options.rule) for a, each in found.items()}

    told = {
        "categories": batches.categories,
        "category_count": len(CATEGORIES),
        "seeds": options.seeds,
        "alphas": options.alphas,
        "counting": options.counting,
    }
    units = layer.shape[0]
    found = rotation.curve(scores, units, **told)
    by_seed = iter(shuffled)
    chance = rotation.curve(lambda _: next(by_seed), units, **told)
    unchanged = compare_answers(classifier, layer, batches, options.seeds, track)
    return Experiment(network, layer, image_set, options, found, chance, unchanged)


def _dissect(
    classifier: Classifier,
    layer: str,
    bases: Mapping[float, NDArray],
    batches: Batches,
    options: Options,
    track: Track,
) -> dict[float, dissect.Dissection]:
    probes = {str(a): dissect.Probe(layer, torch.as_tensor(basis)) for a, basis in bases.items()}
    found = dissect.dissect(
        classifier,
        probes,
        batches,
        categories=batches.categories,
        category_count=len(CATEGORIES),
        params=dissect.DissectParams(level=1 - options.quantile, top_images=1),
        track=track,
    )
    return {a: found[str(a)] for a in bases}


@torch.no_grad()
def compare_answers(
    classifier: Classifier, layer: MapLayer, batches: Batches, seeds: Sequence[int], track: Track
) -> Unchanged:
    """What the network answers when what follows the layer undoes its rotation, against what it answers."""
    difference, largest, changed = 0.0, 0.0, 0
    for seed in seeds:
        basis = torch.as_tensor(rotation.haar(layer.shape[0], seed))
        for batch in track(batches):
            plain = classifier.logits(batch.images)
            with turned_and_back(classifier, layer, basis):
                turned = classifier.logits(batch.images)
            difference = max(difference, float((plain - turned).abs().amax()))
            largest = max(largest, float(plain.abs().amax()))
            changed += int((plain.argmax(1) != turned.argmax(1)).sum())
    return Unchanged(len(batches.images), difference, largest, changed)


@contextmanager
def turned_and_back(classifier: Classifier, layer: MapLayer, basis: torch.Tensor) -> Iterator[None]:
    """Inside its `with`, the layer's output passes through the rotated units and returns from them."""

    def turn(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
        own = basis.to(output)
        units = output.movedim(layer.channel_axis, -1) @ own.T
        return (units @ own).movedim(-1, layer.channel_axis)

    handle = classifier.module.get_submodule(layer.name).register_forward_hook(turn)
    try:
        yield
    finally:
        handle.remove()


def as_json(made: Experiment, images: Batches) -> dict:
    """Arrays are by seed, alpha and threshold, in the orders of these lists."""
    return {
        "engine_version": ENGINE_VERSION,
        "network": {"name": made.network.name, "sha256": made.network.sha256},
        "layer": made.layer.name,
        "units": made.layer.shape[0],
        "image_set": made.image_set.name,
        "images": len(images.images),
        "concepts": len(images.concepts),
        "options": asdict(made.options),
        "thresholds": made.found.thresholds,
        "unique": made.found.unique.tolist(),
        "unique_by_chance": made.chance.unique.tolist(),
        "detectors": made.found.units.tolist(),
        "detectors_by_chance": made.chance.units.tolist(),
        "mean_best_iou_of_concepts": made.found.matched.tolist(),
        "unchanged": asdict(made.unchanged) | {"holds": made.unchanged.holds},
    }
