"""Crisp masks: which pixels must be blurred for a network to lose its class.

Stored masks are 8-bit, 255 = evidence. Two schedules find them: "two_stage", as published (`two_stage`),
and "annealed", ours at a tenth of the passes (`annealing`). Source: visual summaries, sections 1.2 to 1.9.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from summaries.engine import Refusal
from summaries.engine.images import blur
from summaries.engine.networks import Classifier
from summaries.engine.visual.annealing import Annealing, build_ladder, find_by_annealing
from summaries.engine.visual.scenes import Scene, build_scene
from summaries.engine.visual.two_stage import (
    THRESHOLD,
    Stage,
    disc,
    find_in_two_stages,
    render_lean,
    render_literally,
)

__all__ = [
    "ARITHMETICS",
    "FIRST_VERSION",
    "LOSS_COLUMNS",
    "SCHEDULES",
    "THRESHOLD",
    "Annealing",
    "MaskParams",
    "Masks",
    "Stage",
    "drop_when_hidden",
    "find_masks",
]

LOSS_COLUMNS = ("total", "class", "l1", "tv", "sparsity")
SCHEDULES = ("two_stage", "annealed")
ARITHMETICS = ("literal", "lean")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# Larger batches spill out of the caches of a CPU and gain nothing there.
CPU_BATCH, ACCELERATOR_BATCH = 4, 8

Track = Callable[[Iterable[int]], Iterable[int]]
Find = Callable[[Scene, Iterator[int]], tuple[torch.Tensor, ...]]


@dataclass(frozen=True)
class MaskParams:
    """The published constants (table 1.4, the code's last version), and ours beside them.

    schedule: "two_stage" reads smooth, crisp, arithmetic (see `two_stage`), side_ratio and blur_sigma;
    "annealed" reads annealing, is always lean, and lets the network compute the second half of the
    steps in dtype, "float32" or "bfloat16".
    """

    smooth: Stage = field(default_factory=lambda: Stage(iterations=300, l1=0.5, tv=0.01, sparsity=0.0))
    crisp: Stage = field(default_factory=lambda: Stage(iterations=150, l1=0.01, tv=1.0, sparsity=2.0))
    schedule: str = "two_stage"
    arithmetic: str = "literal"
    side_ratio: int = 8
    blur_sigma: float = 5.0
    annealing: Annealing = field(default_factory=Annealing)
    dtype: str = "float32"

    @property
    def literal(self) -> bool:
        return self.schedule == "two_stage" and self.arithmetic == "literal"

    @property
    def passes(self) -> int:
        """Forward and backward passes an image takes; five forward ones (annealed: eleven) come besides."""
        if self.schedule == "annealed":
            return self.annealing.probes + self.annealing.steps
        return self.smooth.iterations + self.crisp.iterations


# Stage-1 weights of the paper's first version (code of December 2017 to May 2018).
FIRST_VERSION = MaskParams(smooth=Stage(iterations=300, l1=0.01, tv=1e-4, sparsity=0.0))


@dataclass(frozen=True)
class Masks:
    """Masks of N images and what they do to the probability of the class they explain.

    smooth, crisp (N, S, S) uint8, 255 = evidence; p, p_blurred, p_smooth, p_crisp (soft masks),
    p_masked (crisp mask thresholded at > 128), area (share of pixels > 128), each (N,) float32;
    passes (N,) int32: forward and backward passes each image took; losses (N, K, 5) float32, every tenth
    step (of the smooth, then of the crisp stage), columns LOSS_COLUMNS.
    """

    smooth: NDArray[np.uint8]
    crisp: NDArray[np.uint8]
    p: NDArray[np.float32]
    p_blurred: NDArray[np.float32]
    p_smooth: NDArray[np.float32]
    p_crisp: NDArray[np.float32]
    p_masked: NDArray[np.float32]
    area: NDArray[np.float32]
    passes: NDArray[np.int32]
    losses: NDArray[np.float32]


def find_masks(
    classifier: Classifier,
    images: torch.Tensor,
    classes: torch.Tensor,
    *,
    params: MaskParams | None = None,
    track: Track = lambda steps: steps,
    batch_size: int | None = None,
) -> Masks:
    """Find the smooth, then the crisp mask of each image for its class.

    images (N, 3, S, S) in [0, 1], S the network's input side; classes (N,) indices. The published schedule
    minimises

        L(m) = f_c(x(Um)) + l1 mean|1-m| + tv (mean|dy m|^b + mean|dx m|^b) + sparsity mean|(1-m)m|

    by Adam, m clamped to [0, 1] after each step; first on a grid of S // 8 from a disc of zeros, U =
    bilinear up-sampling (corners aligned) with a straight-through Gaussian blur; then at full size from
    the smooth mask as it is stored, which is rescaled by (m - min) / max and rounded down to 8 bits.
    The annealed one: see `annealing.find_by_annealing`.

    Each image's losses are its own and the steps work element by element, so images share a pass:
    `batch_size` at a time (default 4 on a CPU, 8 elsewhere), the last batch filled up, for kernels round by
    the shape of their batch; in literal arithmetic always one. `track` wraps the steps of all batches.
    Works on a private copy of the network. Raises Refusal for images, classes and parameters that do not
    fit. Source: sections 1.2 to 1.5; the rounding is what the authors' code does.
    """
    params = params or MaskParams()
    images, classes = images.to(classifier.device), classes.to(classifier.device)
    _check_params(params)
    _check_input(images, classes, params)
    own = classifier.copy() if params.literal else classifier.lean()
    _check_classes(own, images, classes)
    find = _choose_schedule(params, images.shape[-1], classifier.device)
    size = _choose_batch(params, batch_size, classifier.device)
    batches = [_fill(*batch, size) for batch in zip(images.split(size), classes.split(size), strict=True)]
    ticks = iter(track(range(len(batches) * params.passes)))
    dtype = DTYPES[params.dtype]
    found = [_to_host(find(build_scene(own, *batch, dtype), ticks)) for batch in batches]
    next(ticks, None)
    columns = (np.concatenate(column)[: len(images)] for column in zip(*found, strict=True))
    smooth, crisp, p, p_blurred, p_smooth, p_crisp, p_masked, losses = columns
    smooth, crisp = smooth[:, 0], crisp[:, 0]
    area = (crisp > THRESHOLD).mean((1, 2), dtype=np.float32)
    passes = np.full(len(images), params.passes, np.int32)
    return Masks(smooth, crisp, p, p_blurred, p_smooth, p_crisp, p_masked, area, passes, losses)


@torch.no_grad()
def drop_when_hidden(
    classifier: Classifier, images: torch.Tensor, hidden: torch.Tensor, classes: torch.Tensor
) -> torch.Tensor:
    """The probability that is left when the given pixels are replaced by the blurred image.

    images (N, 3, S, S) in [0, 1], hidden (N, S, S) bool, classes (N,) -> (N,) probabilities.
    """
    images, hidden, classes = (tensor.to(classifier.device) for tensor in (images, hidden, classes))
    shown = torch.where(hidden[:, None], blur(images), images)
    return classifier.probabilities(shown).gather(1, classes[:, None])[:, 0]


def _choose_schedule(params: MaskParams, side: int, device: torch.device) -> Find:
    """The schedule as a function of a batch's scene; what all batches share is made once."""
    if params.schedule == "annealed":
        ladder = build_ladder(side, params.annealing, device)
        return lambda scene, ticks: find_by_annealing(scene, params.annealing, ladder, ticks)
    start = disc(side // params.side_ratio).to(device)
    render = (render_literally if params.literal else render_lean)(side, params.blur_sigma, start)

    def find(scene: Scene, ticks: Iterator[int]) -> tuple[torch.Tensor, ...]:
        grid = start.repeat(len(scene.clean), 1, 1, 1)
        return find_in_two_stages(scene, params.smooth, params.crisp, render, grid, ticks)

    return find


def _choose_batch(params: MaskParams, wanted: int | None, device: torch.device) -> int:
    if params.literal:
        return 1
    return wanted or (CPU_BATCH if device.type == "cpu" else ACCELERATOR_BATCH)


def _fill(images: torch.Tensor, classes: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    index = torch.arange(size, device=images.device).clamp_max(len(images) - 1)
    return images[index], classes[index]


def _to_host(tensors: tuple[torch.Tensor, ...]) -> tuple[NDArray[np.generic], ...]:
    return tuple(tensor.cpu().numpy() for tensor in tensors)


def _check_params(params: MaskParams) -> None:
    for name, known in (("schedule", SCHEDULES), ("arithmetic", ARITHMETICS), ("dtype", tuple(DTYPES))):
        if (value := getattr(params, name)) not in known:
            raise Refusal(f"Mask {name} '{value}' is not known; known are {', '.join(known)}.")
    if params.schedule == "two_stage" and params.dtype != "float32":
        raise Refusal("The published mask schedule computes in float32 alone; the annealed one takes others.")
    if params.schedule == "annealed" and min(params.annealing.probes, params.annealing.steps) < 1:
        raise Refusal("The annealed mask schedule needs a probe and a step at least.")


def _check_input(images: torch.Tensor, classes: torch.Tensor, params: MaskParams) -> None:
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3] or not len(images):
        raise Refusal(f"Masks need square RGB images (N, 3, S, S); these are {tuple(images.shape)}.")
    if images.shape[2] < 2 * params.side_ratio:
        raise Refusal(
            f"Masks need images of at least {2 * params.side_ratio} px; these have {images.shape[2]}."
        )
    if classes.shape != images.shape[:1]:
        raise Refusal(
            f"Each image needs its one class; there are {len(images)} images and {classes.numel()} classes."
        )
    if not torch.isfinite(images).all() or images.amin() < 0 or images.amax() > 1:
        raise Refusal("The images hold values outside 0 to 1.")


@torch.no_grad()
def _check_classes(own: Classifier, images: torch.Tensor, classes: torch.Tensor) -> None:
    last = own.logits(images[:1]).shape[1] - 1
    if classes.amin() < 0 or classes.amax() > last:
        raise Refusal(
            f"The network knows classes 0 to {last}, not all of these: {sorted(set(classes.tolist()))}."
        )
