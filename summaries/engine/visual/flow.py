"""Flow: how well each proposal of one picture finds each of another, in agreement with its neighbours.

Appearance alone is noisy, so every box asks the boxes that overlap it where in the other picture their best
partners lie, takes the median of these offsets as its own local offset, and damps each of its candidates by
its distance from there (local offset matching).

Source: Ham, Cho, Schmid and Ponce, "Proposal flow" (2016), in the form of its published code.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from summaries.engine.visual.medians import START, medians, sides, stays

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
    """(n_a, n_b), >= 0; what is left of the appearance score. A view of what is kept for all partners."""
    offsets: Float64s
    """(n_a, 3): local offset A minus B of each A-box: x and y of the centre in pixels, ratio of the areas."""

    @property
    def partners(self) -> NDArray[np.intp]:
        """(n_a,) the best B-box of each A-box; 0 where a row is all zero."""
        return self.confidence.argmax(1)


def appearance(a: Floats, b: Floats) -> Floats:
    """a(i, j) = max(0, a_i . b_j) for descriptors (n_a, d) and (n_b, d)."""
    products = a @ b.T
    return np.maximum(products, 0, out=products)


def aspects_agree(boxes_a: Floats, boxes_b: Floats, *, factor: float = 2.0) -> NDArray[np.bool_]:
    """(n_a, n_b): whether the aspect ratio of B over that of A lies strictly in (1 / factor, factor)."""
    a, b = Frames.of(boxes_a), Frames.of(boxes_b)
    aspect_a, aspect_b = (a.width / a.height)[:, None], b.width / b.height
    agree = aspect_b < aspect_a * factor
    agree &= aspect_b > aspect_a / factor
    return agree


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
    scores: Iterable[Floats],
    *,
    params: MatchParams = PAPER,
) -> list[Match]:
    """`match` of one picture A to several pictures B, which may differ in their numbers of boxes.

    The loop over the rows is shared by all; each answer is bit for bit that of `match` alone. A hundred
    partners at a time are fastest. `scores` may be made one by one; none is kept.
    """
    if not len(boxes_b):
        return []
    stack = _Stack(boxes_a, boxes_b, scores, params)
    offsets = np.stack([stack.settle(row) for row in range(len(boxes_a))])
    return [Match(stack.confidence[:, p, : len(boxes)], offsets[:, :, p]) for p, boxes in enumerate(boxes_b)]


@dataclass(frozen=True)
class Frames:
    """Boxes as centre, half sizes and area, each (n,) or, for several pictures, (pictures, n)."""

    x: Float64s
    y: Float64s
    width: Float64s
    height: Float64s
    area: Float64s

    @classmethod
    def of(cls, boxes: Floats) -> "Frames":
        """The published code takes half of x2 - x1, not of the width in pixels."""
        x1, y1, x2, y2 = np.moveaxis(np.asarray(boxes, np.float64), -1, 0)
        if not ((x2 > x1) & (y2 > y1)).all():
            raise ValueError("a box must be at least two pixels wide and high")
        width, height = (x2 - x1) / 2, (y2 - y1) / 2
        return cls((x1 + x2) / 2, (y1 + y2) / 2, width, height, width * height)


def overlapping(boxes: Floats) -> list[NDArray[np.intp]]:
    """For each of the boxes (n, 4) the numbers of those that share a pixel with it, itself included."""
    low, high = boxes[:, :2], boxes[:, 2:]
    apart = (np.minimum(high[:, None], high) < np.maximum(low[:, None], low)).sum(axis=2)
    return [np.flatnonzero(row == 0) for row in apart]


class _Stack:
    """One picture A against P pictures B: their confidences, and of each row the best and where it lies.

    Pictures with fewer boxes are filled up with boxes that nothing matches. No sum runs over pictures, so
    that the answers do not depend on P.
    """

    def __init__(
        self, boxes_a: Floats, boxes_b: Sequence[Floats], scores: Iterable[Floats], params: MatchParams
    ) -> None:
        self._params = params
        self._a, self._b = Frames.of(boxes_a), Frames.of(_fill(boxes_b).reshape(-1, 4))
        self._neighbours = overlapping(boxes_a)
        self.confidence = _initial_confidence(boxes_a, boxes_b, scores, params)
        rows, pictures, width = self.confidence.shape
        self._first = np.arange(pictures + 1) * width
        self._best = np.empty((pictures, rows))
        self._best_offset = np.empty((rows, 3 * pictures))
        self._side = np.empty((rows, 3 * pictures))
        for row in range(rows):
            self._note_best(row)

    def settle(self, row: int) -> Float64s:
        """Damp one row by its distance from its local offset; return that, (3, P)."""
        near = self._neighbours[row]
        centre = self._local_offset(near)
        support, total = self._best.take(near, axis=1).sum(1), self._best.sum(1)
        share = np.divide(support, total, out=np.zeros_like(total), where=total > 0)
        self._damp(row, centre, share)
        if self._params.inplace:
            self._note_best(row)
        return centre

    def _local_offset(self, near: NDArray[np.intp]) -> Float64s:
        """The median of where the neighbours' best partners lie, (3, P)."""
        steps = self._params.median_steps
        centre = np.full(self._best_offset.shape[1], START)
        moving = np.flatnonzero(~stays(self._side.take(near, axis=0).sum(0), steps))
        centre[moving] = medians(self._best_offset.take(near, axis=0).take(moving, axis=1), steps)
        return centre.reshape(3, -1)

    def _damp(self, row: int, centre: Float64s, share: Float64s) -> None:
        """Most scores are 0, as the boxes are unlike or their aspects differ: the others are looked at."""
        scores, params = self.confidence[row].reshape(-1), self._params
        left = np.flatnonzero(scores > 0)
        counts = np.diff(np.searchsorted(left, self._first))
        x, y, s, share = np.repeat([*centre, share], counts, axis=1)
        for found, there in zip((x, y, s), self._offsets(row, left), strict=True):
            np.subtract(there, found, out=found)
        x *= x
        y *= y
        x += y
        np.sqrt(x, out=x)
        x *= -params.position_decay
        np.abs(s, out=s)
        s *= params.scale_decay
        x -= s
        np.exp(x, out=x)
        x *= share
        scores[left] = scores.take(left) * x

    def _offsets(self, row: int, places: NDArray[np.intp]) -> tuple[Float64s, Float64s, Float64s]:
        """Offsets in x, y and scale of one A-box from B-boxes, counted through all pictures."""
        a, b = self._a, self._b
        return a.x[row] - b.x.take(places), a.y[row] - b.y.take(places), a.area[row] / b.area.take(places)

    def _note_best(self, row: int) -> None:
        confidence = self.confidence[row]
        places = self._first[:-1] + confidence.argmax(1)
        offsets = np.concatenate(self._offsets(row, places))
        self._best[:, row] = confidence.reshape(-1)[places]
        self._best_offset[row], self._side[row] = offsets, sides(offsets)


def _fill(boxes: Sequence[Floats]) -> Float64s:
    """Several pictures' boxes as one array (pictures, m, 4), filled up to the largest number m of boxes."""
    filled = np.tile(np.array([0.0, 0, 1, 1]), (len(boxes), max(map(len, boxes)), 1))
    for picture, own in zip(filled, boxes, strict=True):
        picture[: len(own)] = own
    return filled


def _initial_confidence(
    boxes_a: Floats, boxes_b: Sequence[Floats], scores: Iterable[Floats], params: MatchParams
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
