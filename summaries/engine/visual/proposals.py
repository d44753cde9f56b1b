"""Proposals: boxes that might hold a part, by selective search.

A picture is cut into small segments in five colour spaces and at several granularities, and each cut is
merged greedily, the most similar neighbours first, under four ideas of similarity. Every segment that ever
existed gives its bounding box; the rank in its hierarchy times a random number gives the order.

Segmentation and similarities are OpenCV's (contrib); the merging and the order are ours, because OpenCV draws
its random numbers from the C library's process-wide generator, which no seed can be trusted to reach, and
does not tell the ranks. Its quality mode also reads the blue channel where the method asks for hue; we read
hue.

Sources: Uijlings, van de Sande, Gevers and Smeulders, "Selective search for object recognition" (2013), and
the published proposal flow code for constants, filter and count.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from summaries.engine import Refusal

Picture = NDArray[np.uint8]
Boxes = NDArray[np.int32]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ProposalParams:
    """Constants of the proposals; the defaults are the published ones.

    scales: k of each initial segmentation; larger k, larger segments.
    minimum_segment: pixels of the smallest segment of an initial segmentation; None: as many as its k.
    sigma: smoothing before the segmentation, pixels.
    minimum_side: boxes narrower or lower than this, in pixels, are dropped.
    margin: share of width and height; boxes reaching into this border are dropped unless they reach into it
        on all four sides.
    count: boxes kept.
    strict: refuse a picture with fewer than `count` boxes (the authors drop it) or take what there is.
    coarse_first: rank 1 is the last merger, as published, so that large boxes tend to come first; False ranks
        by the height in the merging tree, segments first, as OpenCV does.
    """

    scales: tuple[int, ...] = (50, 100, 150, 300)
    minimum_segment: int | None = None
    sigma: float = 0.8
    minimum_side: int = 20
    margin: float = 0.01
    count: int = 500
    strict: bool = True
    coarse_first: bool = True


PAPER = ProposalParams()
OPENCV_QUALITY = ProposalParams(scales=(150, 300, 450, 600, 750), minimum_segment=100, coarse_first=False)
"""The constants of OpenCV's quality mode: a third of the boxes, often fewer than 500."""


class TooFewProposals(Refusal):
    """The picture has too little structure for the number of boxes that the method wants."""


def propose(picture: Picture, *, params: ProposalParams = PAPER, seed: int) -> Boxes:
    """The boxes (n, 4) int32 of a picture (H, W, 3) uint8 RGB: x1, y1, x2, y2, inclusive, counted from 0.

    Priority = rank in the hierarchy x uniform random number, ascending; of equal boxes the first counts;
    boxes that are too small or reach into the border go; the first `count` stay, in this order. The answer
    depends on the picture, the parameters and the seed alone. With `strict`, raises TooFewProposals below
    `count`; otherwise n may be anything down to 0 (a picture of one colour yields its own outline if that is
    large enough).
    """
    boxes, ranks = _ranked_boxes(picture, params)
    order = np.argsort(ranks * np.random.default_rng(seed).random(len(ranks)), kind="stable")
    boxes = _first_of_equals(boxes[order])
    boxes = boxes[_well_placed(boxes, picture.shape[:2], params)]
    if params.strict and len(boxes) < params.count:
        raise TooFewProposals(
            f"This picture yields only {len(boxes)} proposals where the method wants {params.count}."
        )
    return boxes[: params.count]


def _ranked_boxes(picture: Picture, params: ProposalParams) -> tuple[Boxes, NDArray[np.float64]]:
    """All boxes of all hierarchies, (n, 4), in the order of merging, and their ranks (n,), from 1."""
    boxes: list[Box] = []
    ranks: list[int] = []
    for hierarchy in _hierarchies(picture, params):
        boxes += hierarchy.boxes
        ranks += hierarchy.ranks(coarse_first=params.coarse_first)
    return np.array(boxes, np.int32), np.array(ranks, np.float64)


def _first_of_equals(boxes: Boxes) -> Boxes:
    _, first = np.unique(boxes, axis=0, return_index=True)
    return boxes[np.sort(first)]


def _well_placed(boxes: Boxes, shape: tuple[int, ...], params: ProposalParams) -> NDArray[np.bool_]:
    """True for boxes (n, 4) that are large enough and clear of the border, or that span the whole picture."""
    size = np.array(shape[::-1])
    near, far = boxes[:, :2] + 1, boxes[:, 2:] + 1  # the published rule counts pixels from 1
    large = (far - near + 1 >= params.minimum_side).all(1)
    # Below 100 pixels the published rule would free the first pixel and drop even the whole picture.
    low, high = np.maximum(params.margin * size, 1), (1 - params.margin) * size
    clear = ((near > low) & (far < high)).all(1)
    whole = ((near <= low) & (far > high)).all(1)
    return np.asarray(large & (clear | whole))


def _hierarchies(picture: Picture, params: ProposalParams) -> Iterator["Hierarchy"]:
    similarities = _similarities()
    for number, (image, k) in enumerate((i, k) for i in _colour_spaces(picture) for k in params.scales):
        segmentation = cv2.ximgproc.segmentation.createGraphSegmentation(
            params.sigma, float(k), params.minimum_segment or k
        )
        segments = Segments(segmentation.processImage(image).astype(np.int32, copy=False))
        for similarity in similarities:
            yield Hierarchy(image, segments, similarity, number)


