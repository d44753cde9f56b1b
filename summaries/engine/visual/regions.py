"""Regions: the proposals that lie on the evidence and do not repeat one another.

Boxes are inclusive, counted from 0: an (n, 4) integer array of x1, y1, x2, y2. Masks are (H, W) uint8, 255
= evidence.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from summaries.engine import Refusal

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

EVIDENCE = 128
"""A stored mask value above this counts as evidence when regions are chosen."""


def on_mask(boxes: NDArray, mask: NDArray, *, share: float = 0.75) -> Indices:
    """Indices, ascending, of the (n, 4) boxes of which strictly more than `share` of the area is evidence.

    Evidence is mask > 128; a box of w x h pixels counts (x2 - x1 + 1)(y2 - y1 + 1). What a box has outside
    the picture counts as area without evidence. Source: the authors' code, first pruning.
    """
    if not len(boxes):
        return np.zeros(0, np.int64)
    x1, y1, x2, y2 = boxes.astype(np.int64).T
    integral = cv2.integral((mask > EVIDENCE).astype(np.uint8)).astype(np.int64)
    height, width = mask.shape
    left, right = np.clip(x1, 0, width), np.clip(x2 + 1, 0, width)
    top, bottom = np.clip(y1, 0, height), np.clip(y2 + 1, 0, height)
    inside = integral[bottom, right] - integral[top, right] - integral[bottom, left] + integral[top, left]
    return np.flatnonzero(inside > share * (x2 - x1 + 1) * (y2 - y1 + 1))


def top_scores(rows: NDArray, count: int = 100) -> Array:
    """The `count` largest values of each row, descending: (n, m) -> (n, min(m, count)).

    A pair of images adds at most this many values a row to `quality`, so the whole block need not be kept.
    """
    if rows.shape[1] > count:
        rows = np.partition(rows, rows.shape[1] - count, axis=1)[:, -count:]
    return np.sort(rows.astype(np.float64), axis=1)[:, ::-1]


def quality(tops: list[Array], count: int = 100) -> Array:
    """Quality q(b) of one image's n proposals, (n,): the mean of the `count` largest confidences of row b.

    `tops` holds one `top_scores` array (n, k) for every *other* image of the class, all their proposals
    included. With fewer than `count` values in all, the mean of those there are. Refuses a class without
    other images: quality says how well a box is found elsewhere. Source: the authors' code, second pruning.
    """
    if not sum(top.shape[1] for top in tops):
        raise Refusal("Regions are compared between images, so a class needs at least two usable images.")
    return top_scores(np.concatenate(tops, axis=1), count).mean(axis=1)


def prune_redundant(boxes: NDArray, quality: NDArray, *, literal: bool = True) -> Indices:
    """Indices of the boxes (n, 4) left when of redundant ones the best by `quality` (n,) stays.

    Two boxes are redundant iff intersection / min(area) >= 0.5 and max(area) / min(area) < 2.0, with widths
    x2 - x1 as the authors count them here; so a part inside a whole of at least twice its area survives.

    literal=True is the authors' pass with a counter over a changing list: the box at the counter and all
    redundant with it give way to the best of them, which moves to the front. Some boxes are therefore never
    asked, a few redundant pairs survive, and the order of the result is the order in which that pass leaves
    the list. literal=False is non-maximum suppression by falling quality: no redundant pair survives. The
    first of equals wins in both.
    """
    redundant = redundancy(boxes)
    return _counted_pass(redundant, quality) if literal else _suppress(redundant, quality)


def redundancy(boxes: NDArray) -> NDArray[np.bool_]:
    """Which boxes are redundant with which: (n, 4) -> (n, n), symmetric, true on the diagonal."""
    x1, y1, x2, y2 = boxes.astype(np.float64).reshape(-1, 4).T
    area = (x2 - x1) * (y2 - y1)
    width = np.minimum.outer(x2, x2) - np.maximum.outer(x1, x1)
    height = np.minimum.outer(y2, y2) - np.maximum.outer(y1, y1)
    intersection = width.clip(0) * height.clip(0)
    smaller, larger = np.minimum.outer(area, area), np.maximum.outer(area, area)
    redundant = (intersection >= 0.5 * smaller) & (larger < 2.0 * smaller)
    np.fill_diagonal(redundant, True)
    return redundant


def _counted_pass(redundant: NDArray[np.bool_], quality: NDArray) -> Indices:
    left = np.arange(len(redundant))
    counter = 0
    while counter < len(left):
        asked = redundant[left[counter], left]
        group = left[asked]
        best = group[np.argmax(quality[group])]
        left = np.concatenate([[best], left[~asked]])
        counter += 1
    return left


def _suppress(redundant: NDArray[np.bool_], quality: NDArray) -> Indices:
    kept: list[int] = []
    for candidate in np.argsort(-np.asarray(quality), kind="stable"):
        if not redundant[candidate, kept].any():
            kept.append(int(candidate))
    return np.array(kept, np.int64)


def components(mask: NDArray, *, threshold: int = EVIDENCE) -> NDArray[np.int32]:
    """Connected components (8 neighbours) of mask > threshold: (H, W) labels, 0 = none, numbered from 1."""
    _, labels = cv2.connectedComponents((mask > threshold).astype(np.uint8), connectivity=8)
    return labels.astype(np.int32)


def component_of(boxes: NDArray, labels: NDArray) -> Indices:
    """The component that each box overlaps most, (n,): 0 where it meets none; of equals the lowest."""
    found = [_largest(np.bincount(_inside(labels, box).ravel())) for box in boxes]
    return np.array(found, np.int64)


def _inside(labels: NDArray, box: NDArray) -> NDArray:
    x1, y1, x2, y2 = (max(int(edge), 0) for edge in box)
    return labels[y1 : y2 + 1, x1 : x2 + 1]


def _largest(counts: NDArray) -> int:
    return 1 + int(np.argmax(counts[1:])) if len(counts) > 1 else 0
