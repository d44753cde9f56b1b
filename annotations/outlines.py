"""Masks as run lengths and as polygons, the way COCO and its kin write them, and back."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from annotations import Refusal

BITS = 5
MORE, SIGN = 1 << BITS, 1 << BITS - 1
FARTHEST = 1e6
"""Where a point of a polygon may lie, in pixels."""
ZERO = 48
"""The character that stands for no bit set."""


def from_runs(runs: Sequence[int], width: int, height: int) -> NDArray[np.bool_]:
    """The mask (H, W) whose pixels, column by column, are off and on by turns for so long, off first."""
    numbers = isinstance(runs, Sequence) and all(isinstance(run, int) and run >= 0 for run in runs)
    if not numbers or sum(runs) != width * height:
        raise Refusal(f"the run lengths are not those of a mask of {width} x {height} px")
    on = np.arange(len(runs)) % 2 == 1
    return np.repeat(on, runs).reshape(width, height).T


def to_runs(mask: NDArray[np.bool_]) -> list[int]:
    """The inverse of `from_runs`."""
    pixels = mask.T.ravel()
    changes = np.flatnonzero(np.diff(pixels)) + 1
    runs = np.diff([0, *changes.tolist(), pixels.size]).tolist()
    return [0, *runs] if pixels.size and pixels[0] else runs


def from_text(text: str) -> list[int]:
    """COCO's compressed run lengths: from the fourth on the difference to the one before last, five bits to
    a character from the lowest on, the sixth saying that more follow; the highest of all is the sign."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - ZERO
        if not 0 <= bits < 2 * MORE:
            raise Refusal("the compressed run lengths hold a character that has no place there")
        value |= (bits & MORE - 1) << shift
        shift += BITS
        if not bits & MORE:
            value -= (1 << shift) if bits & SIGN else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    if shift:
        raise Refusal("the compressed run lengths break off")
    return runs


def to_text(runs: Sequence[int]) -> str:
    """The inverse of `from_text`."""
    text = []
    for place, run in enumerate(runs):
        value = run - runs[place - 2] if place > 2 else run
        while True:
            bits, value = value & MORE - 1, value >> BITS
            done = value == (-1 if bits & SIGN else 0)
            text.append(chr(ZERO + (bits if done else bits | MORE)))
            if done:
                break
    return "".join(text)


def from_polygons(polygons: Iterable[Sequence[float]], width: int, height: int) -> NDArray[np.bool_]:
    """The pixels (H, W) whose centres lie in one of the polygons [x, y, x, y, ...], by the even-odd rule.

    The pixel in the corner covers 0 to 1, so that a rectangle of whole numbers fills its area exactly.
    """
    mask = np.zeros((height, width), bool)
    for polygon in polygons:
        _check(polygon)
        mask |= _inside(np.asarray(polygon, float).reshape(-1, 2), width, height)
    return mask


def _check(polygon: Sequence[float]) -> None:
    good = isinstance(polygon, Sequence) and len(polygon) >= 6 and len(polygon) % 2 == 0
    if not good or not all(isinstance(each, int | float) and abs(each) < FARTHEST for each in polygon):
        raise Refusal("a polygon is not a list of three points or more")


def _inside(points: NDArray[np.float64], width: int, height: int) -> NDArray[np.bool_]:
    """Every edge turns all pixels to its right on and off again, in the rows whose centres it passes."""
    (x0, y0), (x1, y1) = points.T, np.roll(points, -1, axis=0).T
    first, last = (
        np.ceil(bound - 0.5).clip(0, height).astype(int) for bound in (np.minimum(y0, y1), np.maximum(y0, y1))
    )
    edge = np.repeat(np.arange(len(points)), last - first)
    rows = np.arange(edge.size) - np.repeat(np.cumsum(last - first) - last, last - first)
    x = x0[edge] + (rows + 0.5 - y0[edge]) * (x1 - x0)[edge] / (y1 - y0)[edge]
    turns = np.zeros((height, width + 1), np.int64)
    np.add.at(turns, (rows, np.ceil(x - 0.5).clip(0, width).astype(int)), 1)
    return turns.cumsum(axis=1)[:, :width] % 2 == 1
