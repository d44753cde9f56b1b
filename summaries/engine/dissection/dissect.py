"""Dissection of layers in two passes over the images: thresholds first, then counts.

What is kept between images: a sketch, a tally and a list of top images of each probe. For U units, C concepts
and K categories that is about 120 KB a unit for the first pass, and 8 bytes U (C + 2 K + 20) for the second,
whatever the number of images; beside it the maps of one batch and the masks of one image, 4 bytes a pixel and
active unit, cut into pieces of at most `MASK_PIXELS`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from summaries.engine import Refusal
from summaries.engine.activations import listening
from summaries.engine.dissection.chance import LabelPool
from summaries.engine.dissection.geometry import Geometry, half_pixel, upsample
from summaries.engine.dissection.layers import MapLayer, pick
from summaries.engine.dissection.quantiles import LEVEL, QuantileSketch
from summaries.engine.dissection.tally import Labels, Presence, Tally, find_presence
from summaries.engine.dissection.tops import TopImages
from summaries.engine.networks import Classifier, frozen

MASK_PIXELS = 2**24
"""Masks of a piece together, so 64 MB in float32, and about three times that while they are made."""


@dataclass(frozen=True)
class Batch:
    """Some images (n, 3, S, S) in [0, 1], their labels and their numbers in the whole set."""

    images: torch.Tensor
    labels: Sequence[Labels]
    numbers: Sequence[int]


@dataclass(frozen=True)
class Probe:
    """What is dissected: a layer's channels, or linear maps of them (U, C), unit u = basis[u] . channels."""

    layer: str
    basis: torch.Tensor | None = None


@dataclass(frozen=True)
class DissectParams:
    """The defaults are the paper's.

    level: T_k is this quantile of the unit's activations at all places of all images.
    half_pixel: stretch maps evenly over the picture, as lighter code does, instead of at receptive fields.
    top_images: how many are listed of each unit.
    chance: count also against labels of other images, drawn by lot.
    """

    level: float = LEVEL
    half_pixel: bool = False
    top_images: int = 10
    chance: bool = True


PAPER = DissectParams()
Track = Callable[[Iterable[Batch]], Iterable[Batch]]


@dataclass(frozen=True)
class Dissection:
    """Of one probe. thresholds (U,) on the classifier's device; chance: the tally against others' labels."""

    layer: MapLayer
    thresholds: torch.Tensor
    tally: Tally
    tops: TopImages
    chance: Tally | None


def dissect(
    classifier: Classifier,
    probes: Mapping[str, Probe],
    batches: Iterable[Batch],
    *,
    categories: NDArray,
    category_count: int,
    params: DissectParams = PAPER,
    seed: int = 0,
    track: Track = lambda it: it,
) -> dict[str, Dissection]:
    """Both passes, for all probes in one forward pass of each batch; the network is left as found.

    batches: goes through twice, so a list or an object whose iteration starts anew, not an iterator; the
    same images in the same order each time. categories (C,) of the concepts, as `Tally` takes them. The
    answer depends on the order of images only by the sketch's draw (within its rank error), and on their
    batches only by the rounding of the network's own arithmetic.
    """
    if isinstance(batches, Iterator):
        raise Refusal("The images are gone through twice; pass a list, not an iterator.")
    sketches = sketch(classifier, probes, batches, seed=seed, track=track)
    thresholds = {key: each.quantile(params.level) for key, each in sketches.items()}
    return count(
        classifier,
        probes,
        thresholds,
        batches,
        categories=categories,
        category_count=category_count,
        params=params,
        seed=seed,
        track=track,
    )


def sketch(
    classifier: Classifier,
    probes: Mapping[str, Probe],
    batches: Iterable[Batch],
    *,
    seed: int = 0,
    track: Track = lambda it: it,
) -> dict[str, QuantileSketch]:
    """First pass: of each probe the distribution of its units' activations, before upsampling (a_k).

    Sketches of separate parts of the images may be merged.
    """
    layers = find_layers(classifier, probes)
    sketches = {key: QuantileSketch(units_of(probes[key], layers[key]), seed) for key in probes}
    for _, maps in _each_batch(classifier, probes, layers, track(batches)):
        for key, values in maps.items():
            sketches[key].add(values.movedim(1, -1).flatten(0, 2))
    return sketches


def count(
    classifier: Classifier,
    probes: Mapping[str, Probe],
    thresholds: Mapping[str, torch.Tensor],
    batches: Iterable[Batch],
    *,
    categories: NDArray,
    category_count: int,
    params: DissectParams = PAPER,
    seed: int = 0,
    track: Track = lambda it: it,
) -> dict[str, Dissection]:
    """Second pass: masks M_k = S_k > T_k, strictly, counted against the labels; top images by their maxima.

    Tallies and top images of separate parts of the images may be merged.
    """
    layers = find_layers(classifier, probes)
    found = {
        key: _nothing_yet(
            layers[key], thresholds[key].to(classifier.device), categories, category_count, params
        )
        for key in probes
    }
    others = LabelPool(seed)
    for batch, maps in _each_batch(classifier, probes, layers, track(batches)):
        numbers = torch.as_tensor(list(batch.numbers), dtype=torch.int64, device=classifier.device)
        for place, labels in enumerate(batch.labels):
            presence = find_presence(labels, classifier.device)
            other = others.exchange(presence) if params.chance else None
            for key, values in maps.items():
                _count_image(found[key], values[place], presence, other, params)
        for key, values in maps.items():
            found[key].tops.add(values.amax((2, 3)), numbers)
    return found


