"""Quantiles of many units at once, from streams far too long to keep.

Every unit receives equally many values, so all share the sketch's shape and differ in its values alone: a
level of the sketch is one array, and its upkeep one sort.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from summaries.engine import Refusal

LEVEL = 0.995
"""T_k lies at this quantile: P(a_k > T_k) = 0.005."""
CAPACITY = 2048
"""Values that a level keeps of each unit after its upkeep, at most."""
LEVELS = 10
SLACK = 1e-9
"""So that q n, computed in binary, counts as the whole number that it is in decimal."""


def exact_quantile(values: torch.Tensor, level: float = LEVEL) -> torch.Tensor:
    """values (n, U) -> (U,): of each unit the smallest of its values with at most (1 - level) n above it.

    It is one of the values, never between two: so a monotone change of the values changes it likewise, and
    of tied values none is above it. Refused: no values, and values that are not finite.
    """
    if not len(values):
        raise Refusal("There are no activations to take a quantile of.")
    _check_finite(values)
    above = int((1 - level) * len(values) + SLACK * len(values))
    place = max(len(values) - 1 - above, 0)
    return _sorted(values.T)[:, place]


class QuantileSketch:
    """A merge-able summary of U streams in fixed memory, finest at the upper end.

    Level h holds values that stand for 2^h each. When a level overflows it is sorted, its upper half stays
    as it is, and of the rest every second value, from the first or the second by lot, goes one level up.
    So the largest values are never thinned out before many larger ones have come, and a value's error
    grows with its rank from the top (the idea of relative-error sketches: Cormode, Karnin, Liberty, Thaler
    and Vesely, 2021). Once there are `levels` levels the lowest is given up, and from then on one value by
    lot of each 2, 4, 8 ... neighbours in the stream is taken at all.

    Memory: capacity * (levels + 5) values of each unit, 120 KB in float32, however long the stream (10
    levels of 2048 serve the first million; a piece of the stream under upkeep is the rest). Rank error at
    level .995: about .01 %, and by test under .1 %. Up to `capacity` values the answer is exact.
    """

    def __init__(self, units: int, seed: int, *, capacity: int = CAPACITY, levels: int = LEVELS) -> None:
        self.units, self.count = units, 0
        self.capacity, self.level_limit = capacity, levels
        self.thinning = 0
        """A value of level 0 stands for 2^thinning of the stream."""
        self._levels: list[torch.Tensor] = []
        self._waiting: list[torch.Tensor] = []
        self._random = np.random.default_rng(seed)

    def add(self, values: torch.Tensor) -> None:
        """values (n, U), in the stream's order. Refused: NaN, infinite ones, another number of units."""
        if values.ndim != 2 or values.shape[1] != self.units:
            raise Refusal(f"The sketch is one of {self.units} units; these values are {tuple(values.shape)}.")
        _check_finite(values)
        self.count += len(values)
        for piece in self._thinned(values).split(4 * self.capacity):
            self._waiting.append(piece.T)
            if sum(each.shape[1] for each in self._waiting) >= self.capacity:
                self._settle()

    def merge(self, other: "QuantileSketch") -> None:
        """Takes in what another sketch saw, which stays as it is. Refused: one of another shape."""
        mine, theirs = ((s.units, s.capacity, s.level_limit) for s in (self, other))
        if mine != theirs:
            raise Refusal(f"Sketches of different shapes cannot be merged: {mine} and {theirs}.")
        taken = QuantileSketch.from_arrays(other.to_arrays(), int(self._random.integers(2**31)))
        for sketch in (self, taken):
            sketch._settle()
            while sketch.thinning < max(self.thinning, taken.thinning):
                sketch._give_up_lowest()
        for number, values in enumerate(taken._levels):
            device = self._levels[0].device if self._levels else values.device
            self._put(number, values.to(device))
        self.count += taken.count
        self._settle()

    def quantile(self, level: float = LEVEL) -> torch.Tensor:
        """(U,): of each unit the smallest value kept with at most 1 - level of all weight above it."""
        if not self.count:
            raise Refusal("There are no activations to take a quantile of.")
        self._settle()
        device = self._levels[0].device
        # On the host: not every device has float64, and float32 does not count so far.
        values = torch.cat(self._levels, 1).cpu()
        weights = torch.cat(
            [torch.full(each.shape[1:], 2.0**h, dtype=torch.float64) for h, each in enumerate(self._levels)]
        )
        falling, order = values.sort(1, descending=True)
        above = weights[order].cumsum(1)
        total = float(weights.sum())
        place = (above <= (1 - level) * total + SLACK * total).sum(1).clamp_max(values.shape[1] - 1)
        return falling.gather(1, place[:, None])[:, 0].to(device)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        self._settle()
        head = np.array([self.units, self.count, self.capacity, self.level_limit, self.thinning])
        return {"head": head} | {f"level_{h}": each.cpu().numpy() for h, each in enumerate(self._levels)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], seed: int) -> "QuantileSketch":
        units, count, capacity, levels, thinning = (int(number) for number in arrays["head"])
        sketch = cls(units, seed, capacity=capacity, levels=levels)
        sketch.count, sketch.thinning = count, thinning
        sketch._levels = [torch.tensor(arrays[f"level_{h}"]) for h in range(len(arrays) - 1)]
        return sketch

    def _thinned(self, values: torch.Tensor) -> torch.Tensor:
        """One value by lot of each 2^thinning neighbours; of the last, incomplete ones in proportion."""
        if not self.thinning:
            return values
        starts = np.arange(0, len(values), 2**self.thinning)
        chosen = starts + self._random.integers(2**self.thinning, size=len(starts))
        return values[torch.from_numpy(chosen[chosen < len(values)]).to(values.device)]

    def _settle(self) -> None:
        """Brings every level to `capacity` and their number to the limit."""
        if self._waiting:
            waiting, self._waiting = torch.cat(self._waiting, 1), []
            self._put(0, waiting)
        height = 0
        while height < len(self._levels):
            if self._levels[height].shape[1] > self.capacity:
                self._lift(height, keep=self.capacity // 2)
            height += 1
            if height == len(self._levels) > self.level_limit:
                self._give_up_lowest()
                height = 0

    def _lift(self, height: int, keep: int) -> None:
        """Half of a level's values, but for the `keep` largest, go one level up."""
        rising = _sorted(self._levels[height])
        low = rising.shape[1] - keep
        low -= low % 2
        self._levels[height] = rising[:, low:].contiguous()
        self._put(height + 1, rising[:, int(self._random.integers(2)) : low : 2].contiguous())

    def _give_up_lowest(self) -> None:
        if self._levels:
            self._lift(0, keep=0)
            odd = self._levels.pop(0)
            if odd.shape[1] and self._random.integers(2):
                self._put(0, odd)
        self.thinning += 1

    def _put(self, height: int, values: torch.Tensor) -> None:
        if height < len(self._levels):
            self._levels[height] = torch.cat([self._levels[height], values], 1)
        else:
            self._levels.append(values.contiguous())


def _sorted(values: torch.Tensor) -> torch.Tensor:
    """Along the last axis. On the CPU by numpy, whose sort is many times as fast as torch's."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=-1))
    return values.sort(-1).values


def _check_finite(values: torch.Tensor) -> None:
    if not bool(torch.isfinite(values).all()):
        raise Refusal("This layer gives values that are not numbers or infinite, so it cannot be dissected.")
