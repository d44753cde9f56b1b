"""Which parts a network uses: told by drawing the same pictures again without the part."""

from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.contest.world import PART_NAMES, Pictures
from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier

USED, UNUSED = 0.05, 0.02
BATCH = 64


@dataclass(frozen=True)
class Worth:
    """share: (parts,), mean fall of the class's logit where the part shows and is left out, as a share of the
    class's mean margin over the best other logit; nan where it shows nowhere.

    used: the numbers of the parts worth at least 5 %; unused: of those worth less than 2 %. What lies between
    is neither demanded nor held against anyone.
    """

    share: np.ndarray
    used: tuple[int, ...]
    unused: tuple[int, ...]


def measure(classifier: Classifier, pictures: Pictures) -> Worth:
    whole = logits(classifier, pictures.pixels)
    margin = margins(whole, pictures.index).mean()
    share = np.full(len(PART_NAMES), np.nan)
    for number in range(1, len(PART_NAMES) + 1):
        shown = (pictures.truth == number).any((1, 2))
        if shown.any():
            bare = logits(classifier, pictures.without[number - 1][shown])
            share[number - 1] = (whole[shown] - bare)[:, pictures.index].mean() / margin
    numbers = np.arange(1, len(PART_NAMES) + 1)
    used, unused = numbers[share >= USED], numbers[share < UNUSED]
    return Worth(share, tuple(used.tolist()), tuple(unused.tolist()))


def logits(classifier: Classifier, pixels: np.ndarray) -> np.ndarray:
    """(N, classes)."""
    batches = np.array_split(pixels, max(1, len(pixels) // BATCH))
    with torch.no_grad():
        return torch.cat([classifier.logits(to_tensor(batch)) for batch in batches]).numpy()


def margins(found: np.ndarray, index: int) -> np.ndarray:
    """(N,): the class's logit less the best other one."""
    return found[:, index] - np.delete(found, index, axis=1).max(1)
