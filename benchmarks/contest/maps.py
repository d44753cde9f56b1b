"""From maps of concepts, small and soft, to clusters of pixels."""

import math

import cv2
import numpy as np

FULL = 0.99
"""What counts as a map's maximum: this quantile of its values, as single peaks say little."""
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def enlarge(maps: np.ndarray, side: int) -> np.ndarray:
    """(K, N, h, w) -> (K, N, side, side), bilinear."""
    flat = maps.reshape(-1, *maps.shape[2:]).astype(np.float32)
    large = [cv2.resize(each, (side, side), interpolation=cv2.INTER_LINEAR) for each in flat]
    return np.stack(large).reshape(*maps.shape[:2], side, side)


def cut(maps: np.ndarray, side: int, *, threshold: float, exclusive: bool) -> list[np.ndarray]:
    """(K, N, h, w) -> K times bool (N, side, side): where a map reaches the threshold, of its own maximum
    over all pictures. exclusive: and where no other map, as a share of its maximum, is higher."""
    large = enlarge(maps / np.maximum(np.quantile(maps, FULL, (1, 2, 3), keepdims=True), 1e-12), side)
    chosen = large >= threshold
    if exclusive:
        chosen &= large == large.max(0)
    return list(chosen)


def keep_best(clusters: list[np.ndarray], importance: np.ndarray, share: float) -> list[np.ndarray]:
    """The share of the clusters that matters most to the class, at least one; empty ones are left out."""
    best = np.argsort(-importance)[: max(1, math.ceil(share * len(clusters)))]
    return [clusters[number] for number in best if clusters[number].any()]
