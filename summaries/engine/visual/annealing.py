"""The annealed schedule: one run from a blurred map of the evidence to a sharp mask, in 44 passes.

Three things make the published 450 passes needless. It rewards the drop of the *logit*, which goes on
falling where the probability has long come to its floor, so no evidence stays behind what was hidden
first. It starts where the evidence lies, from the gradient along the way to the blurred image. And it
steps along the gradient itself, smoothed over a distance that shrinks from step to step: Adam, which makes
each pixel's step as long as any other's, follows the rounding; this follows the image.

The number of steps is fixed, and nothing in them looks at a value, so a device is never waited for.

Where a scene names a shorter dtype, the network computes in it for the second half of the steps alone. What
a mask covers is settled in the first; a gradient rounded there leads elsewhere, one rounded later only moves
edges (overlap with the float32 masks of planted parts 0.85 and 0.98).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from summaries.engine.visual.scenes import Scene
from summaries.engine.visual.two_stage import LOSS_EVERY, THRESHOLD, blur_matrix

LEVEL_HALVINGS = 3


@dataclass(frozen=True)
class Annealing:
    """The constants, chosen on two real networks and the shipped one.

    probes: passes for the starting map; without it a mask misses a fifth of the drop on mobilenet_v2.
    steps: 32 are nearly as good, 60 spare a twelfth of the area.
    cell: side of a mask's cell in pixels; of 4 px it costs a hundredth of the drop and a tenth more area.
    area: what hiding the whole image costs, in clean class logits above the mean. The larger, the less is
        hidden: on planted parts 2 hides a fifth of the image, 4 a seventh.
    coarse, fine: the gradient's Gaussian at the first and at the last step, as shares of the side. A coarser
        end gives rounder masks that need more area for the same drop; a finer one, checkers and crumbs.
    rate, last_rate, momentum: of the steps, in mask per unit of the gradient's density.
    enough, lowest_level: an image whose mask cut at 1/2 takes less than this share of its probability is cut
        lower, though not below this. One photograph in ten needs it, and it saves their drop.
    """

    probes: int = 4
    steps: int = 40
    cell: int = 2
    area: float = 4.2
    coarse: float = 1 / 28
    fine: float = 1 / 224
    rate: float = 0.06
    last_rate: float = 0.01
    momentum: float = 0.8
    enough: float = 0.99
    lowest_level: float = 0.1


@dataclass(frozen=True)
class Ladder:
    """What does not depend on the images: U (S, s) up-sampling; each step's Gaussian (s, s) and rate."""

    up: torch.Tensor
    first_blur: torch.Tensor
    blurs: tuple[torch.Tensor, ...]
    rates: tuple[float, ...]


