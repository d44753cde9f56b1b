"""The published schedule: a smooth mask on a coarse grid, then a crisp one at full size, both by Adam.

On rounding: Adam's long steps and the kinks of ReLU and max-pooling make the optimisation chaotic, so
two roundings of one objective end in masks that explain equally well but overlap by only 0.7 to 0.9.
Hence `arithmetic`: "literal" keeps the authors' order of operations, one image a pass, and meets their
masks; "lean" folds, reorders and batches. Both give an image the same mask in any company.
Source: visual summaries, sections 1.3 to 1.5.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch.nn import functional

from summaries.engine.visual.scenes import Scene

THRESHOLD = 128
LOSS_EVERY = 10

Render = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Stage:
    """One optimisation: Adam steps and the weights of the objective's terms, each of which is a mean."""

    iterations: int
    l1: float
    tv: float
    sparsity: float
    beta: float = 3.0
    learning_rate: float = 0.1


class _StraightThrough(torch.autograd.Function):
    """soft + (sharp - sharp.detach()), without the rounding of that sum."""

    @staticmethod
    def forward(ctx: object, soft: torch.Tensor, sharp: torch.Tensor) -> torch.Tensor:
        return soft.clone()

    @staticmethod
    def backward(ctx: object, *gradients: torch.Tensor) -> tuple[None, torch.Tensor]:
        return None, gradients[0]


def find_in_two_stages(
    scene: Scene, smooth: Stage, crisp: Stage, render: Render, grid: torch.Tensor, ticks: Iterator[int]
) -> tuple[torch.Tensor, ...]:
    """The smooth mask from `grid` (N, 1, s, s), then the crisp mask from the smooth one as it is stored.

    Gives smooth and crisp (N, 1, S, S) uint8, 255 = evidence; the probabilities (N,) of the clean, the
    blurred, the smoothly, the crisply and the hard-masked image; the losses (N, K, 5).
    """
    grid, smooth_losses = _optimise(scene, grid, render, smooth, ticks)
    with torch.no_grad():
        soft = render(grid)
    stored = store(soft)
    start = 1.0 - stored.to(soft) / 255.0
    sharp, crisp_losses = _optimise(scene, start, lambda mask: mask, crisp, ticks)
    sharp_stored = store(sharp)
    hard = (sharp_stored <= THRESHOLD).to(sharp)
    ps = scene.probabilities(torch.ones_like(sharp), torch.zeros_like(sharp), soft, sharp, hard)
    return stored, sharp_stored, *ps, torch.cat([smooth_losses, crisp_losses], 1)


def straight_through(soft: torch.Tensor, sharp: torch.Tensor) -> torch.Tensor:
    """`soft` on the way forward, the gradient of `sharp` on the way back (section 1.5, number 1)."""
    return cast(torch.Tensor, _StraightThrough.apply(soft, sharp))


def disc(side: int) -> torch.Tensor:
    """(side, side) float32: 0 within side // 2 of pixel (side // 2, side // 2), 1 outside (section 1.4)."""
    offsets = torch.arange(side) - side // 2
    return (offsets[:, None] ** 2 + offsets**2 > (side // 2) ** 2).float()


def store(mask: torch.Tensor) -> torch.Tensor:
    """(N, 1, S, S), 1 = keep -> the same shape in uint8, 255 = evidence: 255 (1 - (m - min) / max), cut.

    The divisor is the maximum, not the range, so a mask that never reaches 0 leaves a grey background
    (section 1.5, number 3).
    """
    low, high = mask.amin((2, 3), keepdim=True), mask.amax((2, 3), keepdim=True)
    return ((1.0 - (mask - low) / high.clamp_min(1e-12)) * 255.0).to(torch.uint8)


def regularise(mask: torch.Tensor, stage: Stage) -> list[torch.Tensor]:
    """The weighted means (N,) over each mask: few hidden pixels, smooth, crisp (section 1.3)."""
    plane = mask[:, 0]
    rows = (plane[:, :-1] - plane[:, 1:]).abs().pow(stage.beta).mean((1, 2))
    columns = (plane[:, :, :-1] - plane[:, :, 1:]).abs().pow(stage.beta).mean((1, 2))
    terms = [stage.l1 * (1 - mask).abs().mean((1, 2, 3)), stage.tv * (rows + columns)]
    undecided = ((1 - mask) * mask).abs().mean((1, 2, 3)) if stage.sparsity else torch.zeros_like(rows)
    return [*terms, stage.sparsity * undecided]


def render_literally(side: int, sigma: float, like: torch.Tensor) -> Render:
    """Bilinear up-sampling and scipy's Gaussian: sums in double, rounded to float32 after each axis."""
    wide = torch.float32 if like.device.type == "mps" else torch.float64
    kernel = blur_matrix(side, sigma).to(like.device, wide)

    def render(mask: torch.Tensor) -> torch.Tensor:
        sharp = functional.interpolate(mask, size=(side, side), mode="bilinear", align_corners=True)
        rows = (kernel @ sharp.detach().to(wide)).to(sharp.dtype)
        return straight_through((rows.to(wide) @ kernel.T).to(sharp.dtype), sharp)

    return render


def render_lean(side: int, sigma: float, like: torch.Tensor) -> Render:
    """The same as two matrices for each side of the mask, U m U' and (GU) m (GU)': small products."""
    grid = torch.eye(like.shape[-1], dtype=torch.float64)
    up = functional.interpolate(grid[None], size=side, mode="linear", align_corners=True)[0].T
    soft = (blur_matrix(side, sigma) @ up).to(like)
    up = up.to(like)
    return lambda mask: straight_through(soft @ mask.detach() @ soft.T, up @ mask @ up.T)


def blur_matrix(side: int, sigma: float) -> torch.Tensor:
    """G (side, side) float64: scipy's Gaussian along one axis, border repeated, cut at four sigma."""
    return torch.from_numpy(gaussian_filter1d(np.eye(side), sigma, axis=0))


def _optimise(
    scene: Scene,
    mask: torch.Tensor,
    render: Render,
    stage: Stage,
    ticks: Iterator[int],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run one stage from `mask` (N, 1, s, s); the last mask and the losses (N, K, 5) are returned."""
    mask = mask.clone().requires_grad_()
    adam = torch.optim.Adam([mask], lr=stage.learning_rate)
    losses = []
    for step, _ in zip(range(stage.iterations), ticks, strict=False):
        terms = [scene.probability(render(mask)), *regularise(mask, stage)]
        total = sum(terms, torch.zeros(()).to(mask))
        (mask.grad,) = torch.autograd.grad(total.sum(), mask)
        adam.step()
        with torch.no_grad():
            mask.clamp_(0.0, 1.0)
        if step % LOSS_EVERY == 0:
            losses.append(torch.stack([total, *terms], 1).detach())
    return mask.detach(), torch.stack(losses, 1)
