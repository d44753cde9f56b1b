"""What regions are worth, measured alike for every method: what hiding them costs, and where they lie."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier
from summaries.engine.visual.segments import SIDE
from summaries.engine.visual.worth import SOFT_EDGE, STRONG_BLUR, WorthParams

BATCH = 8
LEAST_PIXELS = 16
"""A concept is shown by a picture where it has so many pixels."""


@dataclass(frozen=True)
class Figures:
    """Of one class; concepts are a method's clusters, regions are what of them a picture shows.

    region_area, region_drop: means over concepts of their regions' means: share of the picture, and share of
    the evidence lost when the region alone is blurred (`standard` chose its own by painting over instead).
    idle: share of concepts whose mean drop is below the share that `standard` asks for.
    all_area, all_drop: of everything found in a picture, hidden at once.
    inside: share of the regions' area inside the object; object: the object's share of the pictures, which is
    what regions laid by chance would have inside. None where the object is not known.
    """

    concepts: int
    regions: int
    region_area: float | None
    region_drop: float | None
    idle: float | None
    all_area: float
    all_drop: float
    inside: float | None
    object: float | None


def measure(
    classifier: Classifier,
    pictures: np.ndarray,
    clusters: Sequence[np.ndarray],
    index: int,
    objects: np.ndarray | None = None,
) -> Figures:
    """pictures uint8 (N, S, S, 3); clusters bool (N, S, S) each, they may overlap; objects bool (N, S, S)."""
    count = len(pictures)
    found = np.stack([*clusters, np.zeros(pictures.shape[:3], bool)])
    shown = found.sum((2, 3)) >= LEAST_PIXELS
    everything = found.any(0)
    drop, whole = np.full(shown.shape, np.nan), np.zeros(count)
    for place in range(count):
        numbers = np.flatnonzero(shown[:, place])
        hidden = np.concatenate([found[numbers, place], everything[None, place]])
        *drop[numbers, place], whole[place] = hide(classifier, pictures[place], hidden, index)
    there = np.flatnonzero(shown.any(1))
    drops = [float(np.nanmean(drop[number])) for number in there]
    areas = [float(found[number][shown[number]].mean()) for number in there]
    least = WorthParams().least
    return Figures(
        concepts=len(there),
        regions=int(shown.sum()),
        region_area=mean(areas),
        region_drop=mean(drops),
        idle=mean([value < least for value in drops]),
        all_area=float(everything.mean()),
        all_drop=float(whole.mean()),
        inside=None if objects is None else share_inside(found, objects),
        object=None if objects is None else float(objects.mean()),
    )


def share_inside(found: np.ndarray, objects: np.ndarray) -> float | None:
    """(K, N, S, S) and (N, S, S): of the area of all regions, each counted for itself."""
    area = int(found.sum())
    return int((found & objects).sum()) / area if area else None


@torch.no_grad()
def hide(classifier: Classifier, picture: np.ndarray, hidden: np.ndarray, index: int) -> np.ndarray:
    """(M,) share of the class's evidence lost when each of bool (M, S, S) is hidden by the blurred picture.

    The evidence is the logit less that of the picture blurred as a whole.
    """
    scale = len(picture) / SIDE
    image = to_tensor(picture)[None]
    blurred = to_tensor(cv2.GaussianBlur(picture, (0, 0), STRONG_BLUR * scale, borderType=cv2.BORDER_REFLECT))
    soft = np.stack([cv2.GaussianBlur(each.astype(np.float32), (0, 0), SOFT_EDGE * scale) for each in hidden])
    masks = torch.from_numpy(soft)[:, None]
    shown = torch.cat([image * (1 - masks) + blurred[None] * masks, image, blurred[None]])
    logits = torch.cat([classifier.logits(some)[:, index] for some in shown.split(BATCH)]).cpu().numpy()
    evidence = max(float(logits[-2] - logits[-1]), 1e-6)
    lost: np.ndarray = (logits[-2] - logits[:-2]) / evidence
    return lost


def mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None
