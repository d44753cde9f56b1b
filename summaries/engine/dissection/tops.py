"""Top images: in which images each unit is most active, from a stream of them."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from summaries.engine import Refusal

NO_IMAGE = -1


class TopImages:
    """Of each unit the `count` images of the highest maximum of its map; of equals those of lower number.

    peaks (U, m) falling and images (U, m), m <= count, the numbers that were passed in. Each number may come
    once. Memory is fixed; order and cut of the stream do not matter.
    """

    def __init__(self, units: int, count: int = 10) -> None:
        self.units, self.count = units, count
        self.peaks = torch.zeros(units, 0)
        self.images = torch.zeros(units, 0, dtype=torch.int64)

    def add(self, peaks: torch.Tensor, images: torch.Tensor) -> None:
        """peaks (n, U): each image's maxima; images (n,): its number."""
        if peaks.shape[1] != self.units:
            raise Refusal(f"There are {self.units} units; these peaks are of {peaks.shape[1]}.")
        self._take(peaks.T, images.to(peaks.device).expand(self.units, -1))

    def merge(self, other: "TopImages") -> None:
        if (self.units, self.count) != (other.units, other.count):
            raise Refusal("Lists of top images of different units or lengths cannot be merged.")
        self._take(other.peaks, other.images)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        return {
            "peaks": self.peaks.cpu().numpy(),
            "images": self.images.cpu().numpy(),
            "count": np.array(self.count),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "TopImages":
        tops = cls(len(arrays["peaks"]), int(arrays["count"]))
        tops._take(torch.tensor(arrays["peaks"]), torch.tensor(arrays["images"]))
        return tops

    def _take(self, peaks: torch.Tensor, images: torch.Tensor) -> None:
        peaks = torch.cat([self.peaks.to(peaks), peaks], 1)
        images = torch.cat([self.images.to(images.device), images], 1)
        order = images.argsort(1)
        order = order.gather(1, peaks.gather(1, order).argsort(dim=1, descending=True, stable=True))
        order = order[:, : self.count]
        self.peaks, self.images = peaks.gather(1, order), images.gather(1, order)
