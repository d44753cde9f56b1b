"""Rotations: the same representation in another basis, to ask whether the network's own units are special."""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import schur
from torch import nn

from summaries.engine import Refusal
from summaries.engine.dissection.score import Counting, detectors, matched

THRESHOLDS = (0.04, 0.1, 0.2, 0.3)
"""At .04 alone a full rotation may show as many detectors as before: mixed units still over-fire a little on
some strong concept. Higher thresholds tell the bases apart. Source: section 3.1."""
ALPHAS = tuple(round(0.1 * step, 1) for step in range(11))
REAL = 1e-9
"""A block's entry off the diagonal below this is none."""

Floats = NDArray[np.float64]


def haar(size: int, seed: int) -> Floats:
    """A rotation Q (n, n) drawn evenly from SO(n).

    The QR of a Gaussian matrix, columns signed so that R has a positive diagonal; where the determinant is
    -1 the first column changes its sign. Source: section 3.
    """
    if size < 1:
        raise Refusal(f"A rotation needs at least one dimension, not {size}.")
    orthogonal, triangle = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))
    orthogonal *= np.where(np.diag(triangle) < 0, -1.0, 1.0)
    if np.linalg.det(orthogonal) < 0:
        orthogonal[:, 0] *= -1
    return np.asarray(orthogonal)


def power(rotation: Floats, alpha: float) -> Floats:
    """Q^alpha, the geodesic from the identity (0) to Q (1) on which all planes turn evenly.

    Q = W T W^T in real Schur form; a 2 x 2 block of T turns its plane by theta = atan2 of its own sine and
    cosine, with the sign, and Q^alpha by alpha theta. A block of one number is 1 (fixed) or -1; numbers -1
    come in pairs, as det Q = 1, and two of them turn their plane by pi. So odd n, real eigenvalues and the
    identity are no special cases. Refused: a matrix that is no rotation.
    """
    size = len(rotation)
    if not np.allclose(rotation @ rotation.T, np.eye(size), atol=1e-6) or np.linalg.det(rotation) < 0:
        raise Refusal("Only rotations (orthogonal, determinant 1) have these powers.")
    blocks, basis = schur(rotation, output="real")
    turned = np.eye(size)
    for first, second, angle in _planes(blocks):
        cosine, sine = np.cos(alpha * angle), np.sin(alpha * angle)
        turned[[first, second], [first, second]] = cosine
        turned[first, second], turned[second, first] = -sine, sine
    return np.asarray(basis @ turned @ basis.T)


def _planes(blocks: Floats) -> list[tuple[int, int, float]]:
    """Two axes and the angle from the first to the second, of each plane that turns."""
    planes, halves, place = [], [], 0
    while place < len(blocks):
        following = place + 1
        if following < len(blocks) and abs(blocks[following, place]) > REAL:
            angle = np.arctan2(blocks[following, place], blocks[place, place])
            planes.append((place, following, float(angle)))
            place += 2
            continue
        if blocks[place, place] < 0:
            halves.append(place)
        place += 1
    return planes + [(one, other, float(np.pi)) for one, other in zip(halves[::2], halves[1::2], strict=True)]


@torch.no_grad()
def fold(following: nn.Conv2d | nn.Linear, rotation: Floats) -> nn.Conv2d | nn.Linear:
    """A copy of the layer after a rotated one that undoes the rotation: W' = W Q^T over its input channels.

    With rotated units Q a in place of a it gives what it gave, so the network's function is unchanged and
    both bases are equally discriminative. A convolution's positions are left alone. Refused: another number
    of channels, and grouped convolutions, which do not see all channels.
    """
    inputs = following.in_channels if isinstance(following, nn.Conv2d) else following.in_features
    if inputs != len(rotation) or getattr(following, "groups", 1) != 1:
        raise Refusal(f"A layer of {inputs} ungrouped inputs cannot undo a rotation of {len(rotation)}.")
    folded = copy.deepcopy(following)
    back = torch.from_numpy(rotation).to(following.weight)
    folded.weight.copy_(torch.einsum("oc...,uc->ou...", following.weight, back))
    return folded


@dataclass(frozen=True)
class Curve:
    """Unique detectors against alpha: (seeds, alphas, thresholds); units: those that detect, likewise."""

    alphas: tuple[float, ...]
    thresholds: tuple[float, ...]
    unique: NDArray[np.int64]
    units: NDArray[np.int64]
    matched: Floats
    """(seeds, alphas): mean over concepts of the best IoU that any unit has with each."""


def bases(size: int, seed: int, alphas: Sequence[float] = ALPHAS) -> dict[float, Floats]:
    """Of one random rotation the powers that a curve runs through."""
    rotation = haar(size, seed)
    return {alpha: power(rotation, alpha) for alpha in alphas}


def curve(
    score: Callable[[Mapping[float, Floats]], Mapping[float, Floats]],
    size: int,
    *,
    categories: NDArray[np.int64],
    category_count: int,
    seeds: Sequence[int],
    alphas: Sequence[float] = ALPHAS,
    thresholds: Sequence[float] = THRESHOLDS,
    concepts: NDArray[np.int64] | None = None,
    counting: Counting = "top label",
    track: Callable[[Iterable[int]], Iterable[int]] = lambda it: it,
) -> Curve:
    """How detectors fade on the way to a random basis, once for each seed.

    score: from alpha -> basis (U, U) to alpha -> IoU (U, C), all powers of one rotation at a time, as
    `dissect` takes them in one forward pass. Thresholds T_k are to be found anew for every basis. concepts:
    the ones `matched` runs over, by default all.
    """
    chosen = np.arange(len(categories)) if concepts is None else concepts
    unique, units, fitted = [], [], []
    for seed in track(seeds):
        tables = score(bases(size, seed, alphas))
        found = [
            [
                detectors(tables[a], categories, category_count, threshold=t, counting=counting)
                for t in thresholds
            ]
            for a in alphas
        ]
        unique.append([[each.unique for each in row] for row in found])
        units.append([[each.units for each in row] for row in found])
        fitted.append([matched(tables[a], chosen) for a in alphas])
    return Curve(tuple(alphas), tuple(thresholds), np.array(unique), np.array(units), np.array(fitted))
