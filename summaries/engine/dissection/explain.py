"""Explanations of a prediction by units: what each adds to a logit, or what the logit loses without it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from summaries.engine import Refusal
from summaries.engine.activations import listening
from summaries.engine.dissection.layers import MapLayer
from summaries.engine.networks import Classifier, frozen

PROBES = 4
EQUAL = 1e-4
"""Relative to the largest value: what two ways to compute the same numbers may differ by in float32."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PooledHead:
    """logits = weight . x + bias with x_n the mean of unit n's map: weight (classes, U), bias (classes,)."""

    name: str
    weight: torch.Tensor
    bias: torch.Tensor


@torch.no_grad()
def find_pooled_head(classifier: Classifier, layer: MapLayer, *, seed: int = 0) -> PooledHead | None:
    """The linear layer that gives the logits from the means of this layer's maps; None where there is none.

    Found by asking the network, not by its names: on random pictures the output of one of its linear layers
    must be the logits, and that layer's input the means over the maps. What lies between (dropout, a
    normalisation) shows in the numbers, and then there is no such head: use `ablation_drops` instead, which
    approximates.
    """
    heads = {name: part for name, part in classifier.module.named_modules() if isinstance(part, nn.Linear)}
    side = classifier.preprocessing.input_size
    images = torch.rand(PROBES, 3, side, side, generator=torch.Generator().manual_seed(seed))
    means: list[torch.Tensor] = []
    logits = torch.zeros(0)
    inputs: dict[str, torch.Tensor] = {}
    outputs: dict[str, torch.Tensor] = {}

    def hear(name: str, output: torch.Tensor) -> None:
        if name == layer.name:
            means[:] = [layer.maps(output).mean((2, 3))]
        if name in heads:
            outputs[name] = output.clone()

    names = [layer.name, *heads]
    with listening(classifier.module, names, hear), _inputs(heads, inputs), frozen(classifier.module):
        logits = classifier.module(classifier.normalise(images))
    for name, part in heads.items():
        if name in outputs and _equal(outputs[name], logits) and _equal(inputs[name], means[0]):
            weight = part.weight.detach().clone()
            bias = weight.new_zeros(len(weight)) if part.bias is None else part.bias.detach().clone()
            return PooledHead(name, weight, bias)
    return None


def contributions(head: PooledHead, maps: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """maps (n, U, h, w), classes (n,) -> (n, U): w_n x_n, each unit's part of that class's logit.

    With the class's bias they sum to the logit exactly. Source: section 5.
    """
    return head.weight[classes] * maps.mean((2, 3))


def contribution_maps(head: PooledHead, maps: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """(n, U, h, w): w_n A_n(x, y), whose sum over units is the class activation map, and mean w_n x_n."""
    return head.weight[classes][:, :, None, None] * maps


@contextmanager
def ablated(classifier: Classifier, layer: MapLayer, units: Sequence[int]) -> Iterator[None]:
    """Inside its `with`, these units of the layer give zero, in every token; no hook is left after.

    Refused: a unit that the layer has not.
    """
    if any(not 0 <= unit < layer.shape[0] for unit in units):
        raise Refusal(
            f"Layer '{layer.name}' has units 0 to {layer.shape[0] - 1}; {list(units)} are not all there."
        )
    chosen = torch.as_tensor(list(units), dtype=torch.int64, device=classifier.device)

    def hide(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        return output.index_fill(layer.channel_axis, chosen, 0.0)

    handle = classifier.module.get_submodule(layer.name).register_forward_hook(hide)
    try:
        yield
    finally:
        handle.remove()


@torch.no_grad()
def ablation_drops(
    classifier: Classifier,
    layer: MapLayer,
    images: torch.Tensor,
    classes: torch.Tensor,
    unit_sets: Sequence[Sequence[int]],
) -> torch.Tensor:
    """(n, sets): how much lower the class's logit is without each set of units, one forward pass a set.

    images (n, 3, S, S) in [0, 1], classes (n,). For a pooled linear head and one unit this is its
    contribution. For any other network it is an approximation: what comes after is not linear, so drops of
    single units do not add up.
    """
    whole = _logits(classifier, images, classes)
    drops = torch.zeros(len(images), len(unit_sets))
    for number, units in enumerate(unit_sets):
        with ablated(classifier, layer, units):
            drops[:, number] = (whole - _logits(classifier, images, classes)).cpu()
    return drops


@dataclass(frozen=True)
class Effect:
    """What a set of units is to each class, (classes,) each; NaN where no image of the class was given."""

    images: NDArray[np.int64]
    logit_drop: Floats
    accuracy: Floats
    accuracy_without: Floats


@torch.no_grad()
def effect_by_class(
    classifier: Classifier,
    layer: MapLayer,
    batches: Sequence[tuple[torch.Tensor, torch.Tensor]],
    units: Sequence[int],
) -> Effect:
    """Mean drop of the true class's logit and the share recognised, with and without the units.

    batches: images (n, 3, S, S) in [0, 1] and their true classes (n,).
    """
    rows = []
    for images, classes in batches:
        whole = classifier.logits(images)
        with ablated(classifier, layer, units):
            less = classifier.logits(images)
        true = classes.to(whole.device)
        drop = (whole - less).gather(1, true[:, None])[:, 0]
        right = [(logits.argmax(1) == true).to(drop) for logits in (whole, less)]
        rows.append(torch.stack([true.to(drop), drop, *right]).cpu().double())
        count = whole.shape[1]
    if not rows:
        raise Refusal("There are no images to see an effect on.")
    true, *values = torch.cat(rows, 1).numpy()
    numbers = np.bincount(true.astype(np.int64), minlength=count)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(true.astype(np.int64), each, minlength=count) / numbers for each in values]
    return Effect(numbers, *means)


def _logits(classifier: Classifier, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    logits = classifier.logits(images)
    return logits.gather(1, classes.to(logits.device)[:, None])[:, 0]


@contextmanager
def _inputs(parts: dict[str, nn.Linear], kept: dict[str, torch.Tensor]) -> Iterator[None]:
    """Keeps what goes into each part, until the `with` is left."""

    def keep(name: str, given: Any) -> None:
        kept[name] = given[0].clone()

    handles = [
        part.register_forward_pre_hook(lambda _, given, name=name: keep(name, given))
        for name, part in parts.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    scale = other.abs().amax().clamp_min(1e-6)
    return one.shape == other.shape and bool((one - other).abs().amax() <= EQUAL * scale)
