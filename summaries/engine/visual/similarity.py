"""Similarity: one matrix over all regions of a class, from the confidence blocks of its pairs of images."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Pairs = Iterable[tuple[int, int]]


@dataclass(frozen=True)
class Similarity:
    """Regions of a class against each other: image by image, in the order in which they were kept."""

    matrix: Array
    """(R, R); S[i, k] = how well region i finds region k."""
    image: Indices
    """(R,) the image of each region."""
    proposal: Indices
    """(R,) its number among that image's proposals."""


def assemble(
    kept: Sequence[NDArray],
    block: Callable[[int, int], NDArray],
    *,
    track: Callable[[Pairs], Pairs] = lambda it: it,
) -> Similarity:
    """The R x R matrix S over the kept proposals of all images.

    `kept[i]` are the indices of image i's regions among its n_i proposals; `block(i, j)` gives the
    confidence (n_i, n_j) of matching image i to j and is asked for i <= j only, once each, and never for an
    image without regions. The lower triangle is the transpose of the upper one; the blocks on the diagonal
    are self-matches, taken as they are (not symmetric). Nothing is normalised. Source: the authors' code.
    """
    sizes = np.array([len(k) for k in kept], np.int64)
    ends = np.cumsum(sizes)
    spans = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    matrix = np.zeros((sizes.sum(), sizes.sum()))
    filled = [int(i) for i in np.flatnonzero(sizes)]
    for i, j in track(list(combinations_with_replacement(filled, 2))):
        part = block(i, j)[np.ix_(kept[i], kept[j])]
        if i != j:
            matrix[spans[j], spans[i]] = part.T
        matrix[spans[i], spans[j]] = part
    proposal = np.concatenate([np.zeros(0, np.int64), *kept]).astype(np.int64)
    return Similarity(matrix, np.repeat(np.arange(len(sizes)), sizes), proposal)


def shift(matrix: NDArray, *, norm: Literal["global_max", "cosine"] = "global_max") -> Array:
    """S' = S - max(S), so that every value is at most 0; the form that clustering expects.

    The maximum runs over everything, self-matches included, as in the authors' code. norm="cosine" is an
    ablation: S[i, k] / sqrt(S[i, i] S[k, k]) before the shift, 0 where a self-match is not positive.
    """
    values = np.asarray(matrix, np.float64)
    if not values.size:
        return values.copy()
    if norm == "cosine":
        own = np.sqrt(np.diag(values).clip(0))
        scale = np.outer(own, own)
        values = np.divide(values, scale, out=np.zeros_like(values), where=scale > 0)
    return values - values.max()
