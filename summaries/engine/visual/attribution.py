"""Attribution: how much each pixel's detail adds to the logit of a class."""

import numpy as np
import torch
from numpy.typing import NDArray

from summaries.engine.images import blur
from summaries.engine.networks import Classifier, frozen

STEPS = 8


def attribute(
    classifier: Classifier, images: torch.Tensor, classes: torch.Tensor, *, steps: int = STEPS
) -> NDArray[np.float32]:
    """Integrated gradients of the class's logit on the way from the blurred to the clear picture.

    images (N, 3, S, S) in [0, 1], classes (N,) -> (N, S, S). With b = blur(x) and a at the middles of
    `steps` equal intervals of [0, 1],

        sum over channels of (x - b) * mean over a of dz_c / dx at b + a (x - b),

    whose sum over the picture tends to z_c(x) - z_c(b) as steps grow. One forward and backward pass a step;
    an image passes alone. The logit, not the probability: a saturated probability has no gradient.
    Source: Sundararajan et al., Axiomatic Attribution for Deep Networks, 2017, equation 3.
    """
    images, classes = images.to(classifier.device), classes.to(classifier.device)
    with frozen(classifier.module):
        found = [
            _attribute_one(classifier, image, index, steps)
            for image, index in zip(images.split(1), classes.split(1), strict=True)
        ]
    maps: NDArray[np.float32] = torch.cat(found).cpu().numpy()
    return maps


def _attribute_one(
    classifier: Classifier, image: torch.Tensor, index: torch.Tensor, steps: int
) -> torch.Tensor:
    hidden = blur(image)
    total = torch.zeros_like(image)
    for step in range(steps):
        between = (hidden + (step + 0.5) / steps * (image - hidden)).requires_grad_()
        logit = classifier.module(classifier.normalise(between)).gather(1, index[:, None]).sum()
        total += torch.autograd.grad(logit, between)[0]
    return ((image - hidden) * total / steps).sum(1)
