"""Pieces: groups of segments that hold two parts are halved, those that are pieces of one part are joined.

What tells is seen in the pictures themselves: pieces of one part touch and share their colours picture by
picture, whatever these colours are; two parts that the network takes for much alike do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist, pdist, squareform

from summaries.engine.visual.segments import Described

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
NONE = -1


@dataclass(frozen=True)
class PieceParams:
    """When two groups are pieces of one part, and when one group holds two."""

    touch: float = 1.0
    """Joined groups share a border this long, in units of the side of a square as large as the smaller."""
    colours: float = 0.5
    """And have this share of their colours in common, in the same picture."""
    alike: float = 0.85
    """And differ by at most this much of the median difference between groups."""
    different: float = 0.27
    """Halves of a group are parts of their own where they have at most this share of colours in common."""
    unlike: float = 0.5
    """And differ by at least this much of the median difference between groups."""
    recurrence: float = 0.5
    """And recur in this share of the pictures each."""


def split(
    labels: Ints,
    features: Floats,
    smooth: Floats,
    described: Sequence[Described],
    chosen: NDArray[np.bool_],
    params: PieceParams,
) -> Ints:
    """Halve groups that hold two parts: halves that recur together and share next to no colour.

    The counterpart of `join`: an eye lies in the head and is taken for much alike, yet never shares its
    colours. Halves are those of Ward's method on the chosen segments; others go to the nearer half.
    """
    area = np.concatenate([each.area for each in described])
    numbers = np.unique(labels[labels != NONE])
    typical = _median_distance(smooth, labels, numbers, area)
    result = labels.copy()
    for number in numbers:
        inside = np.flatnonzero(labels == number)
        half = np.full(len(labels), NONE)
        if chosen[inside].sum() < 2:
            continue
        half[inside] = _halve(features[inside], chosen[inside])
        _, colours = _compare(half, np.arange(2), described)
        apart = _median_distance(smooth, half, np.arange(2), area)
        often = min(share_showing(areas(half == side, described)) for side in range(2))
        distinct = colours[0, 1] <= params.different and apart >= params.unlike * typical
        if distinct and often >= params.recurrence:
            result[half == 1] = result.max() + 1
    return result


def _halve(features: Floats, chosen: NDArray[np.bool_]) -> Ints:
    halves = ward(features[chosen], 2)
    means = np.stack([features[chosen][halves == side].mean(0) for side in range(2)])
    nearer: Ints = cdist(features, means).argmin(1)
    nearer[chosen] = halves
    return nearer


def _median_distance(smooth: Floats, labels: Ints, numbers: Ints, area: Floats) -> float:
    """Between the mean descriptors of every two of the groups; 0 for fewer than two."""
    return float(np.median(pdist(_means(smooth, labels, numbers, area)))) if len(numbers) > 1 else 0.0


def _means(smooth: Floats, labels: Ints, numbers: Ints, area: Floats) -> Floats:
    """Mean descriptor (G, D) of each group, by area."""
    return np.stack([np.average(smooth[labels == n], axis=0, weights=area[labels == n]) for n in numbers])


def areas(inside: NDArray[np.bool_], described: Sequence[Described]) -> list[Floats]:
    """Areas of the segments of each picture, 0 for those not inside."""
    area = np.concatenate([each.area for each in described])
    return np.split(np.where(inside, area, 0), np.cumsum([len(each.area) for each in described])[:-1])


def join(labels: Ints, smooth: Floats, described: Sequence[Described], params: PieceParams) -> Ints:
    """Join pieces of one part: groups of which every two touch, share colours and are alike.

    Complete linkage, not a chain of pairs: a coat of one colour would join a whole animal, piece by piece.
    """
    numbers = np.unique(labels[labels != NONE])
    if len(numbers) < 3:
        return labels
    area = np.concatenate([each.area for each in described])
    distances = pdist(_means(smooth, labels, numbers, area))
    apart, median = squareform(distances), np.median(distances)
    touch, colours = _compare(labels, numbers, described)
    pieces = (touch >= params.touch) & (colours >= params.colours) & (apart <= params.alike * median)
    # Twice the largest distance keeps what may not be joined beyond every cut.
    cost = np.where(pieces, apart, 2 * apart.max() + 1)
    np.fill_diagonal(cost, 0)
    tree = linkage(squareform(cost, checks=False), "complete")
    joined = fcluster(tree, apart.max(), "distance") - 1
    where = np.searchsorted(numbers, labels[labels != NONE])
    result = labels.copy()
    result[labels != NONE] = joined[where]
    return result


def _compare(labels: Ints, numbers: Ints, described: Sequence[Described]) -> tuple[Floats, Floats]:
    """Mean border and mean common colours (G, G) of each two groups over the pictures that show both."""
    total = len(numbers)
    touch, colours, shown = (np.zeros((total, total)) for _ in range(3))
    start = 0
    for each in described:
        one_hot = (labels[start : start + len(each.area), None] == numbers).astype(np.float64)
        start += len(each.area)
        area = one_hot.T @ each.area
        there = np.flatnonzero(area > 0)
        cell = np.ix_(there, there)
        smaller = np.sqrt(np.minimum(area[there, None], area[there]))
        touch[cell] += (one_hot.T @ each.borders @ one_hot)[cell] / smaller
        palette = (one_hot.T @ each.palette)[there]
        palette /= palette.sum(1, keepdims=True)
        colours[cell] += np.minimum(palette[:, None], palette[None]).sum(2)
        shown[cell] += 1
    shown = np.maximum(shown, 1)
    return (touch / shown).astype(np.float32), (colours / shown).astype(np.float32)


def ward(features: Floats, groups: int) -> Ints:
    if len(features) <= 1:
        return np.zeros(len(features), np.int64)
    cut: Ints = fcluster(linkage(features, "ward"), min(groups, len(features)), "maxclust") - 1
    return cut


def share_showing(areas: Sequence[Floats]) -> float:
    """Share of the pictures that show at least a quarter of the usual area."""
    sizes = np.array([each.sum() for each in areas])
    return float((sizes >= 0.25 * np.median(sizes[sizes > 0])).mean()) if sizes.any() else 0.0
