"""Label maps: which concepts the pixels of an image show, read from its segments for a tally."""

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from django.db.models import QuerySet
from numpy.typing import NDArray
from PIL import Image as Pillow

from annotations import files
from annotations.models import Concept, Image, Segment
from summaries.engine import Refusal
from summaries.engine.dissection.tally import Labels
from summaries.models import RunImage
from summaries.pipeline.crops import stretch

VALUES = 256
"""Of an 8-bit label map."""

Name = tuple[str, str]
"""Category and name, by which a concept is the same in every home."""


def concepts_of(images: QuerySet[RunImage]) -> list[list[str]]:
    """Category and name of all that is marked in these images, in a fixed order."""
    marked = Concept.objects.filter(segments__image__in=images.order_by().values("image")).distinct()
    return sorted(list(each) for each in marked.values_list("category", "name"))


def rows_of(names: Sequence[Sequence[str]]) -> list[Concept]:
    """The concepts of these names, in their order."""
    known = {(each.category, each.name): each for each in Concept.objects.all()}
    return [known[category, name] for category, name in names]


def marked_in(contents: Sequence[str]) -> list[list]:
    """All that is known about what the images of these SHA-256 show, for the keys of what depends on it."""
    rows = Segment.objects.filter(image__sha256__in=contents)
    values = rows.values_list("image__sha256", "file", "value", "concept__category", "concept__name")
    return sorted(list(each) for each in values)


def read(images: Sequence[Image], numbers: Mapping[Name, int], side: int) -> list[Labels]:
    """Labels of each image at (side, side): each pixel has what lies under its middle, as the picture is
    stretched. Concepts without a number are left out."""
    segments = defaultdict(list)
    for segment in Segment.objects.filter(image__in=images).select_related("concept"):
        segments[segment.image_id].append(segment)
    return [_labels(segments[image.pk], numbers, side) for image in images]


def _labels(segments: Sequence[Segment], numbers: Mapping[Name, int], side: int) -> Labels:
    by_file: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for segment in segments:
        number = numbers.get((segment.concept.category, segment.concept.name))
        if number is not None:
            by_file[segment.file].append((segment.value, number))
    whole = tuple(number for _, number in by_file.pop("", []))
    maps = [
        _numbered(values, named)
        for file, pairs in sorted(by_file.items())
        for values in [stretch(_map(file), side)]
        for named in _layers(pairs)
    ]
    stacked = np.stack(maps) if maps else np.zeros((0, side, side), np.int64)
    return Labels(torch.from_numpy(stacked), whole)


def _layers(pairs: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """(value, number) pairs in layers, in each of which a value stands once: pixels of one value may show two
    concepts (a tail that is a spiral tail)."""
    left = sorted(pairs)
    while left:
        layer = dict(reversed(left))
        yield list(layer.items())
        left = [pair for pair in left if layer[pair[0]] != pair[1]]


def _numbered(values: NDArray[np.uint8], named: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """The map of values as one of concepts, each by its number + 1; 0 where nothing is said."""
    table = np.zeros(VALUES, np.int64)
    for value, number in named:
        table[value] = number + 1
    return table[values]


def _map(file: str) -> NDArray[np.uint8]:
    try:
        return np.array(Pillow.open(io.BytesIO(files.get(file))))
    except files.Missing as error:
        raise Refusal(f"A label map of the image set is gone from the file store ({file}).") from error
