"""Where in a COCO file each image and its annotations stand; the file itself is never held."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotations import Refusal
from annotations.importers.long_json import Entry, entries, read_again

LISTS = ("images", "annotations", "categories")
IDS = {"images": "id", "annotations": "image_id", "categories": "id"}


@dataclass(frozen=True)
class Index:
    """`images` and `annotations`, the latter by image: rows of the image's number, begin and length."""

    file: Path
    categories: list[dict]
    images: NDArray[np.int64]
    annotations: NDArray[np.int64]

    @property
    def strays(self) -> int:
        """So many annotations are of images that the file does not list."""
        return int((~np.isin(self.annotations[:, 0], self.images[:, 0])).sum())

    def walk(self) -> Iterator[tuple[dict, list[tuple[int, int]]]]:
        """Each image's entry, with the places of its annotations."""
        begins = np.searchsorted(self.annotations[:, 0], self.images[:, 0], side="left")
        ends = np.searchsorted(self.annotations[:, 0], self.images[:, 0], side="right")
        for (_, begin, length), first, last in zip(self.images.tolist(), begins, ends, strict=True):
            (image,) = self.read([(begin, length)])
            yield image, self.annotations[first:last, 1:].tolist()

    def read(self, places: list[tuple[int, int]]) -> list[dict]:
        return read_again(self.file, places)


def index_of(file: Path) -> Index:
    """Reads through the file once. Refused: what is no JSON, or has not the lists of COCO."""
    numbers: dict[object, int] = {}
    found: dict[str, array] = {name: array("q") for name in LISTS}
    categories = []
    for entry in entries(file):
        if entry.name not in LISTS:
            continue
        key = _id_of(entry)
        if entry.name == "categories":
            categories.append(entry.value)
        number = numbers.setdefault(key, len(numbers)) if entry.name != "categories" else 0
        found[entry.name].extend((number, entry.start, entry.length))
    if not found["images"]:
        raise Refusal("the file is not COCO's: it lists no images")
    if found["annotations"] and not categories:
        raise Refusal("the file is not COCO's: it lists no categories")
    annotations = _rows(found["annotations"])
    by_image = np.argsort(annotations[:, 0], kind="stable")
    return Index(file, categories, _rows(found["images"]), annotations[by_image])


def _id_of(entry: Entry) -> int | str:
    key = IDS[entry.name]
    found = entry.value.get(key) if isinstance(entry.value, dict) else None
    if not isinstance(found, int | str):
        raise Refusal(f"the file is not COCO's: one of its {entry.name} has no {key}")
    return found


def _rows(places: array) -> NDArray[np.int64]:
    return np.frombuffer(places, np.int64).reshape(-1, 3) if places else np.zeros((0, 3), np.int64)
