"""Regions by chance: the shape of a member laid at random places of other images, on the mask or off it.

The shape and size are kept, so that neither explains a difference to the control (method, 6.2, b1 and b2).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

ON, OFF = 0.75, 0.1
"""Least share of its pixels on the mask to be on it, as for regions by boxes; most to be off it."""


def place(
    region: NDArray[np.bool_], mask: NDArray[np.bool_], *, on: bool, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """The region's shape at a random place of a picture with this mask, (S, S) both; wholly inside.

    Where no place has enough (on) or little enough (off) of the mask, one of those that have the most or the
    least. Refuses nothing: an empty region stays empty.
    """
    down, along = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    if not len(down):
        return region.copy()
    shape = region[down[0] : down[-1] + 1, along[0] : along[-1] + 1]
    share = shares(shape, mask)
    fits = share >= min(ON, share.max()) if on else share <= max(OFF, share.min())
    y, x = np.unravel_index(rng.choice(np.flatnonzero(fits)), share.shape)
    moved = np.zeros_like(region)
    moved[y : y + shape.shape[0], x : x + shape.shape[1]] = shape
    return moved


def shares(shape: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """What share of the shape's pixels is on the mask, for each place of its corner; rounded to 1e-6, below
    which the Fourier transform's error lies."""
    hits = fftconvolve(mask.astype(float), shape[::-1, ::-1].astype(float), mode="valid")
    return (hits / shape.sum()).round(6)


def images(count: int, wanted: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Places of so many different images among `count`; once all are used, they come again."""
    rounds = -(-wanted // count)
    return np.concatenate([rng.permutation(count) for _ in range(rounds)])[:wanted]
