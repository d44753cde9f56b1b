"""Square crops and non-negative factors of what the network makes of them, after CRAFT.

Crops of all pictures are enlarged to the network's input, a layer's activations of each are averaged and
factorised into a dictionary; a whole picture's activations at each position are then written in it, which
gives maps. Importance is the logit's slope along a word times its amount, where CRAFT estimates Sobol
indices: both rank words by what the class loses with them. Source: Fel et al., CVPR 2023, without recursion.
"""

import warnings
from dataclasses import dataclass

import cv2
import numpy as np
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from benchmarks.contest.factorisation import weigh
from benchmarks.contest.maps import THRESHOLDS, cut, keep_best
from benchmarks.contest.subject import Subject

STRIDE = 0.8
"""Of a crop's side, as published."""


@dataclass(frozen=True)
class CropSettings:
    layer: str = "last"
    side: float = 0.3
    count: int = 10
    threshold: float = 0.5
    exclusive: bool = False
    keep: float = 1.0


CHOICES = {
    "layer": ("1/4", "1/8", "1/16", "last"),
    "side": (0.2, 0.3, 0.4, 0.5),
    "count": (5, 10, 15, 20, 25, 30, 40),
    "threshold": THRESHOLDS,
    "exclusive": (True, False),
    "keep": (0.4, 0.6, 0.8, 1.0),
}


def find(subject: Subject, settings: CropSettings, seed: int) -> list[np.ndarray]:
    """bool (N, S, S) for each word kept."""
    look = subject.look(settings.layer)
    key = ("words", settings.layer, settings.side, settings.count)
    if key not in subject.kept:
        subject.kept[key] = read(subject, look.activations, settings, seed)
    words, maps = subject.kept[key]
    clusters = cut(maps, subject.side, threshold=settings.threshold, exclusive=settings.exclusive)
    return keep_best(clusters, weigh(look, words, maps), settings.keep)


def read(
    subject: Subject, activations: np.ndarray, settings: CropSettings, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The dictionary, (K, C), and how much of each word there is at each position, (K, N, h, w)."""
    crops = [crop for picture in subject.pixels for crop in cut_crops(picture, settings.side)]
    pooled = subject.pooled(settings.layer, ("crops", settings.side), crops)
    count, channels, height, width = activations.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        factors = NMF(settings.count, random_state=seed).fit(pooled)
        amounts = factors.transform(np.moveaxis(activations, 1, -1).reshape(-1, channels))
    maps = np.moveaxis(amounts.reshape(count, height, width, -1), -1, 0)
    return factors.components_, maps


def cut_crops(picture: np.ndarray, share: float) -> list[np.ndarray]:
    """Overlapping squares of that share of the side, enlarged to the whole picture's."""
    whole = picture.shape[0]
    side = round(share * whole)
    places = range(0, whole - side + 1, round(STRIDE * side))
    return [
        cv2.resize(picture[y : y + side, x : x + side], (whole, whole), interpolation=cv2.INTER_CUBIC)
        for y in places
        for x in places
    ]
