"""Pictures of one class with the truth about every pixel, and each picture again without each part."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotations.creatures import world
from annotations.creatures.picture import REMOVABLE, STAMP, Picture, render
from annotations.creatures.plan import CLASSES, PARTS

PART_NAMES = REMOVABLE
"""Part j of the truth is called PART_NAMES[j - 1]; the scene is 0, and the stamp counts as a part."""


@dataclass(frozen=True)
class Pictures:
    """N pictures of one class.

    pixels: uint8 (N, S, S, 3). truth: uint8 (N, S, S), 0 the scene, else 1 + the part's place in PART_NAMES.
    without: uint8 (parts, N, S, S, 3), the same scenes drawn again, each time without one part.
    """

    label: str
    pixels: np.ndarray
    truth: np.ndarray
    without: np.ndarray

    @property
    def index(self) -> int:
        return CLASSES.index(self.label)


def provide(label: str, seed: int, count: int, folder: Path) -> Pictures:
    """The first pictures of the class in the image set of this seed, drawn once and kept in the folder."""
    path = folder / f"pictures_{seed}_{label}_{count}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        drawn = draw(label, seed, count)
        np.savez(path, pixels=drawn.pixels, truth=drawn.truth, without=drawn.without)
    with np.load(path) as kept:
        return Pictures(label, kept["pixels"], kept["truth"], kept["without"])


def draw(
    label: str, seed: int, count: int, track: Callable[[Iterable], Iterable] = lambda it: it
) -> Pictures:
    places = [CLASSES.index(label) + len(CLASSES) * number for number in range(count)]
    whole = [render(seed, place) for place in track(places)]
    truth = np.stack([mark(picture) for picture in whole])
    without = [
        [
            bare(picture, marks, number, seed, place)
            for picture, marks, place in zip(whole, truth, places, strict=True)
        ]
        for number in range(1, len(PART_NAMES) + 1)
    ]
    return Pictures(label, np.stack([picture.rgb for picture in whole]), truth, np.array(without))


def mark(picture: Picture) -> np.ndarray:
    """uint8 (S, S): whose each pixel is; all that stands around the animal is scene."""
    owners = picture.owners
    marks = np.where(owners <= len(PARTS), owners, 0)
    marks[owners == world.owner_of(STAMP)] = len(PART_NAMES)
    return marks.astype(np.uint8)


def bare(picture: Picture, marks: np.ndarray, number: int, seed: int, place: int) -> np.ndarray:
    """The picture without the part; itself where the part does not show."""
    if not (marks == number).any():
        return picture.rgb
    return render(seed, place, without=PART_NAMES[number - 1]).rgb
