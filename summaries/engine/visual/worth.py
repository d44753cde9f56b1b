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
"""Standard deviation, pixels at SIDE, of the blur that leaves no detail of a whole picture."""
RADIUS = 3.0
"""Pixels at SIDE around each one painted over from which its colour is taken."""
LEAST_EVIDENCE = 0.05
"""Logits; a picture that adds less is counted as adding this, or chance would make shares of any size."""
SOFT_EDGE = 1.0
"""Standard deviation, pixels at SIDE, of the edge of what is hidden: a hard one would be a new shape."""


@dataclass(frozen=True)
class WorthParams:
    least: float = 0.015
    """Share of the class's evidence, both as means over pictures, that hiding a part must cost."""
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
    class. A part is painted over with what surrounds it, as if it were not there, with a soft edge: blurred
    it would still be a shape of its own colour. Evidence is shared among parts, so the drops of all need not
    add up to 1. Takes a forward pass for each part shown, and two. Source of the painting: Telea, An Image
    Inpainting Technique Based on the Fast Marching Method, 2004.
    """
    drop = np.full((count, len(pictures)), np.nan, np.float32)
    logits, blurred = np.zeros(len(pictures), np.float32), np.zeros(len(pictures), np.float32)
    for place, (picture, parts) in enumerate(zip(pictures, labels, strict=True)):
        shown = [number for number in range(count) if (parts == number).any()]
        asked = [picture, _blur(picture)] + [_paint_over(picture, parts == number) for number in shown]
        answers = _ask(classifier, asked, index)
        logits[place], blurred[place] = answers[:2]
        drop[shown, place] = (answers[0] - answers[2:]) / max(float(answers[0] - answers[1]), LEAST_EVIDENCE)
    return Worth(drop, logits, blurred)


def judge(worth: Worth, *, params: WorthParams | None = None) -> list[str]:
    """For each part why it is dropped, in words; "" for a part that is kept."""
    params = params or WorthParams()
    evidence = np.maximum(worth.logits - worth.blurred, LEAST_EVIDENCE)
    mean = float((worth.logits - worth.blurred).mean()) if len(worth.logits) else 0.0
    if mean < params.evidence:
        reason = (
            f"the detail of all images adds {mean:.2f} to the class's logit on average; "
            f"{params.evidence:.2f} is asked, or the network does not tell the class by any part"
        )
        return [reason] * len(worth.drop)
    return [_judge((row * evidence)[~np.isnan(row)] / mean, params) for row in worth.drop]


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


def _ask(classifier: Classifier, pictures: Sequence[NDArray[np.uint8]], index: int) -> NDArray[np.float32]:
    images = torch.stack([to_tensor(picture) for picture in pictures]).to(classifier.device)
    answers = [classifier.logits(some)[:, index] for some in images.split(BATCH)]
    logits: NDArray[np.float32] = torch.cat(answers).float().cpu().numpy()
    return logits


def _blur(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    sigma = STRONG_BLUR * len(picture) / SIDE
    wide = cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return wide.astype(np.uint8, copy=False)


def _paint_over(picture: NDArray[np.uint8], part: NDArray[np.bool_]) -> NDArray[np.uint8]:
    scale = len(picture) / SIDE
    # The part's edge is a mixture of colours, of which none should be spread.
    wide = cv2.dilate(part.astype(np.uint8), np.ones((3, 3), np.uint8))
    painted = cv2.inpaint(np.ascontiguousarray(picture), wide, RADIUS * scale, cv2.INPAINT_TELEA)
    soft = cv2.GaussianBlur(part.astype(np.float32), (0, 0), SOFT_EDGE * scale)[..., None]
    mixed: NDArray[np.uint8] = np.rint(picture * (1 - soft) + painted * soft).astype(np.uint8)
    return mixed
