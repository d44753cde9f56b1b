"""Tags from pixels: the basic colours of a region and its pattern, by rules and without any model.

A colour's score is its share of the region; a pattern's is how clear it is.
"""

from collections.abc import Sequence

from summaries.engine.tagging import colours, patterns
from summaries.taggers import Region, Setup

LEAST = 0.15
"""Share of the region below which a colour is no tag."""


class TextureColour:
    name, version = "texture-colour", "1"
    vocabulary = (*colours.NAMES, *patterns.NAMES)

    def tag(self, regions: Sequence[Region]) -> list[list[tuple[str, float]]]:
        return [_tags(region) for region in regions]


def make(setup: Setup) -> TextureColour:
    return TextureColour()


def _tags(region: Region) -> list[tuple[str, float]]:
    if not region.own.any():
        return []
    found = colours.shares(region.picture[region.own])
    tags = [(name, share) for name, share in found.items() if share >= LEAST]
    if pattern := patterns.find_pattern(region.picture, region.own):
        tags.append((pattern.name, pattern.score))
    return sorted(tags, key=lambda tag: (-tag[1], tag[0]))
