"""Worth: what hiding a part costs the class, picture by picture, and which parts are therefore kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier
from summaries.engine.visual.segments import SIDE

BATCH = 8
STRONG_BLUR = 8.0
"""Standard deviation, pixels at SIDE, of the blur that hides a part: wide enough to take its shape away."""
LEAST_EVIDENCE = 0.05
"""Logits; a picture that adds less is counted as adding this, or chance would make shares of any size."""
SOFT_EDGE = 1.0
"""Standard deviation, pixels at SIDE, of the edge of what is hidden: a hard one would be a new shape."""


@dataclass(frozen=True)
class WorthParams:
    least: float = 0.01
    """Mean share of the class's evidence that hiding a part must cost."""
    fewest: int = 3
    """Pictures that must show it."""
    evidence: float = 0.5
    """The class's evidence in logits, mean over the pictures, below which no part has a share worth telling:
    random weights give it 0.0001, whose shares are noise."""


@dataclass(frozen=True)
class Worth:
    """drop (G, N) float32: share of the class's evidence that is lost when the part is hidden, nan where the
    picture does not show it. The evidence is the logit of the picture less that of the picture blurred as a
    whole; logits (N,) and blurred (N,) are these two.
    """

    drop: NDArray[np.float32]
    logits: NDArray[np.float32]
    blurred: NDArray[np.float32]


@torch.no_grad()
def measure(
    classifier: Classifier,
    pictures: NDArray[np.uint8],
    labels: Sequence[NDArray[np.integer]],
    index: int,
    *,
    count: int,
) -> Worth:
    """Hide each of `count` parts in each picture that shows it.

    pictures (N, S, S, 3); labels, for each picture (S, S), the part's number or a negative one; index the
    class. A part is replaced by the strongly blurred picture, with a soft edge. Evidence is shared among
    parts, so the drops of all parts need not add up to 1. Takes a forward pass for each part shown, and two.
    """
    drop = np.full((count, len(pictures)), np.nan, np.float32)
    logits, blurred = np.zeros(len(pictures), np.float32), np.zeros(len(pictures), np.float32)
    for place, (picture, parts) in enumerate(zip(pictures, labels, strict=True)):
        shown = [number for number in range(count) if (parts == number).any()]
        hidden = np.stack([_soften(parts == number) for number in shown] + [np.zeros_like(parts, np.float32)])
        everything = np.ones((1, *parts.shape), np.float32)
        answers = _ask(classifier, picture, np.concatenate([hidden, everything]), index)
        logits[place], blurred[place] = answers[-2], answers[-1]
        evidence = max(float(answers[-2] - answers[-1]), LEAST_EVIDENCE)
        drop[shown, place] = (answers[-2] - answers[: len(shown)]) / evidence
    return Worth(drop, logits, blurred)


def judge(worth: Worth, *, params: WorthParams | None = None) -> list[str]:
    """For each part why it is dropped, in words; "" for a part that is kept."""
    params = params or WorthParams()
    evidence = float((worth.logits - worth.blurred).mean()) if len(worth.logits) else 0.0
    if evidence < params.evidence:
        reason = (
            f"the detail of all images adds {evidence:.2f} to the class's logit on average; "
            f"{params.evidence:.2f} is asked, or the network does not tell the class by any part"
        )
        return [reason] * len(worth.drop)
    return [_judge(row[~np.isnan(row)], params) for row in worth.drop]


def _judge(drops: NDArray[np.float32], params: WorthParams) -> str:
    if len(drops) < params.fewest:
        return f"in {len(drops)} images only; {params.fewest} are asked"
    mean = float(drops.mean())
    if mean < params.least:
        return (
            f"hiding it costs {mean:.1%} of the class's evidence on average; {params.least:.1%} are asked, "
            "as less could be chance"
        )
    return ""


def _ask(
    classifier: Classifier, picture: NDArray[np.uint8], hidden: NDArray[np.float32], index: int
) -> NDArray[np.float32]:
    image = to_tensor(picture)[None].to(classifier.device)
    sigma = STRONG_BLUR * len(picture) / SIDE
    wide = cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    blurred = to_tensor(wide.astype(np.uint8, copy=False))
    masks = torch.from_numpy(hidden)[:, None].to(classifier.device)
    shown = image * (1 - masks) + blurred[None].to(classifier.device) * masks
    answers = [classifier.logits(some)[:, index] for some in shown.split(BATCH)]
    logits: NDArray[np.float32] = torch.cat(answers).float().cpu().numpy()
    return logits


def _soften(part: NDArray[np.bool_]) -> NDArray[np.float32]:
    soft = cv2.GaussianBlur(part.astype(np.float32), (0, 0), SOFT_EDGE * len(part) / SIDE)
    return soft.astype(np.float32, copy=False)
