"""What is known beforehand: the best and a senseless answer, made from the truth."""

from collections.abc import Sequence

import numpy as np
from skimage.measure import label


def tell_truth(truth: np.ndarray, used: Sequence[int]) -> list[np.ndarray]:
    """The oracle: a cluster for each part that is used."""
    return [truth == part for part in used]


def shuffle_regions(truth: np.ndarray, seed: int) -> list[np.ndarray]:
    """Every connected region of every part, in one of as many clusters as there are parts, drawn by lot."""
    rng = np.random.default_rng(seed)
    parts = [part for part in np.unique(truth) if part]
    clusters = [np.zeros(truth.shape, bool) for _ in parts]
    for number, marks in enumerate(truth):
        for part in parts:
            regions = label(marks == part)
            for region in range(1, regions.max() + 1):
                clusters[rng.integers(len(parts))][number] |= regions == region
    return clusters
