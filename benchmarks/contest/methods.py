"""The peers by name: how each is asked, and what of it may be tuned."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.contest import crops, factorisation, positions, segments
from benchmarks.contest.subject import Subject


@dataclass(frozen=True)
class Found:
    """clusters: bool (N, S, S) each, they may overlap. passes, seconds: of an image, on average."""

    clusters: list[np.ndarray]
    passes: float
    seconds: float


@dataclass(frozen=True)
class Method:
    """find(subject, settings, seed) gives bool (N, S, S) arrays; choices: names of settings and values."""

    find: Callable[[Subject, Any, int], list[np.ndarray]]
    settings: Callable[..., Any]
    choices: Mapping[str, Sequence]


PEERS = {
    "dff": Method(factorisation.find, factorisation.FactorSettings, factorisation.CHOICES),
    "craft": Method(crops.find, crops.CropSettings, crops.CHOICES),
    "ace": Method(segments.find, segments.SegmentSettings, segments.CHOICES),
    "kmeans": Method(positions.find, positions.PositionSettings, positions.CHOICES),
}
CONTROLS = ("random", "oracle")
VARIANTS: dict[str, dict] = {
    f"steps_{steps}": {"masks": {"annealing": {"probes": 1, "steps": 1}}, "segments": {"steps": steps}}
    for steps in (1, 2, 4, 8, 16)
}
"""`standard` with other options, for the curve of quality against passes: as good as no mask, which its parts
do not depend on, and so many steps of the gradient that weighs the segments."""
