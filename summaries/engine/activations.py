"""Activations: what a network's layers say of each place of a picture, and how they vary over pictures.

A deep layer knows what a part is but not where it ends, an early layer the other way round; so one layer is
taken at each of three resolutions. Its channels are compared after whitening with their covariance over
pictures at large, as linear discriminants do: what is common everywhere tells no part from another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from summaries.engine import Refusal
from summaries.engine.networks import Classifier, frozen

STRIDES = (4, 8, 16)
"""How many input pixels a cell of the chosen layers is wide, about."""
COMPONENTS = 64
"""Principal components kept of each layer, by falling variance; later ones are damped away in any case."""
DAMPING = 1.0
"""Added to each variance before whitening, in units of the mean variance: small ones are mostly noise."""
BATCH = 8

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """A layer's mean (C,) and the projection (C, K) onto whitened principal components."""

    name: str
    mean: Floats
    projection: Floats


@dataclass(frozen=True)
class Statistics:
    """How the chosen layers vary over pictures at large, from fine to coarse."""

    layers: tuple[Layer, ...]

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        arrays: dict[str, NDArray[np.generic]] = {"names": np.array([layer.name for layer in self.layers])}
        for number, layer in enumerate(self.layers):
            arrays[f"mean_{number}"], arrays[f"projection_{number}"] = layer.mean, layer.projection
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Statistics":
        names = [str(name) for name in arrays["names"]]
        return cls(
            tuple(
                Layer(
                    name,
                    arrays[f"mean_{number}"].astype(np.float32),
                    arrays[f"projection_{number}"].astype(np.float32),
                )
                for number, name in enumerate(names)
            )
        )


def choose_layers(classifier: Classifier) -> list[str]:
    """The names of up to three layers, from fine to coarse, with cells about 4, 8 and 16 pixels wide.

    Of each resolution the last layer of the forward pass counts, which has seen most. A layer is a module
    that gives one map (N, C, h, w). Raises Refusal for networks without such maps (vision transformers).
    """
    side = classifier.preprocessing.input_size
    last: dict[int, str] = {}

    def note(name: str, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 4 and 4 <= output.shape[2] < side:
            last[output.shape[2]] = name

    names = [name for name, _ in classifier.module.named_modules() if name]
    with listening(classifier.module, names, note), torch.no_grad():
        classifier.logits(torch.zeros(1, 3, side, side))
    if not last:
        raise Refusal(
            "This network has no convolutional maps, which preset standard compares; take preset paper."
        )
    chosen = {min(last, key=lambda cells: abs(np.log(side / cells / stride))) for stride in STRIDES}
    return [last[cells] for cells in sorted(chosen, reverse=True)]


@torch.no_grad()
def activations(classifier: Classifier, images: torch.Tensor, names: Sequence[str]) -> list[torch.Tensor]:
    """images (N, 3, S, S) in [0, 1] -> for each name the layer's output (N, C, h, w).

    An image passes alone, so that its numbers do not depend on its company. The network is left as found.
    """
    kept: dict[str, list[torch.Tensor]] = {name: [] for name in names}
    # A copy: the module that comes next may work in place.
    hear = listening(classifier.module, names, lambda name, maps: kept[name].append(maps.clone()))
    with hear, frozen(classifier.module):
        for image in images.split(1):
            classifier.module(classifier.normalise(image))
    return [torch.cat(kept[name]) for name in names]


def estimate_statistics(classifier: Classifier, images: torch.Tensor) -> Statistics:
    """Means and whitening projections of the chosen layers over all places of images (N, 3, S, S) in [0, 1].

    Projection: V diag(s + DAMPING mean(s))^-1/2, of the first COMPONENTS eigenpairs (s, V) of the
    covariance.
    """
    names = choose_layers(classifier)
    sums: list[tuple[int, NDArray[np.float64], NDArray[np.float64]]] = []
    for batch in images.split(BATCH):
        for place, maps in enumerate(activations(classifier, batch, names)):
            rows = maps.movedim(1, -1).reshape(-1, maps.shape[1]).double().cpu().numpy()
            count, first, second = sums[place] if place < len(sums) else (0, 0.0, 0.0)
            merged = (count + len(rows), first + rows.sum(0), second + rows.T @ rows)
            sums[place : place + 1] = [merged]
    return Statistics(tuple(_whiten(name, *each) for name, each in zip(names, sums, strict=True)))


def project(layer: Layer, rows: Floats) -> Floats:
    """Activations (n, C) -> whitened (n, K), each of unit length; zero where a row is the mean itself."""
    white = (rows - layer.mean) @ layer.projection
    unit: Floats = white / np.maximum(np.linalg.norm(white, axis=-1, keepdims=True), 1e-6)
    return unit


@contextmanager
def listening(module: nn.Module, names: Sequence[str], hear: Callable[[str, Any], None]) -> Iterator[None]:
    """Tells `hear` each named part's name and output; no hook is left afterwards, also after an error."""
    parts = dict(module.named_modules())
    with ExitStack() as hooks:
        for name in names:
            handle = parts[name].register_forward_hook(lambda _, __, output, name=name: hear(name, output))
            hooks.callback(handle.remove)
        yield


def _whiten(name: str, count: int, first: NDArray[np.float64], second: NDArray[np.float64]) -> Layer:
    mean = first / count
    values, vectors = np.linalg.eigh(second / count - np.outer(mean, mean))
    values, vectors = values.clip(0)[::-1][:COMPONENTS], vectors[:, ::-1][:, :COMPONENTS]
    spread = np.sqrt(values + DAMPING * max(float(values.sum()) / len(mean), 1e-12))
    return Layer(name, mean.astype(np.float32), (vectors / spread).astype(np.float32))
