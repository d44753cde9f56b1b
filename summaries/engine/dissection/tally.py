"""The tally: on how many pixels each unit is active, each concept labelled, and both at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from summaries.engine import Refusal

NONE = -1


@dataclass(frozen=True)
class Labels:
    """What is known about one image, as L_c(x).

    maps (L, H, W) integers: concept number + 1 in each layer of labels, 0 where nothing is said. A pixel may
    bear several concepts, in several layers; the same one in two layers counts once. whole: numbers of the
    concepts that all of the image shows (scenes, textures). Without layers, maps is (0, H, W).
    """

    maps: torch.Tensor
    whole: tuple[int, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        return int(self.maps.shape[-2]), int(self.maps.shape[-1])


@dataclass(frozen=True)
class Presence:
    """The concepts (c,) that an image shows, ascending, and where: rows (c, H W) bool."""

    concepts: torch.Tensor
    rows: torch.Tensor
    size: tuple[int, int]


def find_presence(labels: Labels, device: torch.device | str = "cpu") -> Presence:
    flat = labels.maps.to(device).flatten(1)
    shown = torch.bincount(flat.flatten()).nonzero()[:, 0] if flat.numel() else torch.zeros(0, device=device)
    named = {int(number) - 1 for number in shown if number} | set(labels.whole)
    concepts = torch.tensor(sorted(named), dtype=torch.int64, device=device)
    row_of = torch.zeros(max([*named, NONE]) + 2, dtype=torch.int64, device=device)
    row_of[concepts + 1] = torch.arange(1, len(concepts) + 1, device=device)
    where = torch.zeros(len(concepts) + 1, flat.shape[1], dtype=torch.bool, device=device)
    where = where.scatter_(0, row_of[flat.long()], True)[1:]
    if labels.whole:
        where |= torch.isin(concepts, torch.tensor(labels.whole, device=device))[:, None]
    return Presence(concepts, where, labels.size)


def primary_categories(coverage: NDArray) -> NDArray[np.int64]:
    """coverage (C, K), how much each category holds of each concept, 0: nothing -> (C,) category number.

    The category of greatest coverage; of equal ones the last. A concept in none gets -1 and is never
    counted. Source: section 1.1, the published rule.
    """
    values = np.asarray(coverage, np.float64)
    last = values.shape[1] - 1 - values[:, ::-1].argmax(1)
    return np.where(values.max(1) > 0, last, NONE).astype(np.int64)


class Tally:
    """Counts of pixels over all images, whole numbers throughout, so any order and any cut give the same.

    For unit k, concept c and category C, with M_k(x) the unit's mask and x an image:

        both (U, C)        I   sum_x |M_k(x) & L_c(x)|
        labelled (C,)      G   sum_x |L_c(x)|
        active_in (U, K)   Acat by the published rule: |M_k(x)| over images that show a concept whose
                           primary category is C
        active_over (U, K) Acat as the later, lighter code has it: only images where such a concept lies
                           under the unit's own mask
        active (U,)        |M_k(x)| over all images

    categories (C,): the primary category of each concept, -1 for none (`primary_categories`). Memory: a few
    whole numbers a unit and concept. An image is one matrix product of its active masks with its labels.
    """

    def __init__(self, units: int, categories: Sequence[int] | NDArray, category_count: int) -> None:
        self.categories = np.asarray(categories, np.int64)
        if len(self.categories) and self.categories.max() >= category_count:
            raise Refusal(f"A concept's category is {self.categories.max()}; there are {category_count}.")
        concepts = len(self.categories)
        self.both = torch.zeros(units, concepts, dtype=torch.int64)
        self.labelled, self.images_with = (torch.zeros(concepts, dtype=torch.int64) for _ in range(2))
        self.active_in, self.active_over = (
            torch.zeros(units, category_count, dtype=torch.int64) for _ in range(2)
        )
        self.active = torch.zeros(units, dtype=torch.int64)
        self.images = self.pixels = 0
        self._of_category = torch.zeros(concepts, category_count)
        known = np.flatnonzero(self.categories >= 0)
        self._of_category[known, self.categories[known]] = 1

    def add(self, active: torch.Tensor, labels: Sequence[Labels]) -> None:
        """active (n, U, H, W) bool, the masks of n images; labels of the same size, one an image."""
        for masks, each in zip(active, labels, strict=True):
            if tuple(masks.shape[1:]) != each.size:
                raise Refusal(f"Masks are {tuple(masks.shape[1:])} and labels {each.size}.")
            presence = find_presence(each, masks.device)
            self.add_labels(presence)
            self.add_masks(torch.arange(len(masks), device=masks.device), masks.flatten(1), presence)

    def add_labels(self, presence: Presence) -> None:
        """One image more, with its labels."""
        self._to(presence.rows.device)
        concepts, rows = presence.concepts, presence.rows
        if len(concepts) and int(concepts[-1]) >= len(self.categories):
            raise Refusal(f"Concept {int(concepts[-1])} is labelled; there are {len(self.categories)}.")
        self.images += 1
        self.pixels += rows.shape[1]
        self.labelled[concepts] += rows.sum(1)
        self.images_with[concepts] += 1

    def add_masks(self, units: torch.Tensor, masks: torch.Tensor, presence: Presence) -> None:
        """Masks (k, H W), bool or 0 and 1, of some units (k,) in that image, each once; others have none."""
        concepts, masks = presence.concepts, masks.float()
        # Sums of so few ones are exact in float32: an image has fewer than 2^24 pixels.
        # The few concepts first: that way round the product takes half the time.
        both, counts = (presence.rows.float() @ masks.T).T, masks.sum(1)
        of_category = self._of_category[concepts]
        shown = of_category.amax(0) if len(concepts) else of_category.new_zeros(of_category.shape[1])
        self.both[units[:, None], concepts] += both.long()
        self.active[units] += counts.long()
        self.active_in[units] += (counts[:, None] * shown).long()
        self.active_over[units] += (counts[:, None] * (both @ of_category > 0)).long()

    def merge(self, other: "Tally") -> None:
        """Adds what another tally counted. Refused: other units, concepts or categories."""
        if self.both.shape != other.both.shape or not np.array_equal(self.categories, other.categories):
            raise Refusal("Tallies of different units or concepts cannot be merged.")
        for name in COUNTS:
            mine = getattr(self, name)
            mine += getattr(other, name).to(mine.device)
        self.images += other.images
        self.pixels += other.pixels

    def counts(self) -> "Counts":
        """The counts as arrays on the host."""
        found = {name: getattr(self, name).cpu().numpy() for name in COUNTS}
        return Counts(**found, categories=self.categories, images=self.images, pixels=self.pixels)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        counts = self.counts()
        return {field.name: np.asarray(getattr(counts, field.name)) for field in fields(counts)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Tally":
        units, category_count = arrays["active_in"].shape
        tally = cls(units, arrays["categories"], category_count)
        for name in COUNTS:
            setattr(tally, name, torch.tensor(arrays[name]))
        tally.images, tally.pixels = int(arrays["images"]), int(arrays["pixels"])
        return tally

    def _to(self, device: torch.device) -> None:
        if self.both.device != device:
            for name in (*COUNTS, "_of_category"):
                setattr(self, name, getattr(self, name).to(device))


COUNTS = ("both", "labelled", "images_with", "active_in", "active_over", "active")
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """A tally read out; see there."""

    both: Ints
    labelled: Ints
    images_with: Ints
    active_in: Ints
    active_over: Ints
    active: Ints
    categories: Ints
    images: int
    pixels: int
