"""k-means of the network's activations at each position, over all pictures of a class."""

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans

from benchmarks.contest.maps import enlarge, keep_best
from benchmarks.contest.subject import Subject


@dataclass(frozen=True)
class PositionSettings:
    layer: str = "last"
    count: int = 8
    unit: bool = False
    keep: float = 1.0


CHOICES = {
    "layer": ("1/4", "1/8", "1/16", "last"),
    "count": (5, 8, 10, 12, 15, 20, 25, 30),
    "unit": (True, False),
    "keep": (0.2, 0.4, 0.6, 0.8, 1.0),
}
FITTED = 20_000
"""Positions that the centres are fitted to, at most; all positions are then assigned."""


def find(subject: Subject, settings: PositionSettings, seed: int) -> list[np.ndarray]:
    """bool (N, S, S) for each cluster kept: each pixel has the centre nearest to its activations.

    Those are the layer's, enlarged bilinearly: as the distances' difference between two centres is linear in
    them, it is enlarged instead. A cluster's importance is gradient x activation, summed over its positions.
    """
    look = subject.look(settings.layer)
    activations = look.activations
    if settings.unit:
        activations = activations / np.maximum(np.linalg.norm(activations, axis=1, keepdims=True), 1e-6)
    points = np.moveaxis(activations, 1, -1).reshape(-1, activations.shape[1])
    sample = np.random.default_rng(seed).permutation(len(points))[:FITTED]
    centres = KMeans(settings.count, n_init=1, random_state=seed).fit(points[sample]).cluster_centers_
    away = (centres**2).sum(1)[:, None, None, None] - 2 * np.einsum("kc,nchw->knhw", centres, activations)
    nearest, small = enlarge(away, subject.side).argmin(0), away.argmin(0)
    worth = (look.gradients * look.activations).sum(1)
    importance = np.array([worth[small == number].sum() for number in range(len(centres))])
    return keep_best([nearest == number for number in range(len(centres))], importance, settings.keep)
