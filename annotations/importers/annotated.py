"""What readers of annotated images return: images one by one, each with what is said of its pixels."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotations import Refusal, maps
from annotations.importers.collection import Flaw, LabelledFiles
from annotations.terms import Term

ALL = LabelledFiles("all", "", "", ())
"""The class of images that come without classes."""


@dataclass
class Findings:
    """What the files say of one image: pixels of terms, terms of the whole, and what could not be used."""

    masks: dict[Term, NDArray[np.bool_]] = field(default_factory=dict)
    whole: set[Term] = field(default_factory=set)
    flaws: list[Flaw] = field(default_factory=list)

    def add(self, term: Term, mask: NDArray[np.bool_]) -> None:
        maps.join(self.masks, term, mask)

    @property
    def useless(self) -> bool:
        """Something was to be said, and none of it can be used."""
        return bool(self.flaws) and not self.masks and not self.whole


@dataclass(frozen=True)
class Annotated:
    """An image's file, and how to read what is said of it once its (width, height) are known.

    `read` runs in threads; what it refuses is said of the file `about`, or of the image.
    """

    file: Path
    read: Callable[[int, int], Findings]
    about: str = ""


@dataclass(frozen=True)
class AnnotatedCollection:
    """Images without classes. `images` starts anew at each call and holds few at a time."""

    root: Path
    total: int
    images: Callable[[], Iterator[Annotated | Flaw]]
    classes: tuple[LabelledFiles, ...] = (ALL,)

    def __post_init__(self) -> None:
        if not self.total:
            raise Refusal(f"{self.root} holds no annotated images.")


def inside(root: Path, name: object) -> Path:
    """The path of a file that another file names; refused where the name leads out of the folder."""
    text = str(name)
    if "\0" in text or text.encode("utf-8", "replace").decode() != text:
        raise Refusal("a file's name is not valid UTF-8")
    path = Path(os.path.normpath(Path(root, text)))
    if not path.is_relative_to(os.path.normpath(root)):
        raise Refusal(f"'{text}' lies outside the folder")
    return path


def folder(path: Path) -> Path:
    """`path`, if it is a folder that can be listed."""
    try:
        next(path.iterdir(), None)
    except FileNotFoundError as error:
        raise Refusal(f"There is no folder {path}.") from error
    except OSError as error:
        raise Refusal(f"{path} cannot be read as a folder: {error.strerror}.") from error
    return path
