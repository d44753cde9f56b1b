"""Two-stage crisp masks: which pixels must be blurred for a network to lose its class.

Convention inside: m = 1 keeps a pixel, m = 0 replaces it by the blurred image. Stored masks are
inverted and 8-bit: 255 = evidence. Source: visual summaries, sections 1.2 to 1.9.

On rounding: Adam's long steps and the kinks of ReLU and max-pooling make the optimisation chaotic, so
two roundings of one objective end in masks that explain equally well but overlap by only 0.7 to 0.9.
Hence `arithmetic`: "literal" keeps the authors' order of operations, one image a pass, and meets their
masks; "lean" folds, reorders and batches. Both give an image the same mask in any company.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from torch import nn
from torch.nn import functional

from summaries.engine import Refusal
from summaries.engine.images import blur
from summaries.engine.networks import Classifier

THRESHOLD = 128
LOSS_EVERY = 10
LOSS_COLUMNS = ("total", "class", "l1", "tv", "sparsity")
ARITHMETICS = ("literal", "lean")
# Larger batches spill out of the caches of a CPU and gain nothing there.
CPU_BATCH, ACCELERATOR_BATCH = 4, 8

Track = Callable[[Iterable[int]], Iterable[int]]
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


@dataclass(frozen=True)
class MaskParams:
    """The published constants (table 1.4, the code's last version); the module explains `arithmetic`."""

    smooth: Stage = field(default_factory=lambda: Stage(iterations=300, l1=0.5, tv=0.01, sparsity=0.0))
    crisp: Stage = field(default_factory=lambda: Stage(iterations=150, l1=0.01, tv=1.0, sparsity=2.0))
    schedule: str = "two_stage"
    arithmetic: str = "literal"
    side_ratio: int = 8
    blur_sigma: float = 5.0


# Stage-1 weights of the paper's first version (code of December 2017 to May 2018).
FIRST_VERSION = MaskParams(smooth=Stage(iterations=300, l1=0.01, tv=1e-4, sparsity=0.0))


@dataclass(frozen=True)
class Masks:
    """Masks of N images and what they do to the probability of the class they explain.

    smooth, crisp (N, S, S) uint8, 255 = evidence; p, p_blurred, p_smooth, p_crisp (soft masks),
    p_masked (crisp mask thresholded at > 128), area (share of pixels > 128), each (N,) float32;
    passes: forward and backward passes an image took; losses (N, K, 5) float32, every tenth step of
    the smooth, then of the crisp stage, columns LOSS_COLUMNS.
    """

    smooth: NDArray[np.uint8]
    crisp: NDArray[np.uint8]
    p: NDArray[np.float32]
    p_blurred: NDArray[np.float32]
    p_smooth: NDArray[np.float32]
    p_crisp: NDArray[np.float32]
    p_masked: NDArray[np.float32]
    area: NDArray[np.float32]
    passes: int
    losses: NDArray[np.float32]


class _StraightThrough(torch.autograd.Function):
    """soft + (sharp - sharp.detach()), without the rounding of that sum."""

    @staticmethod
    def forward(ctx: object, soft: torch.Tensor, sharp: torch.Tensor) -> torch.Tensor:
        return soft.clone()

    @staticmethod
    def backward(ctx: object, *gradients: torch.Tensor) -> tuple[None, torch.Tensor]:
        return None, gradients[0]


@dataclass(frozen=True)
class _Scene:
    """A batch of images, clean and blurred, normalised (N, 3, S, S); their classes; the network to ask."""

    module: nn.Module
    classes: torch.Tensor
    clean: torch.Tensor
    blurred: torch.Tensor

    def probability(self, mask: torch.Tensor) -> torch.Tensor:
        """mask (N, 1, S, S), 1 = keep -> (N,) softmax probability f_c of x(m) = m x0 + (1 - m) xb."""
        mask = mask.expand_as(self.clean)
        logits = self.module(self.clean * mask + self.blurred * (1 - mask))
        return logits.softmax(1).gather(1, self.classes[:, None])[:, 0]


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

    images (N, 3, S, S) in [0, 1], S the network's input side; classes (N,) indices. Minimises

        L(m) = f_c(x(Um)) + l1 mean|1-m| + tv (mean|dy m|^b + mean|dx m|^b) + sparsity mean|(1-m)m|

    by Adam, m clamped to [0, 1] after each step; first on a grid of S // 8 from a disc of zeros, U =
    bilinear up-sampling (corners aligned) with a straight-through Gaussian blur; then at full size from
    the smooth mask as it is stored, which is rescaled by (m - min) / max and rounded down to 8 bits.
    Each image's losses are its own and Adam works element by element, so images share a pass: in lean
    arithmetic `batch_size` at a time (default 4 on a CPU, 32 elsewhere), the last batch filled up, for
    kernels round by the shape of their batch; in literal arithmetic always one. `track` wraps the steps
    of all batches. Works on a private copy of the network. Raises Refusal for images, classes and
    parameters that do not fit. Source: sections 1.2 to 1.5; the rounding is what the authors' code does.
    """
    params = params or MaskParams()
    images, classes = images.to(classifier.device), classes.to(classifier.device)
    _check_input(images, classes, params)
    own = classifier.lean() if params.arithmetic == "lean" else classifier.copy()
    _check_classes(own, images, classes)
    size = _choose_batch(params, batch_size, classifier.device)
    batches = [_fill(*batch, size) for batch in zip(images.split(size), classes.split(size), strict=True)]
    passes = params.smooth.iterations + params.crisp.iterations
    ticks = iter(track(range(len(batches) * passes)))
    found = [_find_batch(_build_scene(own, *batch), params, ticks) for batch in batches]
    next(ticks, None)
    columns = (np.concatenate(column)[: len(images)] for column in zip(*found, strict=True))
    smooth, crisp, p, p_blurred, p_smooth, p_crisp, p_masked, losses = columns
    area = (crisp > THRESHOLD).mean((1, 2), dtype=np.float32)
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


def _choose_batch(params: MaskParams, wanted: int | None, device: torch.device) -> int:
    if params.arithmetic == "literal":
        return 1
    return wanted or (CPU_BATCH if device.type == "cpu" else ACCELERATOR_BATCH)


def _fill(images: torch.Tensor, classes: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    index = torch.arange(size, device=images.device).clamp_max(len(images) - 1)
    return images[index], classes[index]


def _build_scene(own: Classifier, images: torch.Tensor, classes: torch.Tensor) -> _Scene:
    clean, blurred = own.normalise(images), own.normalise(blur(images))
    if own.channels_last:
        clean, blurred = (x.contiguous(memory_format=torch.channels_last) for x in (clean, blurred))
    return _Scene(own.module, classes, clean, blurred)


def _find_batch(scene: _Scene, params: MaskParams, ticks: Iterator[int]) -> tuple[NDArray[np.generic], ...]:
    count, _, side, _ = scene.blurred.shape
    grid = disc(side // params.side_ratio).to(scene.blurred).repeat(count, 1, 1, 1)
    build = _render_literally if params.arithmetic == "literal" else _render_lean
    render = build(side, params.blur_sigma, grid)
    grid, smooth_losses = _optimise(scene, grid, render, params.smooth, ticks)
    with torch.no_grad():
        smooth = render(grid)
    smooth_stored = store(smooth)
    start = 1.0 - smooth_stored.to(smooth) / 255.0
    crisp, crisp_losses = _optimise(scene, start, lambda mask: mask, params.crisp, ticks)
    crisp_stored = store(crisp)
    hard = (crisp_stored <= THRESHOLD).to(crisp)
    with torch.no_grad():
        ps = [
            scene.probability(m)
            for m in (torch.ones_like(crisp), torch.zeros_like(crisp), smooth, crisp, hard)
        ]
    losses = torch.cat([smooth_losses, crisp_losses], 1)
    return tuple(tensor.cpu().numpy() for tensor in (smooth_stored[:, 0], crisp_stored[:, 0], *ps, losses))


def _optimise(
    scene: _Scene,
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
        terms = [scene.probability(render(mask)), *_regularise(mask, stage)]
        total = sum(terms, torch.zeros(()).to(mask))
        (mask.grad,) = torch.autograd.grad(total.sum(), mask)
        adam.step()
        with torch.no_grad():
            mask.clamp_(0.0, 1.0)
        if step % LOSS_EVERY == 0:
            losses.append(torch.stack([total, *terms], 1).detach())
    return mask.detach(), torch.stack(losses, 1)


def _regularise(mask: torch.Tensor, stage: Stage) -> list[torch.Tensor]:
    """The weighted means (N,) over each mask: few hidden pixels, smooth, crisp (section 1.3)."""
    plane = mask[:, 0]
    rows = (plane[:, :-1] - plane[:, 1:]).abs().pow(stage.beta).mean((1, 2))
    columns = (plane[:, :, :-1] - plane[:, :, 1:]).abs().pow(stage.beta).mean((1, 2))
    terms = [stage.l1 * (1 - mask).abs().mean((1, 2, 3)), stage.tv * (rows + columns)]
    undecided = ((1 - mask) * mask).abs().mean((1, 2, 3)) if stage.sparsity else torch.zeros_like(rows)
    return [*terms, stage.sparsity * undecided]


def _render_literally(side: int, sigma: float, like: torch.Tensor) -> Render:
    """Bilinear up-sampling and scipy's Gaussian: sums in double, rounded to float32 after each axis."""
    wide = torch.float32 if like.device.type == "mps" else torch.float64
    kernel = _blur_matrix(side, sigma).to(like.device, wide)

    def render(mask: torch.Tensor) -> torch.Tensor:
        sharp = functional.interpolate(mask, size=(side, side), mode="bilinear", align_corners=True)
        rows = (kernel @ sharp.detach().to(wide)).to(sharp.dtype)
        return straight_through((rows.to(wide) @ kernel.T).to(sharp.dtype), sharp)

    return render


def _render_lean(side: int, sigma: float, like: torch.Tensor) -> Render:
    """The same as two matrices for each side of the mask, U m U' and (GU) m (GU)': small products."""
    grid = torch.eye(like.shape[-1], dtype=torch.float64)
    up = functional.interpolate(grid[None], size=side, mode="linear", align_corners=True)[0].T
    soft = (_blur_matrix(side, sigma) @ up).to(like)
    up = up.to(like)
    return lambda mask: straight_through(soft @ mask.detach() @ soft.T, up @ mask @ up.T)


def _blur_matrix(side: int, sigma: float) -> torch.Tensor:
    """G (side, side) float64: scipy's Gaussian along one axis, border repeated, cut at four sigma."""
    return torch.from_numpy(gaussian_filter1d(np.eye(side), sigma, axis=0))


def _check_input(images: torch.Tensor, classes: torch.Tensor, params: MaskParams) -> None:
    if params.schedule != "two_stage":
        raise Refusal(f"Mask schedule '{params.schedule}' is not known; known is two_stage.")
    if params.arithmetic not in ARITHMETICS:
        raise Refusal(
            f"Mask arithmetic '{params.arithmetic}' is not known; known are {', '.join(ARITHMETICS)}."
        )
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
