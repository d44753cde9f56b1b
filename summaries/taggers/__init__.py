"""Automatic taggers: regions in, ranked tags out. Three are built in, others come as plug-ins.

A plug-in is any installed package with an entry point of the group `meronym.taggers`: its name is the
tagger's, and it leads to a function that takes a `Setup` and returns a `Tagger` (docs/tags.md shows one).
Nothing here loads numerics or a plug-in before a tagger is made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from summaries.engine import Refusal

GROUP = "meronym.taggers"
BUILT_IN = {
    "segments": "names of the image set's part and concept masks that lie under the region",
    "texture-colour": "names of the region's colours and of its pattern, computed from its pixels",
    "clip": "words of a vocabulary of your own, by an image-text model with weights of your own",
}
"""With what is told of each."""
NAME_LENGTH = 20


@dataclass(frozen=True, eq=False)
class Concept:
    """Where a part, object or other concept is known to lie. pixels: bool, of the region's picture."""

    name: str
    category: str
    """As `annotations.models.Concept.Category` has them."""
    pixels: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Region:
    """A region as a tagger sees it: either the whole picture, all but the region dimmed, or the bare crop."""

    picture: NDArray[np.uint8]
    """(h, w, 3) RGB, without any line drawn."""
    own: NDArray[np.bool_]
    """(h, w): the pixels that count; of a bare crop all."""
    concepts: Callable[[], Sequence[Concept]]
    """What is known of the picture, read when it is asked for."""


@dataclass(frozen=True)
class Setup:
    """What a tagger is made with: what the researcher gave, and what the image set knows."""

    words: tuple[str, ...] = ()
    """The vocabulary that was given; empty where the tagger has its own."""
    concepts: tuple[str, ...] = ()
    """Names of the part and concept masks of the image set."""
    model: str = ""
    config: str = ""
    """JSON of a model's own form."""
    weights: str = ""
    """Key of a stored file (annotations.files)."""
    device: str = "cpu"


class Tagger(Protocol):
    name: str
    version: str
    """Raised whenever it would give other tags for the same."""
    vocabulary: tuple[str, ...]
    """All tags that it may give; empty if they are not bounded."""

    def tag(self, regions: Sequence[Region]) -> list[list[tuple[str, float]]]:
        """For each region its tags with scores, best first; as few as the tagger is ready to give."""
        ...


def names() -> list[str]:
    """All taggers that can be had: the built-in ones, then plug-ins by name."""
    return [*BUILT_IN, *sorted(_plug_ins())]


def make(name: str, setup: Setup) -> Tagger:
    """The tagger of this name. Refusal where there is none, or where it lacks what it needs."""
    if name in BUILT_IN:
        return import_module(f"summaries.taggers.{name.replace('-', '_')}").make(setup)
    check(name)
    try:
        return _plug_ins()[name].load()(setup)
    except ImportError as error:
        raise Refusal(f"The tagger '{name}' cannot be loaded: {error}.") from error


def check(name: str) -> None:
    """Refusal if there is no tagger of this name."""
    if name not in names():
        raise Refusal(f"There is no tagger '{name}'; there is {', '.join(names())}.")
    if len(name) > NAME_LENGTH:
        raise Refusal(f"A tagger's name has at most {NAME_LENGTH} characters; '{name}' has {len(name)}.")


def _plug_ins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in BUILT_IN}
