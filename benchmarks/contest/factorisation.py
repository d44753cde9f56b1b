"""Deep feature factorisation: the activations of all pictures of a class, factorised jointly.

The factorisation is that of the package `grad-cam`; a factor's importance is the class's gradient along it,
times how much of it there is. Source: Collins, Achanta and Suesstrunk, ECCV 2018.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from pytorch_grad_cam.feature_factorization.deep_feature_factorization import dff
from sklearn.exceptions import ConvergenceWarning

from benchmarks.contest.maps import THRESHOLDS, cut, keep_best
from benchmarks.contest.subject import Look, Subject


@dataclass(frozen=True)
class FactorSettings:
    layer: str = "last"
    count: int = 8
    threshold: float = 0.5
    exclusive: bool = False
    keep: float = 1.0


CHOICES = {
    "layer": ("1/4", "1/8", "1/16", "last"),
    "count": (5, 8, 12, 16, 20, 25, 30, 40),
    "threshold": THRESHOLDS,
    "exclusive": (True, False),
    "keep": (0.4, 0.6, 0.8, 1.0),
}


def find(subject: Subject, settings: FactorSettings, seed: int) -> list[np.ndarray]:
    """bool (N, S, S) for each factor kept. The package fixes its own seed."""
    look = subject.look(settings.layer)
    key = ("factors", settings.layer, settings.count)
    if key not in subject.kept:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            subject.kept[key] = dff(look.activations.copy(), n_components=settings.count)
    concepts, shown = subject.kept[key]
    maps = np.moveaxis(shown, 1, 0)
    clusters = cut(maps, subject.side, threshold=settings.threshold, exclusive=settings.exclusive)
    return keep_best(clusters, weigh(look, concepts.T, maps), settings.keep)


def weigh(look: Look, directions: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """(K, C) directions and (K, N, h, w) amounts -> (K,): amount x slope of the logit, a picture."""
    slopes = np.einsum("kc,nchw->knhw", directions, look.gradients)
    return (maps * slopes).sum((2, 3)).mean(1)
