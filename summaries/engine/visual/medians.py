"""Medians by re-weighting, as local offset matching takes them of the offsets to many pictures at once.

Source: Ham, Cho, Schmid and Ponce, "Proposal flow" (2016), in the form of its published code.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Float64s = NDArray[np.float64]

START = 1.0
EPS = float(np.finfo(np.float64).eps)
ORDERED_STEPS = 10
NEGLIGIBLE = 1e-6

ON_START = 2.0**20
"""So large that a sum of `sides` tells both how many points are on the start and which side outnumbers."""


@torch.inference_mode()
def medians(points: Float64s, steps: int = 20) -> Float64s:
    """Median of each column of k points, (k, n) -> (n,), by re-weighting from 1, `steps` times:

        m <- sum_k(o_k / d_k) / sum_k(1 / d_k),    d_k = |o_k - m| + eps

    Twenty steps come close to the median without settling there, so their way is part of the method. Where
    the start lies on a point, that point has weight 1 / eps, and the last bits of the sums decide whether
    and when it is left. So their order, too, is part of the method: one point after another, as in the
    published code under Octave; adding pairwise moves some medians by several pixels.

    After ten steps the start is left or it hardly will be, and little hangs on the last bits any more. The
    further steps are m + sum_k(sign(o_k - m)) / sum_k(1 / |o_k - m|), the same in other words, in any order:
    within 1e-3 of the published ones, as a rule within 1e-8. Each column's answer is bit for bit the same
    whatever the others.
    """
    columns = torch.from_numpy(np.ascontiguousarray(points, np.float64))
    start = torch.full(columns.shape[1:], START, dtype=torch.float64)
    median = _step_in_order(columns, start, min(steps, ORDERED_STEPS))
    if steps > ORDERED_STEPS:
        median = _step(columns.T.contiguous(), median, steps - ORDERED_STEPS)
    return median.numpy()


def sides(points: Float64s) -> Float64s:
    """For each point on which side of the start it lies, 1 or -1, and `ON_START` where on it."""
    return np.where(points == START, ON_START, np.sign(points - START))


def stays(sides_sum: Float64s, steps: int = 20) -> NDArray[np.bool_]:
    """Whether the median never leaves its start, from the sum of `sides` over its points.

    With mu points on the start and S more above than below, each step takes the median |S| / mu times as far
    from there as the one before, from eps on: not further than about a millionth while that ratio stays
    under (1e-6 / eps) ** (1 / steps), which is 3 for twenty steps.
    """
    on_start = np.round(sides_sum / ON_START)
    return np.abs(sides_sum - on_start * ON_START) < on_start * (NEGLIGIBLE / EPS) ** (1 / max(steps, 1))


def _step_in_order(columns: Tensor, median: Tensor, steps: int) -> Tensor:
    distance, weighted = torch.empty_like(columns), torch.empty_like(columns)
    distances, all_weighted = distance.numpy(), weighted.numpy()
    for _ in range(steps):
        torch.sub(columns, median, out=distance)
        distance.abs_().add_(EPS)
        torch.div(columns, distance, out=weighted)
        distance.reciprocal_()
        median = torch.from_numpy(_add_in_order(all_weighted) / _add_in_order(distances))
    return median


def _add_in_order(values: Float64s) -> Float64s:
    """Sum along the first axis, one element after another: numpy does so but for a single column."""
    if values.shape[1] == 1:
        return np.add.accumulate(values)[-1]
    return np.add.reduce(values, axis=0)


def _step(rows: Tensor, median: Tensor, steps: int) -> Tensor:
    """On a point itself the weight is infinite, and the median stays there."""
    side, weight, column = torch.empty_like(rows), torch.empty_like(rows), median[:, None].clone()
    for _ in range(steps):
        torch.sub(rows, column, out=side)
        torch.abs(side, out=weight)
        column += side.sign_().sum(1, keepdim=True) / weight.reciprocal_().sum(1, keepdim=True)
    return column[:, 0]
