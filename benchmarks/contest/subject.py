"""What a method may look at: a network and pictures of one class, and nothing of the truth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier, frozen

LAYERS = ("1/4", "1/8", "1/16", "last")
BATCH = 32


@dataclass(frozen=True)
class Look:
    """Activations and gradients of the class's logit at one layer, (N, C, h, w) float32 each."""

    activations: np.ndarray
    gradients: np.ndarray


@dataclass
class Subject:
    """pixels: uint8 (N, S, S, 3), pictures of class `index`.

    What was once asked is kept, so that trying other settings costs no further passes.
    """

    classifier: Classifier
    index: int
    pixels: np.ndarray
    kept: dict = field(default_factory=dict)

    @property
    def side(self) -> int:
        return self.pixels.shape[1]

    def look(self, layer: str) -> Look:
        if ("look", layer) not in self.kept:
            pairs = [self._look(layer, batch) for batch in batches(self.pixels)]
            self.kept["look", layer] = Look(*(np.concatenate(each) for each in zip(*pairs, strict=True)))
        return self.kept["look", layer]

    def _look(self, layer: str, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images = to_tensor(pixels).requires_grad_()
        seen: list[torch.Tensor] = []
        hook = self.layers[layer].register_forward_hook(lambda *call: seen.append(call[-1]))
        try:
            logits = self.classifier.logits(images)
        finally:
            hook.remove()
        (gradients,) = torch.autograd.grad(logits[:, self.index].sum(), seen[0])
        return seen[0].detach().numpy(), gradients.numpy()

    def pooled(self, layer: str, name: object, crops: Sequence[np.ndarray]) -> np.ndarray:
        """(M, C): the layer's activations of crops, uint8 (S, S, 3) each, averaged over their places.

        `name` says which crops they are: of the same name, all layers are asked at once.
        """
        if ("pooled", name) not in self.kept:
            self.kept["pooled", name] = self._pool(crops)
        return self.kept["pooled", name][layer]

    def _pool(self, crops: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        found: dict[str, list[np.ndarray]] = {layer: [] for layer in LAYERS}
        hooks = [
            module.register_forward_hook(
                lambda _, __, output, layer=layer: found[layer].append(output.mean((2, 3)).numpy())
            )
            for layer, module in self.layers.items()
        ]
        try:
            with torch.no_grad():
                for batch in batches(crops):
                    self.classifier.logits(to_tensor(np.stack(batch)))
        finally:
            for hook in hooks:
                hook.remove()
        return {layer: np.concatenate(each) for layer, each in found.items()}

    @property
    def layers(self) -> dict[str, nn.Module]:
        if "layers" not in self.kept:
            self.kept["layers"] = find_layers(self.classifier, self.side)
        return self.kept["layers"]


def find_layers(classifier: Classifier, side: int) -> dict[str, nn.Module]:
    """At a quarter, an eighth and a sixteenth of the input's side, and at the end: the last maps that are
    nowhere negative (a rectifier's), as factorisation into non-negative parts asks for."""
    order: list[tuple[int, nn.Module]] = []

    def note(module: nn.Module, _: object, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 4 and output.min() >= 0:
            order.append((output.shape[-1], module))

    hooks = [module.register_forward_hook(note) for module in classifier.module.modules()]
    try:
        with torch.no_grad(), frozen(classifier.module):
            classifier.module(torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0)))
    finally:
        for hook in hooks:
            hook.remove()
    maps = [(size, module) for size, module in order if size > 1]
    layers = {f"1/{part}": last(maps, side / part) for part in (4, 8, 16)}
    return layers | {"last": maps[-1][1]}


def last(maps: Sequence[tuple[int, nn.Module]], size: float) -> nn.Module:
    """The last of the maps whose width is nearest to that; padding moves widths by a pixel or two."""
    nearest = min((width for width, _ in maps), key=lambda width: abs(width - size))
    return [module for width, module in maps if width == nearest][-1]


def batches(items: Sequence) -> Iterator[Sequence]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
