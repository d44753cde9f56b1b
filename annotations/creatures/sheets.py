"""A generated picture as files, with an entry for each thing that it shows."""

from dataclasses import dataclass

import numpy as np

from annotations.creatures import anatomy, palette, world
from annotations.creatures.picture import Picture, render
from annotations.pictures import png


@dataclass(frozen=True)
class Entry:
    """The pixels of a map that equal `value` show the concept."""

    category: str
    concept: str
    value: int
    area: int


@dataclass(frozen=True)
class Sheet:
    """A picture's PNG, and for each category of concepts a label map's PNG (0: nothing is said)."""

    index: int
    label: str
    picture: bytes
    maps: dict[str, bytes]
    entries: tuple[Entry, ...]


def draw_sheet(seed: int, index: int) -> Sheet:
    picture = render(seed, index)
    maps = {"part": part_map(picture), "object": object_map(picture), "colour": picture.colours + 1}
    entries = [
        Entry(category, name, value, int(area))
        for category, names in _names(picture).items()
        for value, area in enumerate(np.bincount(maps[category].ravel()))
        if value and area
        for name in names[value]
    ]
    files = {category: png(labels) for category, labels in maps.items()}
    return Sheet(index, picture.plan.label, png(picture.rgb), files, tuple(entries))


def part_map(picture: Picture) -> np.ndarray:
    """uint8 (128, 128): 1 to 7 for the parts."""
    return np.where(picture.owners <= len(anatomy.PARTS), picture.owners, 0).astype(np.uint8)


def object_map(picture: Picture) -> np.ndarray:
    """uint8 (128, 128): 1 for the animal, above it the things of the world."""
    things = np.maximum(picture.owners.astype(int) - len(anatomy.PARTS) + 1, 1)
    return np.where(picture.owners == 0, 0, things).astype(np.uint8)


def _names(picture: Picture) -> dict[str, dict[int, tuple[str, ...]]]:
    """Category -> value in its map -> concepts: a part is both a "tail" and a "spiral tail"."""
    parts = {anatomy.owner_of(part.kind): (part.kind, part.name) for part in picture.plan.parts}
    things = {number + 2: (name,) for number, name in enumerate(world.THINGS)}
    colours = {number + 1: (name,) for number, name in enumerate(palette.NAMES)}
    return {"part": parts, "object": {1: (picture.plan.label,), **things}, "colour": colours}
