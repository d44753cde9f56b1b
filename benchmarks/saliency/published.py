"""The published loop as the method describes it: an image a pass, scipy's blur, the network as it is."""

from dataclasses import dataclass

import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional

from summaries.engine.images import blur
from summaries.engine.networks import Classifier
from summaries.engine.visual.masks import THRESHOLD, MaskParams, Stage
from summaries.engine.visual.two_stage import disc, store


@dataclass(frozen=True)
class Outcome:
    """drop: share of the probability that hiding the mask takes away; area: share of pixels in it."""

    drop: float
    area: float


def optimise_plainly(
    classifier: Classifier, pictures: torch.Tensor, classes: torch.Tensor, *, params: MaskParams
) -> list[Outcome]:
    """Each image for itself, each step as it is written down."""
    classifier.module.eval().requires_grad_(False)
    outcomes = []
    for image, index in zip(pictures, classes.tolist(), strict=True):
        clean, blurred = classifier.normalise(image[None]), classifier.normalise(blur(image[None]))
        ask = (classifier.module, clean, blurred, index)
        start = disc(image.shape[-1] // params.side_ratio)[None, None]
        smooth = step_through(*ask, start, params.smooth, True)
        crisp = store(step_through(*ask, 1 - store(smooth).float() / 255, params.crisp, False))
        kept = (crisp <= THRESHOLD).float()
        with torch.no_grad():
            shown = torch.cat([clean, clean * kept + blurred * (1 - kept)])
            p, left = classifier.module(shown).softmax(1)[:, index].tolist()
        outcomes.append(Outcome((p - left) / p, float(1 - kept.mean())))
    return outcomes


def step_through(
    module: torch.nn.Module,
    clean: torch.Tensor,
    blurred: torch.Tensor,
    index: int,
    mask: torch.Tensor,
    stage: Stage,
    softened: bool,
) -> torch.Tensor:
    mask = mask.clone().requires_grad_()
    adam = torch.optim.Adam([mask], lr=stage.learning_rate)
    for _ in range(stage.iterations):
        shown = render(mask, clean.shape[-1]) if softened else mask
        shown = shown.expand_as(clean)
        probability = module(clean * shown + blurred * (1 - shown)).softmax(1)[0, index]
        plane = mask[0, 0]
        rows, columns = (plane[:-1] - plane[1:]).abs(), (plane[:, :-1] - plane[:, 1:]).abs()
        loss = probability + stage.l1 * (1 - mask).abs().mean()
        loss = loss + stage.tv * (rows.pow(stage.beta).mean() + columns.pow(stage.beta).mean())
        loss = loss + stage.sparsity * ((1 - mask) * mask).abs().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        mask.data.clamp_(0, 1)
    return render(mask, clean.shape[-1]).detach() if softened else mask.detach()


def render(mask: torch.Tensor, side: int) -> torch.Tensor:
    sharp = functional.interpolate(mask, size=(side, side), mode="bilinear", align_corners=True)
    sharp.data.copy_(torch.from_numpy(gaussian_filter(sharp.data.numpy(), 5)))
    return sharp