def find_layers(classifier: Classifier, probes: Mapping[str, Probe]) -> dict[str, MapLayer]:
    """Of each probe its layer. Refused: unknown layers, and a basis of another number of channels."""
    names = {probe.layer for probe in probes.values()}
    known = pick(classifier.module, classifier.preprocessing.input_size, sorted(names))
    for probe in probes.values():
        channels = known[probe.layer].shape[0]
        if probe.basis is not None and probe.basis.shape[1] != channels:
            raise Refusal(
                f"Layer '{probe.layer}' has {channels} channels; the basis is one of {probe.basis.shape[1]}."
            )
    return {key: known[probe.layer] for key, probe in probes.items()}


def units_of(probe: Probe, layer: MapLayer) -> int:
    return layer.shape[0] if probe.basis is None else len(probe.basis)


def find_segments(
    maps: torch.Tensor, thresholds: torch.Tensor, size: tuple[int, int], geometry: Geometry
) -> NDArray[np.bool_]:
    """maps (n, h, w), each of one unit in one image, thresholds (n,) -> (n, H, W): the masks M_k."""
    return (upsample(maps, size, geometry) > thresholds.to(maps)[:, None, None]).cpu().numpy()


@torch.no_grad()
def read_maps(
    classifier: Classifier, probes: Mapping[str, Probe], images: torch.Tensor
) -> dict[str, torch.Tensor]:
    """images (n, 3, S, S) in [0, 1] -> of each probe the maps A_k (n, U, h, w)."""
    layers = find_layers(classifier, probes)
    return _forward(classifier, probes, layers, images)


def _nothing_yet(
    layer: MapLayer,
    thresholds: torch.Tensor,
    categories: NDArray,
    category_count: int,
    params: DissectParams,
) -> Dissection:
    units = len(thresholds)
    tallies = [Tally(units, categories, category_count) for _ in range(2)]
    tops = TopImages(units, params.top_images)
    chance = tallies[1] if params.chance else None
    return Dissection(layer, thresholds, tallies[0], tops, chance)


def _each_batch(
    classifier: Classifier,
    probes: Mapping[str, Probe],
    layers: Mapping[str, MapLayer],
    batches: Iterable[Batch],
) -> Iterator[tuple[Batch, dict[str, torch.Tensor]]]:
    for batch in batches:
        yield batch, _forward(classifier, probes, layers, batch.images)


@torch.no_grad()
def _forward(
    classifier: Classifier,
    probes: Mapping[str, Probe],
    layers: Mapping[str, MapLayer],
    images: torch.Tensor,
) -> dict[str, torch.Tensor]:
    by_name = {layer.name: layer for layer in layers.values()}
    heard: dict[str, torch.Tensor] = {}

    def hear(name: str, output: torch.Tensor) -> None:
        # A copy: the module that comes next may work in place.
        heard[name] = by_name[name].maps(output).clone(memory_format=torch.contiguous_format)

    with listening(classifier.module, list(by_name), hear), frozen(classifier.module):
        classifier.module(classifier.normalise(images))
    return {key: rotate(heard[probe.layer], probe.basis) for key, probe in probes.items()}


def rotate(maps: torch.Tensor, basis: torch.Tensor | None) -> torch.Tensor:
    """maps (n, C, h, w), basis (U, C) -> (n, U, h, w): the same linear map at every place."""
    if basis is None:
        return maps
    return (basis.to(maps) @ maps.flatten(2)).reshape(len(maps), len(basis), *maps.shape[2:])


def _count_image(
    found: Dissection, maps: torch.Tensor, presence: Presence, other: Presence | None, params: DissectParams
) -> None:
    """maps (U, h, w). A mean of cells exceeds T_k only where one of them does: other units are left out."""
    geometry = found.layer.geometry
    if params.half_pixel:
        geometry = half_pixel(geometry.grid, geometry.span)
    counted = [(found.tally, presence)]
    if found.chance is not None and other is not None:
        counted.append((found.chance, other))
    for tally, labels in counted:
        tally.add_labels(labels)
    units = (maps.amax((1, 2)) > found.thresholds).nonzero()[:, 0]
    for some in units.split(max(MASK_PIXELS // presence.rows.shape[1], 1)):
        # In place, the comparison leaves 0 and 1 in the maps' own type, which the product needs.
        masks = upsample(maps[some], presence.size, geometry).gt_(found.thresholds[some, None, None])
        for tally, labels in counted:
            tally.add_masks(some, masks.flatten(1), labels)
