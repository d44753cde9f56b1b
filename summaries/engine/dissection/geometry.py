"""Geometry: where in the picture the cells of a map look, and maps brought to a picture's size there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

Pair = tuple[float, float]


@dataclass(frozen=True)
class Geometry:
    """Cell i of a map looks at the input's pixel offset + stride * i, the middle of its receptive field.

    All pairs are (down, right); pixels and cells are counted from 0, by their middles.
    """

    grid: tuple[int, int]
    """Cells of the map."""
    stride: Pair
    offset: Pair
    span: tuple[int, int]
    """Pixels of the input."""


def half_pixel(grid: tuple[int, int], span: tuple[int, int]) -> Geometry:
    """The map stretched evenly over the input: stride s = span / grid, offset (s - 1) / 2.

    It is right for networks that pad so as to halve sizes exactly; the usual resizing of pictures.
    """
    down, right = span[0] / grid[0], span[1] / grid[1]
    return Geometry(grid, (down, right), ((down - 1) / 2, (right - 1) / 2), span)


def upsample(maps: torch.Tensor, size: tuple[int, int], geometry: Geometry) -> torch.Tensor:
    """Bilinear S_k: maps (..., h, w) -> (..., H, W) of the label map's size, which may differ from the span.

    Pixel p of H looks at the input's (p + .5) span / H - .5, which lies between two cells; before the first
    and beyond the last the value is theirs (clamped, as in the published code). Being linear, it is two
    matrix products. Source: section 1.3 of the reconstruction.
    """
    down, right = (weights(geometry, size, axis).to(maps) for axis in (0, 1))
    return down @ (maps @ right.T)


@lru_cache(maxsize=64)
def weights(geometry: Geometry, size: tuple[int, int], axis: int) -> torch.Tensor:
    """(size, cells) float64 of one axis: how much of each cell is in each pixel; rows sum to 1.

    Kept for the next call, so nobody may change it.
    """
    pixels, cells = size[axis], geometry.grid[axis]
    seen = (torch.arange(pixels, dtype=torch.float64) + 0.5) * geometry.span[axis] / pixels - 0.5
    place = ((seen - geometry.offset[axis]) / geometry.stride[axis]).clamp(0, cells - 1)
    first = place.floor().long().clamp_max(max(cells - 2, 0))
    share = place - first
    matrix = torch.zeros(pixels, cells, dtype=torch.float64)
    matrix.scatter_(1, first[:, None], (1 - share)[:, None])
    return matrix.scatter_add_(1, (first + 1).clamp_max(cells - 1)[:, None], share[:, None])


class Tracing(TorchDispatchMode):
    """Inside its `with`, follows the middles of receptive fields from an input through all operations.

    Convolutions and poolings of kernel k, stride s, padding p, dilation d change them by

        offset' = offset + stride ((k - 1) d / 2 - p),    stride' = stride s,

    paddings and resizings likewise; whatever else is computed keeps those of its first tensor of the same
    size, else of its first. So they are right along any graph whose branches agree, as those of the known
    architectures do. Sources: the published code's field maps; section 1.3.
    """

    def __init__(self, images: torch.Tensor) -> None:
        super().__init__()
        span = (int(images.shape[2]), int(images.shape[3]))
        self._known: dict[int, tuple[torch.Tensor, Geometry]] = {}
        self._note(images, Geometry(span, (1.0, 1.0), (0.0, 0.0), span))

    def of(self, output: torch.Tensor) -> Geometry | None:
        known = self._known.get(id(output))
        return known[1] if known else None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        first = output[0] if isinstance(output, tuple | list) and output else output
        if isinstance(first, torch.Tensor) and (before := self._source(args, first)) is not None:
            step = STEPS.get(func.overloadpacket.__name__, _kept)
            after = step(before, tuple(first.shape), args)
            for each in output if isinstance(output, tuple | list) else [output]:
                if isinstance(each, torch.Tensor):
                    self._note(each, after)
        return output

    def _note(self, tensor: torch.Tensor, geometry: Geometry) -> None:
        # The tensor is kept too, so that its id is nobody else's.
        self._known[id(tensor)] = (tensor, geometry)

    def _source(self, args: Sequence[Any], output: torch.Tensor) -> Geometry | None:
        flat = [one for each in args for one in (each if isinstance(each, list | tuple) else [each])]
        known = [each for each in flat if isinstance(each, torch.Tensor) and id(each) in self._known]
        same = [each for each in known if each.shape[2:] == output.shape[2:]]
        return self._known[id((same or known)[0])][1] if known else None


Shape = tuple[int, ...]


def _kept(before: Geometry, shape: Shape, args: Sequence[Any]) -> Geometry:
    return before


def _windows(
    before: Geometry, shape: Shape, kernel: Sequence[int], stride: Sequence[int], padding: Any, dilation: Any
) -> Geometry:
    reach = [(k - 1) * d / 2 - p for k, d, p in zip(kernel, _two(dilation), _two(padding), strict=True)]
    steps = _two(stride or kernel)
    return Geometry(
        (shape[-2], shape[-1]),
        (before.stride[0] * steps[0], before.stride[1] * steps[1]),
        (before.offset[0] + before.stride[0] * reach[0], before.offset[1] + before.stride[1] * reach[1]),
        before.span,
    )


def _convolved(before: Geometry, shape: Shape, args: Sequence[Any]) -> Geometry:
    _, weight, _, stride, padding, dilation, transposed = args[:7]
    if weight.ndim != 4:
        return before
    if transposed:
        return _resized(before, shape, args)
    return _windows(before, shape, weight.shape[2:], stride, padding, dilation)


def _max_pooled(before: Geometry, shape: Shape, args: Sequence[Any]) -> Geometry:
    kernel, stride, padding, dilation = _filled(args[1:5], (None, [], 0, 1))
    return _windows(before, shape, _two(kernel), stride, padding, dilation)


def _mean_pooled(before: Geometry, shape: Shape, args: Sequence[Any]) -> Geometry:
    kernel, stride, padding = _filled(args[1:4], (None, [], 0))
    return _windows(before, shape, _two(kernel), stride, padding, 1)


def _padded(before: Geometry, shape: Shape, args: Sequence[Any]) -> Geometry:
    if len(shape) != 4 or len(args[1]) != 4:
        return before
    left, _, top, _ = args[1]
    offset = (before.offset[0] - before.stride[0] * top, before.offset[1] - before.stride[1] * left)
    return Geometry((shape[-2], shape[-1]), before.stride, offset, before.span)


def _resized(before: Geometry, shape: Shape, args: Sequence[Any]) -> Geometry:
    """Any number of cells to any other, evenly: what resizing and adaptive pooling do."""
    grid = (shape[-2], shape[-1])
    scale = (before.grid[0] / grid[0], before.grid[1] / grid[1])
    return Geometry(
        grid,
        (before.stride[0] * scale[0], before.stride[1] * scale[1]),
        (
            before.offset[0] + before.stride[0] * (scale[0] - 1) / 2,
            before.offset[1] + before.stride[1] * (scale[1] - 1) / 2,
        ),
        before.span,
    )


def _filled(given: Sequence[Any], defaults: Sequence[Any]) -> list[Any]:
    return [*given, *defaults[len(given) :]]


def _two(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    return (value[0], value[-1])


STEPS: dict[str, Callable[[Geometry, Shape, Sequence[Any]], Geometry]] = {
    "convolution": _convolved,
    "max_pool2d_with_indices": _max_pooled,
    "max_pool2d": _max_pooled,
    "avg_pool2d": _mean_pooled,
    "constant_pad_nd": _padded,
    "reflection_pad2d": _padded,
    "replication_pad2d": _padded,
    "_adaptive_avg_pool2d": _resized,
    "adaptive_max_pool2d": _resized,
    "upsample_nearest2d": _resized,
    "upsample_bilinear2d": _resized,
    "upsample_bicubic2d": _resized,
}
