"""Deletion and insertion: how the probability falls, or rises, as pixels go, or come, in a map's order."""

import torch

from summaries.engine.images import blur
from summaries.engine.networks import Classifier

LEVELS = 32


@torch.no_grad()
def areas_under_curves(
    classifier: Classifier, image: torch.Tensor, index: int, evidence: torch.Tensor
) -> tuple[float, float]:
    """Deletion and insertion AUC of one image (3, S, S) by a map (S, S), both in shares of the clean p.

    Pixels are taken most evident first, in 32 equal portions; a pixel that is away shows the blurred image.
    The area is the mean over the 33 levels by the trapezoid rule. Lower deletion and higher insertion are
    better.
    """
    order = evidence.flatten().argsort(descending=True, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order))
    shares = torch.linspace(0, 1, LEVELS + 1)
    taken = (rank.view(evidence.shape)[None] < (shares * len(order)).round()[:, None, None])[:, None]
    away = blur(image[None])
    ps = [
        torch.cat([classifier.probabilities(part)[:, index] for part in torch.where(*choice).split(8)])
        for choice in ((taken, away, image), (taken, image, away))
    ]
    clean = ps[0][0].clamp_min(1e-12)
    deletion, insertion = (float(torch.trapezoid(p / clean, dx=1 / LEVELS)) for p in ps)
    return deletion, insertion
