"""Superpixels at three scales, clustered by what the network makes of each alone, after ACE.

Each superpixel is cut out, its surroundings grey, and enlarged to the network's input; a layer's activations,
averaged, are clustered. Clusters that stand in few pictures are left out, and the rest is ranked by how many
pictures' logit rises along the cluster's direction, which is the difference of its mean to all others'.
Source: Ghorbani et al., NeurIPS 2019; its classifier of concept against random pictures is replaced by that
difference of means.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from skimage.segmentation import slic
from sklearn.cluster import KMeans

from benchmarks.contest.maps import keep_best
from benchmarks.contest.subject import Subject

SCALES = (15, 50, 80)
GREY = 117
ALIKE = 0.5
"""A superpixel that shares as much (IoU) with one of a coarser scale is left out."""


@dataclass(frozen=True)
class SegmentSettings:
    layer: str = "last"
    count: int = 25
    nearest: int = 40
    present: float = 0.5
    keep: float = 1.0


CHOICES = {
    "layer": ("1/4", "1/8", "1/16", "last"),
    "count": (10, 15, 20, 25, 30, 40),
    "nearest": (20, 40, 80, 10_000),
    "present": (0.25, 0.5, 0.75),
    "keep": (0.2, 0.4, 0.6, 0.8, 1.0),
}


def find(subject: Subject, settings: SegmentSettings, seed: int) -> list[np.ndarray]:
    """bool (N, S, S) for each cluster kept: the union of the superpixels nearest to its centre."""
    if "segments" not in subject.kept:
        subject.kept["segments"] = [
            (number, mask) for number, picture in enumerate(subject.pixels) for mask in divide(picture)
        ]
    segments = subject.kept["segments"]
    points = subject.pooled(
        settings.layer, "segments", [isolate(subject.pixels[number], mask) for number, mask in segments]
    )
    means = KMeans(settings.count, n_init=1, random_state=seed).fit(points)
    away = means.transform(points)
    slopes = subject.look(settings.layer).gradients.mean((2, 3))
    clusters, importance = [], []
    for number in range(settings.count):
        members = np.flatnonzero(means.labels_ == number)
        members = members[np.argsort(away[members, number])][: settings.nearest]
        if len({segments[member][0] for member in members}) < settings.present * len(subject.pixels):
            continue
        clusters.append(unite([segments[member] for member in members], subject.pixels.shape[:3]))
        rest = np.delete(points, members, axis=0).mean(0)
        importance.append((slopes @ (points[members].mean(0) - rest) > 0).mean())
    return keep_best(clusters, np.array(importance), settings.keep)


def divide(picture: np.ndarray) -> list[np.ndarray]:
    """bool (S, S) each: the superpixels of three scales, near doubles left out."""
    found: list[np.ndarray] = []
    for scale in SCALES:
        labels = slic(picture, n_segments=scale, compactness=20, sigma=1, start_label=0)
        new = [labels == label for label in range(labels.max() + 1)]
        found += [mask for mask in new if not any(overlap(mask, other) > ALIKE for other in found)]
    return found


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / (one | other).sum()


def isolate(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 (S, S, 3): the superpixel's box, all else in it grey, enlarged to the whole picture's side."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    alone = np.where(mask[box][..., None], picture[box], np.uint8(GREY))
    return cv2.resize(alone, mask.shape[::-1], interpolation=cv2.INTER_CUBIC)


def unite(segments: list[tuple[int, np.ndarray]], shape: tuple[int, int, int]) -> np.ndarray:
    union = np.zeros(shape, bool)
    for number, mask in segments:
        union[number] |= mask
    return union
