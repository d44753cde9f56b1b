"""Segments: a picture cut along its edges, and what the network and the eye say of each piece."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2lab
from skimage.segmentation import felzenszwalb
from torch.nn import functional

from summaries.engine.activations import Statistics, activations, project
from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier
from summaries.engine.visual.attribution import attribute

SIDE = 128
"""Pixels of the pictures for which the lengths below are given; they grow with the picture."""
LIGHTNESS_BINS, COLOUR_BINS = 6, 9
COARSE = 8
"""Cells a side of the coarse map by which pictures are compared as wholes."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SegmentParams:
    """Graph-based segmentation after an edge-keeping blur; `scale` and `minimum` (pixels) at SIDE."""

    scale: float = 60.0
    minimum: float = 20.0
    sigma: float = 0.3
    evidence_sigma: float = 2.0
    """Blur of the attribution before it is averaged over segments, pixels at SIDE."""
    steps: int = 8


@dataclass(frozen=True)
class Described:
    """A picture of K segments.

    labels (S, S) int32; area (K,) pixels; evidence (K,) mean attribution, 1 = the picture's mean; centre
    (K, 2) x, y from the evidence's centre in units of its spread; colour (K, 3) mean Lab; palette (K, B)
    counts of colours; borders (K, K) length of common borders in pixels; descriptors (K, D) whitened
    activations of the picture and its mirror image; coarse (2, M) the whole picture, as it is and mirrored.
    """

    labels: NDArray[np.int32]
    area: Floats
    evidence: Floats
    centre: Floats
    colour: Floats
    palette: Floats
    borders: Floats
    descriptors: Floats
    coarse: Floats

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Described":
        return cls(**{field.name: cast(Any, arrays[field.name]) for field in fields(cls)})


def segment(picture: NDArray[np.uint8], *, params: SegmentParams | None = None) -> NDArray[np.int32]:
    """Labels 0..K-1 (S, S) of the pieces of a picture (S, S, 3).

    Felzenszwalb and Huttenlocher's graph-based segmentation: two pieces merge where the edge between them is
    weaker than the edges inside them, so a part keeps its outline whatever its shape. Smoothed before by a
    bilateral filter, so that noise is no edge.
    """
    params = params or SegmentParams()
    growth = (picture.shape[0] / SIDE) ** 2
    smooth = cv2.bilateralFilter(np.ascontiguousarray(picture), 5, 30, 3)
    labels = felzenszwalb(
        smooth,
        scale=params.scale * growth,
        sigma=params.sigma,
        min_size=max(1, round(params.minimum * growth)),
    )
    return labels.astype(np.int32)


def describe(
    classifier: Classifier,
    pictures: NDArray[np.uint8],
    index: int,
    statistics: Statistics,
    *,
    params: SegmentParams | None = None,
) -> list[Described]:
    """Cut and describe pictures (N, S, S, 3) for the class `index`; each alone, so company changes nothing.

    Takes `params.steps` forward and backward and 2 forward passes a picture. Where the class gains nothing
    from any detail, the evidence is 0 everywhere.
    """
    params = params or SegmentParams()
    found = []
    for picture in pictures:
        image = to_tensor(picture)[None]
        attribution = attribute(classifier, image, torch.tensor([index]), steps=params.steps)[0]
        found.append(_describe(classifier, picture, image, attribution, statistics, params))
    return found


def _describe(
    classifier: Classifier,
    picture: NDArray[np.uint8],
    image: torch.Tensor,
    attribution: Floats,
    statistics: Statistics,
    params: SegmentParams,
) -> Described:
    labels = segment(picture, params=params)
    spread = params.evidence_sigma * len(picture) / SIDE
    evidence = gaussian_filter(np.maximum(attribution, 0), spread)
    evidence /= max(float(evidence.mean()), 1e-12)
    area = np.bincount(labels.ravel()).astype(np.float32)
    lab = rgb2lab(picture)
    names = [layer.name for layer in statistics.layers]
    both = activations(classifier, torch.cat([image, image.flip(3)]), names)
    return Described(
        labels=labels,
        area=area,
        evidence=_mean(labels, area, evidence[..., None])[:, 0],
        centre=_centres(labels, area, evidence),
        colour=_mean(labels, area, lab),
        palette=_palette(labels, lab),
        borders=_borders(labels),
        descriptors=_descriptors(labels, area, both, statistics),
        coarse=_coarse(both[-1], statistics, evidence),
    )


