"""The pattern of a region by its orientations and repetitions: plain, striped, checked, spotted, mottled.

What varies slowly (light and shade over the region) is taken away; of what is left the main axis of colour
is looked at. Let g be its gradients, as complex numbers. With all along one axis |sum g^2| / sum |g|^2 is 1
(the coherence of the structure tensor: J. Bigun and G. Granlund, 1987); with all along two axes at right
angles |sum g^4 / |g|^2| / sum |g|^2 is. A pattern also repeats: along an axis light and dark change places
several times. The thresholds are ours, tried on drawn patterns with noise, blur, turns and outlines of all
kinds; photographs of fur and grass are mottled.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from summaries.engine.tagging.colours import oklab

NAMES = ("plain", "striped", "checked", "spotted", "mottled")
LEAST_PIXELS = 150
"""Below this nothing is said."""
PLAIN = 0.035
"""Standard deviation up to which a region is plain; black to white are 1 apart."""
ALIGNED = 0.5
"""How much of the gradients' energy lies along one axis, or along two, from which on it is that."""
CHANGES = 3
"""Changes between light and dark along a line from which on a pattern repeats."""
TWO_TONES = 0.72
"""Share of the variance that two tones explain; a normal distribution has 0.64, clean spots nearly 1."""
SPOTS, ROUND = 3, 0.6
"""Spots at least, and the least share of their pixels that lies in compact ones."""


@dataclass(frozen=True)
class Pattern:
    name: str
    score: float
    """How clear it is, 0 to 1: nearness to no contrast, share of energy along the axes, of compact spots."""


def find_pattern(rgb: NDArray[np.uint8], own: NDArray[np.bool_]) -> Pattern | None:
    """The pattern of a region: rgb (h, w, 3), own (h, w) its pixels; None when they are too few to say."""
    inner = ndimage.binary_erosion(own, np.ones((3, 3)))
    if inner.sum() < LEAST_PIXELS:
        return None
    detail = _detail(rgb, own)
    contrast = float(detail[inner].std())
    if contrast <= PLAIN:
        return Pattern("plain", 1 - contrast / PLAIN / 2)
    along_one, along_two, angle = _alignment(detail, inner)
    if along_one >= ALIGNED and _changes(detail, inner, angle, contrast) >= CHANGES:
        return Pattern("striped", along_one)
    if along_two >= ALIGNED > along_one and _is_checked(detail, inner, contrast):
        return Pattern("checked", along_two)
    compact = _spots(detail, inner)
    if compact >= ROUND:
        return Pattern("spotted", compact)
    return Pattern("mottled", 1 - max(along_one, along_two, compact))


def _detail(rgb: NDArray[np.uint8], own: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(h, w): deviation from the region's slow changes along its main axis of colour; 0 outside."""
    lab, reach = oklab(rgb) * own[..., None], np.sqrt(own.sum()) / 2
    weight = ndimage.gaussian_filter(own.astype(float), reach, mode="constant") + 1e-9
    slow = ndimage.gaussian_filter(lab, (reach, reach, 0), mode="constant") / weight[..., None]
    left = (lab - slow)[own]
    left -= left.mean(0)
    _, axes = np.linalg.eigh(left.T @ left)
    detail = np.zeros(own.shape)
    detail[own] = left @ axes[:, -1]
    return detail


def _alignment(detail: NDArray, inner: NDArray[np.bool_]) -> tuple[float, float, float]:
    """How much energy lies along one axis and along two, and the angle of the first, or of one of the two."""
    y, x = (ndimage.sobel(detail, axis)[inner] for axis in (0, 1))
    g = x + 1j * y
    energy = (np.abs(g) ** 2).sum() + 1e-12
    twofold, fourfold = (g**2).sum(), (g**4 / (np.abs(g) ** 2 + 1e-12)).sum()
    one, two = abs(twofold) / energy, abs(fourfold) / energy
    angle = np.angle(twofold) / 2 if one >= ALIGNED else np.angle(fourfold) / 4
    return float(one), float(two), float(angle)


def _changes(detail: NDArray, inner: NDArray[np.bool_], angle: float, contrast: float) -> float:
    """How often light and dark change places along lines at this angle: the median over the longer lines."""
    turned = ndimage.rotate(detail, np.rad2deg(angle), order=1)
    within = ndimage.rotate(inner.astype(np.uint8), np.rad2deg(angle), order=0) > 0
    tone = np.where(within, np.sign(turned) * (np.abs(turned) > contrast / 3), 0)
    lengths = within.sum(1)
    long = lengths >= max(4, np.median(lengths[lengths > 0]))
    return float(np.median([_alternations(line) for line in tone[long]]))


def _alternations(line: NDArray) -> int:
    said = line[line != 0]
    return int((said[1:] != said[:-1]).sum())


def _is_checked(detail: NDArray, inner: NDArray[np.bool_], contrast: float) -> bool:
    """Along both axes it repeats, and each is even on the whole: stripes crossed by lines are not checks."""
    _, _, angle = _alignment(detail, inner)
    crossing = [_changes(detail, inner, angle + turn, contrast) for turn in (0, np.pi / 2)]
    return (
        min(crossing) >= CHANGES - 1 and max(crossing) >= CHANGES and _two_tones(detail[inner]) >= TWO_TONES
    )


def _spots(detail: NDArray, inner: NDArray[np.bool_]) -> float:
    """What share of the rarer tone's pixels lies in compact spots, if there are some; else 0."""
    values = detail[inner]
    if _two_tones(values) < TWO_TONES:
        return 0.0
    light = detail > _threshold(values)
    rarer = inner & (light if light[inner].mean() <= 0.5 else ~light)
    labels, count = ndimage.label(rarer)
    boxes = ndimage.find_objects(labels)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    compact = [area for area, box in zip(areas, boxes, strict=True) if area >= 4 and _is_compact(area, box)]
    return float(sum(compact) / areas.sum()) if len(compact) >= SPOTS else 0.0


def _is_compact(area: int, box: tuple[slice, slice]) -> bool:
    height, width = (side.stop - side.start for side in box)
    return area >= 0.5 * height * width and max(height, width) <= 2 * min(height, width)


def _threshold(values: NDArray) -> float:
    """Between two tones: where the variance between them is largest (N. Otsu, 1979)."""
    return _cut(values)[0]


def _two_tones(values: NDArray) -> float:
    """What share of the variance two tones explain, at best."""
    return _cut(values)[1]


def _cut(values: NDArray) -> tuple[float, float]:
    """The best cut, of 63, and the share of the variance that lies between the two sides of it."""
    counts, edges = np.histogram(values, bins=64)
    middle = (edges[1:] + edges[:-1]) / 2
    low, total = counts.cumsum()[:-1], counts.sum()
    mass = (counts * middle).cumsum()[:-1]
    mean = (counts * middle).sum() / total
    gap = mean * low / total - mass / total
    between = gap**2 / np.maximum(low / total * (1 - low / total), 1e-12)
    best = int(between.argmax())
    return float(edges[best + 1]), float(between[best] / (values.var() + 1e-12))
