"""How well clusters of pixels show the parts that a network uses: for every method on the same pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

FOUND = 0.3
WELL_FOUND = 0.5


@dataclass(frozen=True)
class Scores:
    """miou: mean IoU of used parts, each with at most one cluster (Hungarian), 0 for a part without one.
    recall30, recall50: the share of used parts matched with an IoU of at least that.
    leak: of all clusters' pixels, the share on the scene.
    unused: the share of clusters that show mostly a part worth nothing, where the scene never counts; a
    cluster on no part at all is one of them.
    per_part: clusters that show mostly a used part, per such part (1: each part has one cluster).
    nmi, ari: of the partition of the parts' pixels, those in no cluster being one more group.
    clusters: how many. stamp: the best IoU with the stamp, None where it is not used.
    """

    miou: float
    recall30: float
    recall50: float
    leak: float
    unused: float
    per_part: float
    nmi: float
    ari: float
    clusters: int
    stamp: float | None


def score(
    clusters: Sequence[np.ndarray],
    truth: np.ndarray,
    *,
    used: Sequence[int],
    unused: Sequence[int],
    stamp: int | None = None,
) -> Scores:
    """clusters: bool (N, S, S) each, they may overlap. truth: (N, S, S), 0 the scene, else the part's number.

    Without clusters everything found is 0, and nothing leaks.
    """
    parts = int(max(truth.max(), *used, *unused, stamp or 0))
    shared = np.array([np.bincount(truth[cluster], minlength=parts + 1) for cluster in clusters])
    shared = shared.reshape(len(clusters), parts + 1)
    overlap = iou(shared, np.bincount(truth.ravel(), minlength=parts + 1))
    matched = match(overlap[:, list(used)])
    shown = shared[:, 1:].argmax(1) + 1
    nothing = shared[:, 1:].sum(1) == 0
    on_used = [part for part, empty in zip(shown, nothing, strict=True) if part in used and not empty]
    nmi, ari = agree(clusters, truth)
    return Scores(
        miou=float(matched.mean()),
        recall30=float((matched >= FOUND).mean()),
        recall50=float((matched >= WELL_FOUND).mean()),
        leak=float(shared[:, 0].sum() / max(1, shared.sum())),
        unused=float((np.isin(shown, unused) | nothing).mean()) if len(clusters) else 0.0,
        per_part=len(on_used) / max(1, len(set(on_used))),
        nmi=nmi,
        ari=ari,
        clusters=len(clusters),
        stamp=float(overlap[:, stamp].max(initial=0)) if stamp else None,
    )


def iou(shared: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(K, P) pixels that clusters and parts share, (P,) pixels of each part -> (K, P); the parts tile all."""
    union = shared.sum(1)[:, None] + sizes - shared
    return shared / np.maximum(union, 1)


def match(overlap: np.ndarray) -> np.ndarray:
    """(K, P) -> (P,): each part's overlap with its own cluster, where the sum over all parts is largest."""
    matched = np.zeros(overlap.shape[1])
    rows, columns = linear_sum_assignment(-overlap)
    matched[columns] = overlap[rows, columns]
    return matched


def agree(clusters: Sequence[np.ndarray], truth: np.ndarray) -> tuple[float, float]:
    """NMI and ARI on the pixels of parts; where clusters overlap, a pixel belongs to the smallest."""
    on_part = truth > 0
    group = np.zeros(truth.shape, int)
    for number, cluster in sorted(enumerate(clusters, 1), key=lambda each: -each[1].sum()):
        group[cluster] = number
    real, found = truth[on_part], group[on_part]
    return float(normalized_mutual_info_score(real, found)), float(adjusted_rand_score(real, found))