def _colour_spaces(picture: Picture) -> list[Picture]:
    """HSV, Lab, intensity, hue, and red-green-intensity of an RGB picture."""
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    intensity = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    hue = np.ascontiguousarray(hsv[:, :, 0])
    red_green_intensity = np.dstack([picture[:, :, 0], picture[:, :, 1], intensity])
    return [hsv, cv2.cvtColor(picture, cv2.COLOR_RGB2Lab), intensity, hue, red_green_intensity]


def _similarities() -> list:
    """OpenCV's four similarities: colour + texture + size + fill; texture + size + fill; fill; size."""
    cv = cv2.ximgproc.segmentation
    fill = cv.createSelectiveSearchSegmentationStrategyFill()
    size = cv.createSelectiveSearchSegmentationStrategySize()
    texture = cv.createSelectiveSearchSegmentationStrategyTexture()
    colour = cv.createSelectiveSearchSegmentationStrategyColor()
    sums = []
    for terms in ((colour, fill, texture, size), (fill, texture, size)):
        sums.append(cv.createSelectiveSearchSegmentationStrategyMultiple())
        for term in terms:
            sums[-1].addStrategy(term, 1 / len(terms))
    return [*sums, fill, size]


class Segments:
    """The segments of one initial segmentation: its labels (H, W), sizes (n, 1), boxes, adjacent pairs."""

    def __init__(self, labels: NDArray[np.int32]) -> None:
        self.labels = labels
        self.sizes = np.bincount(labels.ravel()).astype(np.int32)[:, None]
        self.boxes = self._bounding_boxes()
        self.pairs = self._adjacent_pairs()

    def _bounding_boxes(self) -> list[Box]:
        ys, xs = np.indices(self.labels.shape)
        low = np.full((2, len(self.sizes)), max(self.labels.shape))
        high = np.zeros_like(low)
        for axis, places in enumerate((xs, ys)):
            np.minimum.at(low[axis], self.labels, places)
            np.maximum.at(high[axis], self.labels, places)
        return [tuple(box) for box in np.concatenate([low, high]).T.tolist()]

    def _adjacent_pairs(self) -> list[tuple[int, int]]:
        """Pairs (a < b) that touch to the left, above, or above on the left, in ascending order."""
        here, count = self.labels[1:, 1:], len(self.sizes)
        codes = []
        for there in (self.labels[1:, :-1], self.labels[:-1, 1:], self.labels[:-1, :-1]):
            differ = here != there
            a, b = here[differ].astype(np.int64), there[differ]
            codes.append(np.minimum(a, b) * count + np.maximum(a, b))
        return [divmod(code, count) for code in np.unique(np.concatenate(codes)).tolist()]


class Hierarchy:
    """Segments merged, the most similar neighbours first, until none are left to merge.

    Nodes are numbered in the order in which they arise. Of equally similar pairs the one with the lower
    numbers goes first.
    """

    def __init__(self, image: Picture, segments: Segments, similarity: Any, number: int) -> None:
        self.boxes = list(segments.boxes)
        self.levels = [1] * len(self.boxes)
        self._slots = list(range(len(self.boxes)))
        self._neighbours: list[set[int]] = [set() for _ in self.boxes]
        # OpenCV reads the sizes in place: a merger writes them here and the similarity sees it.
        self._sizes = segments.sizes.copy()
        self._similarity = similarity
        similarity.setImage(image, segments.labels, self._sizes, number)
        self._queue: list[tuple[float, int, int]] = []
        for a, b in segments.pairs:
            self._connect(a, b)
        self._merge_all()

    def ranks(self, *, coarse_first: bool) -> list[int]:
        """The rank of each node, from 1: of the last merger backwards, all segments last; or the height."""
        if not coarse_first:
            return self.levels
        mergers = len(self.levels) - self.levels.count(1)
        return [mergers + 1] * self.levels.count(1) + list(range(mergers, 0, -1))

    def _connect(self, a: int, b: int) -> None:
        self._neighbours[a].add(b)
        self._neighbours[b].add(a)
        heapq.heappush(self._queue, (-self._similarity.get(self._slots[a], self._slots[b]), a, b))

    def _merge_all(self) -> None:
        merged: set[int] = set()
        while self._queue:
            _, a, b = heapq.heappop(self._queue)
            if a not in merged and b not in merged:
                merged |= {a, b}
                self._merge(a, b)

    def _merge(self, a: int, b: int) -> None:
        slot_a, slot_b = self._slots[a], self._slots[b]
        self._similarity.merge(slot_a, slot_b)
        self._sizes[[slot_a, slot_b]] = self._sizes[slot_a] + self._sizes[slot_b]
        (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = self.boxes[a], self.boxes[b]
        self.boxes.append((min(ax1, bx1), min(ay1, by1), max(ax2, bx2), max(ay2, by2)))
        self.levels.append(max(self.levels[a], self.levels[b]) + 1)
        self._slots.append(min(slot_a, slot_b))
        near = (self._neighbours[a] | self._neighbours[b]) - {a, b}
        self._neighbours.append(set())
        for other in sorted(near):
            self._neighbours[other] -= {a, b}
            self._connect(other, len(self.boxes) - 1)
