"""Layers: the modules of a network whose units can be dissected, by name."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from summaries.engine import Refusal
from summaries.engine.activations import listening
from summaries.engine.dissection.geometry import Geometry, Tracing, half_pixel
from summaries.engine.networks import frozen

PREFIX_TOKENS = 8
"""At most so many tokens without a place stand before the others: the class, registers."""


@dataclass(frozen=True)
class MapLayer:
    """A module that gives a map, and how its output reads as one."""

    name: str
    shape: tuple[int, int, int]
    """Channels, rows, columns."""
    form: str
    """"map": (N, C, h, w); "tokens": (N, prefix + h w, C); "channels last": (N, h, w, C)."""
    geometry: Geometry

    def maps(self, output: torch.Tensor) -> torch.Tensor:
        """The module's output -> (N, C, h, w); the class token and its like are dropped."""
        if self.form == "map":
            return output
        if self.form == "channels last":
            return output.movedim(3, 1)
        channels, height, width = self.shape
        return output[:, -height * width :].mT.reshape(-1, channels, height, width)

    @property
    def channel_axis(self) -> int:
        return 1 if self.form == "map" else -1


def layers(network: nn.Module, input_size: int) -> tuple[MapLayer, ...]:
    """All modules that give a map of more than one cell, in the order of the forward pass.

    One picture of `input_size` pixels a side goes through; the network is left as found. A module that is
    called more than once counts with its last call. Where receptive fields could not be followed up to a
    map, it is taken to be stretched evenly over the input (half-pixel geometry).
    """
    device = next((weight.device for weight in network.parameters()), torch.device("cpu"))
    images = torch.zeros(1, 3, input_size, input_size, device=device)
    found: dict[str, MapLayer] = {}
    tracing = Tracing(images)

    def note(name: str, output: object) -> None:
        found.pop(name, None)
        if isinstance(output, torch.Tensor) and (layer := _read(name, output, tracing)):
            found[name] = layer

    names = [name for name, _ in network.named_modules() if name]
    with listening(network, names, note), frozen(network), torch.no_grad(), tracing:
        network(images)
    return tuple(found.values())


def pick(network: nn.Module, input_size: int, names: Sequence[str]) -> dict[str, MapLayer]:
    """The named layers. Refused: a name that is none, with near ones; a module that gives no map."""
    known = {layer.name: layer for layer in layers(network, input_size)}
    modules = dict(network.named_modules())
    for name in names:
        if name in known:
            continue
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else "."
        if name and name in modules:
            raise Refusal(
                f"Module '{name}' gives no map of several cells, so it has nothing to dissect{hint}"
            )
        raise Refusal(f"The network has no layer '{name}'{hint}")
    return {name: known[name] for name in names}


def _read(name: str, output: torch.Tensor, tracing: Tracing) -> MapLayer | None:
    geometry = tracing.of(output)
    if geometry is None or geometry.grid == (1, 1) and output.ndim != 4:
        return None
    grid, shape = geometry.grid, tuple(output.shape)
    if len(shape) == 4 and shape[2:] == grid and shape[2] * shape[3] > 1:
        return MapLayer(name, (shape[1], *grid), "map", _plausible(geometry))
    if len(shape) == 4 and shape[1] == shape[2] > 1 and grid[0] % shape[1] == 0:
        even = geometry if grid == shape[1:3] else half_pixel((shape[1], shape[2]), geometry.span)
        return MapLayer(name, (shape[3], shape[1], shape[2]), "channels last", _plausible(even))
    cells = grid[0] * grid[1]
    if len(shape) == 3 and cells > 1 and 0 <= shape[1] - cells <= PREFIX_TOKENS:
        return MapLayer(name, (shape[2], *grid), "tokens", _plausible(geometry))
    return None


def _plausible(geometry: Geometry) -> Geometry:
    """As followed, unless its cells plainly do not cover the input: then stretched evenly."""
    covered = [cells * stride / span for cells, stride, span in _axes(geometry)]
    return (
        geometry
        if all(0.5 <= share <= 1.5 for share in covered)
        else half_pixel(geometry.grid, geometry.span)
    )


def _axes(geometry: Geometry) -> list[tuple[int, float, int]]:
    return list(zip(geometry.grid, geometry.stride, geometry.span, strict=True))
