"""Scenes: images clean and blurred, and what a network says of them under a mask (1 keeps, 0 hides)."""

from dataclasses import dataclass

import torch
from torch import nn

from summaries.engine.images import blur
from summaries.engine.networks import Classifier


@dataclass(frozen=True)
class Scene:
    """A batch of images, clean and blurred, normalised (N, 3, S, S); their classes; the network to ask.

    dtype: what the network computes in; pictures, masks and answers are float32 in any case.
    """

    module: nn.Module
    classes: torch.Tensor
    clean: torch.Tensor
    blurred: torch.Tensor
    dtype: torch.dtype = torch.float32

    def logits(self, mask: torch.Tensor) -> torch.Tensor:
        """mask (N, 1, S, S), 1 = keep -> (N, C) logits of x(m) = m x0 + (1 - m) xb."""
        mask = mask.expand_as(self.clean)
        shown = self.clean * mask + self.blurred * (1 - mask)
        if self.dtype == torch.float32:
            answer: torch.Tensor = self.module(shown)
            return answer
        with torch.autocast(shown.device.type, self.dtype):
            answer = self.module(shown)
        return answer.float()

    def probability(self, mask: torch.Tensor) -> torch.Tensor:
        """mask (N, 1, S, S), 1 = keep -> (N,) softmax probability f_c of x(m)."""
        return self.logits(mask).softmax(1).gather(1, self.classes[:, None])[:, 0]

    @torch.no_grad()
    def probabilities(self, *masks: torch.Tensor) -> list[torch.Tensor]:
        """The probability under each of these masks, without gradients."""
        return [self.probability(mask) for mask in masks]


def build_scene(
    own: Classifier, images: torch.Tensor, classes: torch.Tensor, dtype: torch.dtype = torch.float32
) -> Scene:
    """The scene of images (N, 3, S, S) in [0, 1] and classes (N,), in the memory format of the network."""
    clean, blurred = own.normalise(images), own.normalise(blur(images))
    if own.channels_last:
        clean, blurred = (x.contiguous(memory_format=torch.channels_last) for x in (clean, blurred))
    return Scene(own.module, classes, clean, blurred, dtype)
