"""Tags from masks: which parts and concepts of the image set lie under a region.

The score is the share of the region's pixels that the concept covers. Not the intersection over the union: a
region that shows the half of a wing is all wing, and is to be called so, however much of the wing it leaves
out; the union would prefer the parts that happen to be as large as the region. Parts come before objects,
and these before what things are made of, whatever their shares: every part of a bird is all bird.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from summaries.engine import Refusal
from summaries.taggers import Concept, Region, Setup

ORDER = ("part", "object", "material", "texture", "colour")
"""Categories in which tags are given; a scene is of the whole picture, not of a region."""
LEAST = 0.1
"""Share of the region below which a concept only touches it."""


class Segments:
    name, version = "segments", "1"

    def __init__(self, vocabulary: tuple[str, ...]):
        self.vocabulary = vocabulary

    def tag(self, regions: Sequence[Region]) -> list[list[tuple[str, float]]]:
        return [_tags(region) for region in regions]


def make(setup: Setup) -> Segments:
    if not setup.concepts:
        raise Refusal("The tagger 'segments' needs part or concept masks; this image set has none.")
    return Segments(setup.concepts)


def _tags(region: Region) -> list[tuple[str, float]]:
    """Of concepts that cover as much, the one with the shorter name first: a tail is that before it is a
    spiral tail."""
    best: dict[str, tuple[int, float]] = {}
    for (category, name), pixels in _joined(region.concepts()).items():
        share = float(pixels[region.own].mean()) if region.own.any() else 0.0
        if share >= LEAST:
            best[name] = min(best.get(name, (len(ORDER), 0.0)), (ORDER.index(category), -share))
    order = sorted(best, key=lambda name: (*best[name], len(name), name))
    return [(name, -best[name][1]) for name in order]


def _joined(concepts: Sequence[Concept]) -> dict[tuple[str, str], NDArray[np.bool_]]:
    """The pixels of each concept, whichever maps they stand in."""
    joined: dict[tuple[str, str], NDArray[np.bool_]] = {}
    for each in concepts:
        if each.category in ORDER:
            known = joined.get((each.category, each.name))
            joined[each.category, each.name] = each.pixels if known is None else known | each.pixels
    return joined
