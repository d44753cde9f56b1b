"""Flow: how well each proposal of one picture finds each of another, in agreement with its neighbours.

Appearance alone is noisy, so every box asks the boxes that overlap it where in the other picture their best
partners lie, takes the median of these offsets as its own local offset, and damps each of its candidates by
its distance from there (local offset matching).

Source: Ham, Cho, Schmid and Ponce, "Proposal flow" (2016), in the form of its published code.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Float64s = NDArray[np.float64]


@dataclass(frozen=True)
class MatchParams:
    """Constants of the matching; the defaults are the published ones.

    inplace: True overwrites a row before the next one is looked at, as the authors' code does, so that the
        result depends on the order of the boxes; False lets every row read the appearance scores.
    position_decay, scale_decay: damping per pixel of distance and per unit of area ratio.
    median_steps: re-weighting steps of the median, from (1, 1, 1).
    aspect_factor: pairs whose aspect ratios differ by this factor or more score 0; None: no such test.
    """

    inplace: bool = True
    position_decay: float = 0.05
    scale_decay: float = 0.3
    median_steps: int = 20
    aspect_factor: float | None = 2.0


PAPER = MatchParams()


@dataclass(frozen=True)
class Match:
    """Picture A matched to picture B."""

    confidence: NDArray[np.float32]
    """(n_a, n_b), >= 0; what is left of the appearance score."""
    offsets: Float64s
    """(n_a, 3): local offset A minus B of each A-box: x and y of the centre in pixels, ratio of the areas."""

    @property
    def partners(self) -> NDArray[np.intp]:
        """(n_a,) the best B-box of each A-box; 0 where a row is all zero."""
        return self.confidence.argmax(1)


def appearance(a: Floats, b: Floats) -> Floats:
    """a(i, j) = max(0, a_i . b_j) for descriptors (n_a, d) and (n_b, d)."""
    return np.maximum(a @ b.T, 0)


def aspects_agree(boxes_a: Floats, boxes_b: Floats, *, factor: float = 2.0) -> NDArray[np.bool_]:
    """(n_a, n_b): whether the aspect ratio of B over that of A lies strictly in (1 / factor, factor)."""
    a, b = Frames.of(boxes_a), Frames.of(boxes_b)
    ratio = (b.width / b.height)[None] / (a.width / a.height)[:, None]
    return (ratio < factor) & (ratio > 1 / factor)


def match(boxes_a: Floats, boxes_b: Floats, scores: Floats, *, params: MatchParams = PAPER) -> Match:
    """Local offset matching of boxes (n_a, 4) to boxes (n_b, 4) from their appearance scores (n_a, n_b) >= 0.

    Boxes are x1, y1, x2, y2, inclusive, in pixels of the picture as the network sees it: the damping is per
    pixel. With o_kj = (x_k - x_j, y_k - y_j, area_k / area_j) from the centres, C = scores where the aspects
    agree and 0 elsewhere, for each A-box i in order:

        N_i  = the A-boxes that overlap box i, itself included
        b_k  = argmax_j C_kj                                     for k in N_i
        o*   = median of o_{k b_k} over N_i, each coordinate for itself (`median_steps` re-weightings)
        C_ij = C_ij exp(-0.05 |o_ij - o*|_xy - 0.3 |o_ij - o*|_s) (sum_{N_i} C_{k b_k}) / (sum_k max_j C_kj)

    A row of zeros has partner 0 and stays zero; an all-zero matrix stays so. Raises ValueError when the
    shapes do not fit or there are no boxes.
    """
    return match_many(boxes_a, [boxes_b], [scores], params=params)[0]


def match_many(
    boxes_a: Floats,
    boxes_b: Sequence[Floats],
    scores: Sequence[Floats],
    *,
    params: MatchParams = PAPER,
) -> list[Match]:
    """`match` of one picture A to several pictures B, which may differ in their numbers of boxes.

    The loop over the rows is shared by all; each answer is bit for bit that of `match` alone. Ten to thirty
    partners at a time are fastest.
    """
    if not len(boxes_b):
        return []
    stack = _Stack(boxes_a, boxes_b, scores, params)
    offsets = np.stack([stack.settle(row) for row in range(len(boxes_a))])
    return [
        Match(np.ascontiguousarray(stack.confidence[:, p, : len(boxes)]), offsets[:, :, p])
        for p, boxes in enumerate(boxes_b)
    ]


@dataclass(frozen=True)
class Frames:
    """Boxes as centre and half sizes, each (n,) or, for several pictures, (pictures, n)."""

    x: Float64s
    y: Float64s
    width: Float64s
    height: Float64s

    @classmethod
    def of(cls, boxes: Floats) -> "Frames":
        """The published code takes half of x2 - x1, not of the width in pixels."""
        x1, y1, x2, y2 = np.moveaxis(np.asarray(boxes, np.float64), -1, 0)
        if not ((x2 > x1) & (y2 > y1)).all():
            raise ValueError("a box must be at least two pixels wide and high")
        return cls((x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / 2, (y2 - y1) / 2)

    @property
    def area(self) -> Float64s:
        return self.width * self.height


def overlapping(boxes: Floats) -> list[NDArray[np.intp]]:
    """For each of the boxes (n, 4) the numbers of those that share a pixel with it, itself included."""
    low, high = boxes[:, :2], boxes[:, 2:]
    apart = (np.minimum(high[:, None], high) < np.maximum(low[:, None], low)).sum(axis=2)
    return [np.flatnonzero(row == 0) for row in apart]


class _Stack:
    """One picture A against P pictures B: their confidences, and of each row the best and where it lies.

    Pictures with fewer boxes are filled up with boxes that nothing matches. All sums run along the first
    axis, one element after another, so that the answers do not depend on P.
    """

    def __init__(
        self, boxes_a: Floats, boxes_b: Sequence[Floats], scores: Sequence[Floats], params: MatchParams
    ) -> None:
        self._params = params
        self._a = Frames.of(boxes_a)
        self._b = Frames.of(_fill(boxes_b))
        self._neighbours = overlapping(boxes_a)
        self._pictures = np.arange(len(boxes_b))
        self.confidence = _initial_confidence(boxes_a, boxes_b, scores, params)
        self._best = np.empty((len(boxes_a), len(boxes_b)))
        self._best_offset = np.empty((len(boxes_a), 3, len(boxes_b)))
        for row in range(len(boxes_a)):
            self._note_best(row, self._offsets(row))

    def settle(self, row: int) -> Float64s:
        """Damp one row by its distance from its local offset; return that, (3, P)."""
        near, params = self._neighbours[row], self._params
        centre = coordinate_median(self._best_offset[near], params.median_steps)
        support, total = _sum(self._best[near]), _sum(self._best)
        share = np.divide(support, total, out=np.zeros_like(total), where=total > 0)
        offsets = self._offsets(row)
        x, y, s = offsets - centre[:, :, None]
        damping = np.exp(-params.position_decay * np.sqrt(x * x + y * y) - params.scale_decay * np.abs(s))
        self.confidence[row] *= damping * share[:, None]
        if params.inplace:
            self._note_best(row, offsets)
        return centre

    def _offsets(self, row: int) -> Float64s:
        """Offsets of one A-box from all B-boxes, (3, P, m)."""
        a, b = self._a, self._b
        return np.stack([a.x[row] - b.x, a.y[row] - b.y, a.area[row] / b.area])

    def _note_best(self, row: int, offsets: Float64s) -> None:
        confidence = self.confidence[row]
        best = confidence.argmax(1)
        self._best[row] = confidence[self._pictures, best]
        self._best_offset[row] = offsets[:, self._pictures, best]


def coordinate_median(points: Float64s, steps: int) -> Float64s:
    """Median of k points along the first axis, (k, ...) -> (...), by re-weighting from 1:

        m <- sum_k(o_k / d_k) / sum_k(1 / d_k),    d_k = |o_k - m| + eps

    Twenty steps come close to the median without settling there, and a step that lands on a point stays or
    leaves by the last bit of the sums. So their order is part of the method: one element after another, as in
    the published code under Octave. Adding pairwise instead moves some local offsets by several pixels.
    """
    median = np.ones(points.shape[1:])
    distance, weighted = np.empty((2, *points.shape))
    for _ in range(steps):
        np.subtract(points, median, out=distance)
        np.abs(distance, out=distance)
        distance += np.finfo(np.float64).eps
        np.divide(points, distance, out=weighted)
        np.reciprocal(distance, out=distance)
        median = _sum(weighted) / _sum(distance)
    return median


def _sum(values: Float64s) -> Float64s:
    """Sum along the first axis, one element after another: numpy does so but for a single column."""
    if values[0].size == 1:
        return np.add.accumulate(values)[-1]
    return np.add.reduce(values, axis=0)


def _fill(boxes: Sequence[Floats]) -> Float64s:
    """Several pictures' boxes as one array (pictures, m, 4), filled up to the largest number m of boxes."""
    filled = np.tile(np.array([0.0, 0, 1, 1]), (len(boxes), max(map(len, boxes)), 1))
    for picture, own in zip(filled, boxes, strict=True):
        picture[: len(own)] = own
    return filled


def _initial_confidence(
    boxes_a: Floats, boxes_b: Sequence[Floats], scores: Sequence[Floats], params: MatchParams
) -> NDArray[np.float32]:
    """Scores after the aspect test, (n_a, P, m); 0 for boxes that are filled up."""
    width = max(map(len, boxes_b))
    confidence = np.zeros((len(boxes_a), len(boxes_b), width), np.float32)
    for p, (boxes, score) in enumerate(zip(boxes_b, scores, strict=True)):
        if score.shape != (len(boxes_a), len(boxes)) or not score.size:
            raise ValueError(f"scores {score.shape} do not fit {len(boxes_a)} and {len(boxes)} boxes")
        own = confidence[:, p, : len(boxes)]
        own[:] = score
        if params.aspect_factor is not None:
            own *= aspects_agree(boxes_a, boxes, factor=params.aspect_factor)
    return confidence