def _mean(labels: NDArray[np.int32], area: Floats, values: NDArray[np.floating]) -> Floats:
    """Means (K, D) of values (S, S, D) over each segment."""
    flat = labels.ravel()
    order = np.argsort(flat, kind="stable")
    starts = np.concatenate([[0], np.cumsum(area)[:-1]]).astype(int)
    sums = np.add.reduceat(values.reshape(len(flat), -1)[order], starts, axis=0)
    means: Floats = (sums / area[:, None]).astype(np.float32)
    return means


def _centres(labels: NDArray[np.int32], area: Floats, evidence: NDArray[np.floating]) -> Floats:
    """Where segments lie, seen from the weight centre of the strongest two fifths of the evidence."""
    y, x = np.mgrid[: len(labels), : len(labels)].astype(float)
    weight = np.maximum(evidence - np.quantile(evidence, 0.6), 0) + 1e-12
    weight /= weight.sum()
    middle = np.array([(weight * x).sum(), (weight * y).sum()])
    spread = np.sqrt((weight * ((x - middle[0]) ** 2 + (y - middle[1]) ** 2)).sum() / 2)
    centres: Floats = ((_mean(labels, area, np.stack([x, y], -1)) - middle) / max(spread, 1.0)).astype(
        np.float32
    )
    return centres


def _palette(labels: NDArray[np.int32], lab: NDArray[np.floating]) -> Floats:
    """How many of a segment's pixels have which colour of Lab space, slightly blurred over the bins."""
    bins = np.array([LIGHTNESS_BINS, COLOUR_BINS, COLOUR_BINS])
    place = (lab + [0, 80, 80]) / [100, 160, 160] * bins
    cell = np.clip(place, 0, bins - 1e-6).astype(int)
    number = (cell[..., 0] * COLOUR_BINS + cell[..., 1]) * COLOUR_BINS + cell[..., 2]
    count = int(labels.max()) + 1
    counts = np.bincount((labels * bins.prod() + number).ravel(), minlength=count * int(bins.prod()))
    soft = gaussian_filter(counts.reshape(count, *bins).astype(np.float32), (0, 0.7, 0.7, 0.7))
    palette: Floats = soft.reshape(count, -1)
    return palette


def _borders(labels: NDArray[np.int32]) -> Floats:
    count = int(labels.max()) + 1
    pairs = [(labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])]
    numbers = np.concatenate([(a * count + b)[a != b] for a, b in pairs])
    met = np.bincount(numbers, minlength=count**2).reshape(count, count)
    borders: Floats = (met + met.T).astype(np.float32)
    return borders


def _descriptors(
    labels: NDArray[np.int32], area: Floats, both: list[torch.Tensor], statistics: Statistics
) -> Floats:
    """Each layer averaged with its mirror image's, brought to the picture's size, averaged over segments."""
    parts = []
    for maps, layer in zip(both, statistics.layers, strict=True):
        mean = (maps[:1] + maps[1:].flip(3)) / 2
        full = functional.interpolate(mean, size=labels.shape, mode="bilinear", align_corners=False)[0]
        parts.append(project(layer, _mean(labels, area, full.movedim(0, -1).cpu().numpy())))
    descriptors: Floats = np.concatenate(parts, 1) / np.sqrt(len(parts))
    return descriptors


def _coarse(both: torch.Tensor, statistics: Statistics, evidence: NDArray[np.floating]) -> Floats:
    """The coarsest layer in COARSE x COARSE cells, weighted by the evidence there, of unit length; (2, M)."""
    cells = functional.adaptive_avg_pool2d(both, COARSE).movedim(1, -1).cpu().numpy()
    wide = gaussian_filter(evidence, 6.0 * len(evidence) / SIDE)[None, None].astype(np.float32)
    weight = functional.adaptive_avg_pool2d(torch.from_numpy(wide), COARSE)[0, 0].numpy()
    weights = np.sqrt(np.stack([weight, weight[:, ::-1]]))[..., None]
    flat = (project(statistics.layers[-1], cells) * weights).reshape(2, -1)
    coarse: Floats = (flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)).astype(np.float32)
    return coarse