def build_ladder(side: int, options: Annealing, device: torch.device) -> Ladder:
    """For images of this side: widths and rates fall geometrically from the first to the last step."""
    cells = max(2, side // options.cell)
    eye = torch.eye(cells, dtype=torch.float64)
    up = functional.interpolate(eye[None], size=side, mode="linear", align_corners=False)[0].T
    coarse, fine = options.coarse * cells, options.fine * cells
    places = [step / max(1, options.steps - 1) for step in range(options.steps)]
    blurs = [blur_matrix(cells, coarse * (fine / coarse) ** place) for place in places]
    first, *rest = (matrix.float().to(device) for matrix in (blur_matrix(cells, 2 * coarse), *blurs))
    rates = [options.rate * (options.last_rate / options.rate) ** place for place in places]
    return Ladder(up.float().to(device), first, tuple(rest), tuple(rates))


def find_by_annealing(
    scene: Scene, options: Annealing, ladder: Ladder, ticks: Iterator[int]
) -> tuple[torch.Tensor, ...]:
    """The evidence h (N, 1, s, s), 1 = hidden, that minimises, for each image by itself,

        J(h) = s(x(1 - U h U')) / s(x0) + area mean h,    s = z_c - mean_k z_k,

    z the logits, s(x0) at least 1: a class that stands less than e-fold above the mean has little to hide.
    Momentum on the density of the gradient, smoothed by the step's Gaussian G: v = mu v + (1 - mu) G dJ G',
    h clamped to [0, 1] after h - rate v. Gives what `find_in_two_stages` gives: the smooth mask is the one
    half way; the crisp one is scaled so that the level at which it hides enough is stored as 128; the
    losses' columns are J, its two terms and two zeros.
    """
    exact, half = replace(scene, dtype=torch.float32), options.steps // 2
    with torch.no_grad():
        scale = _stand_out(exact, torch.ones_like(scene.clean[:, :1])).clamp_min(1.0)
    hidden = _start(exact, options, ladder, scale, ticks)
    smooth, velocity, losses = hidden, torch.zeros_like(hidden), []
    for step, _ in zip(range(options.steps), ticks, strict=False):
        if step == half:
            smooth = hidden
        score, density = _density(exact if step < half else scene, hidden, ladder, scale)
        if step % LOSS_EVERY == 0:
            losses.append(_tabulate(score, options.area * hidden.mean((1, 2, 3))))
        pull = ladder.blurs[step] @ density @ ladder.blurs[step].T + options.area
        velocity = options.momentum * velocity + (1 - options.momentum) * pull
        hidden = (hidden - ladder.rates[step] * velocity).clamp(0.0, 1.0)
    smooth, crisp = (ladder.up @ each @ ladder.up.T for each in (smooth, hidden))
    crisp = _scale_to_level(exact, crisp, options)
    whole = torch.ones_like(crisp)
    ps = exact.probabilities(whole, 1 - whole, 1 - smooth, 1 - crisp, 1 - _cut(crisp))
    return _store(smooth), _store(crisp), *ps, torch.stack(losses, 1)


def _scale_to_level(scene: Scene, mask: torch.Tensor, options: Annealing) -> torch.Tensor:
    """Each mask divided by twice the highest level, 1/2 at most, at which cutting it takes enough; at most 1.

    Halving finds the level to a twentieth in four forward passes, all on the device.
    """
    (whole,) = scene.probabilities(torch.ones_like(mask))

    def suffices(level: torch.Tensor) -> torch.Tensor:
        (left,) = scene.probabilities(1 - _cut(mask / (2 * level)))
        return (1 - left / whole)[:, None, None, None] >= options.enough

    low, high = (torch.full_like(mask[:, :, :1, :1], level) for level in (options.lowest_level, 0.5))
    low = torch.where(suffices(high), high, low)
    for _ in range(LEVEL_HALVINGS):
        middle = (low + high) / 2
        reached = suffices(middle)
        low, high = torch.where(reached, middle, low), torch.where(reached, high, middle)
    return (mask / (2 * low)).clamp_max(1.0)


def _store(mask: torch.Tensor) -> torch.Tensor:
    return (mask * 255.0).round().to(torch.uint8)


def _cut(mask: torch.Tensor) -> torch.Tensor:
    """1 where the stored mask lies above the threshold, else 0."""
    return (_store(mask.clamp_max(1.0)) > THRESHOLD).to(mask)


def _start(
    scene: Scene, options: Annealing, ladder: Ladder, scale: torch.Tensor, ticks: Iterator[int]
) -> torch.Tensor:
    """Evidence by the mean gradient on the way from clean to blurred: the stronger half starts above 1/2."""
    cells = ladder.first_blur.shape[0]
    total = scene.clean.new_zeros(len(scene.clean), 1, cells, cells)
    for probe, _ in zip(range(options.probes), ticks, strict=False):
        share = (probe + 0.5) / options.probes
        total = total - _density(scene, torch.full_like(total, share), ladder, scale)[1]
    evidence = ladder.first_blur @ total @ ladder.first_blur.T
    middle = evidence.flatten(1).median(1).values[:, None, None, None]
    spread = evidence.std((1, 2, 3), keepdim=True).clamp_min(1e-12)
    return (0.5 + (evidence - middle) / (4 * spread)).clamp(0.0, 1.0)


def _density(
    scene: Scene, hidden: torch.Tensor, ladder: Ladder, scale: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The score (N,) of what is left and its derivative by each cell, a cell counted as the whole area."""
    hidden = hidden.detach().requires_grad_()
    score = _stand_out(scene, 1 - ladder.up @ hidden @ ladder.up.T) / scale
    (gradient,) = torch.autograd.grad(score.sum(), hidden)
    return score.detach(), gradient * hidden[0].numel()


def _stand_out(scene: Scene, mask: torch.Tensor) -> torch.Tensor:
    """How far the class's logit stands above the mean of all (N,)."""
    logits = scene.logits(mask)
    return logits.gather(1, scene.classes[:, None])[:, 0] - logits.mean(1)


def _tabulate(score: torch.Tensor, area: torch.Tensor) -> torch.Tensor:
    nothing = torch.zeros_like(area)
    return torch.stack([score + area, score, area, nothing, nothing], 1)
