"""Broden's own form, as annotations.importers.broden reads it and NetDissect does."""

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
from django.db.models import Count
from numpy.typing import NDArray

from annotations import Refusal, files, maps, pictures
from annotations.exporters.labels import Label, labels_of
from annotations.exporters.sheets import Sheet, new_folder, segments_of, sheets_of, write_file
from annotations.importers.broden import CATEGORIES, SUFFIXES
from annotations.models import ImageSet
from annotations.terms import Term

WORDS = {ours: word for word, ours in reversed(CATEGORIES.items())}
"""Our category -> Broden's word."""
TRAINING = 0.7
"""The share of images that the hash of their name puts into the split "train"; the others are "val"."""


def write(
    image_set: ImageSet,
    out: Path,
    *,
    scale: int = 1,
    advance: Callable[[int], object] = lambda images: None,
) -> None:
    """Pictures, label maps and tables. With scale 2 maps are half as wide and high as the pictures.

    A table comes under its name only once it is complete: a folder without index.csv is an export that broke.
    """
    new_folder(out)
    labels = labels_of(image_set)
    if len(labels) > 0xFFFF:
        raise Refusal("Broden's label maps have no room for more than 65,535 concepts.")
    words = sorted({WORDS[label.term.category] for label in labels})
    numbers = {label.term: label.number for label in labels}
    _write_tables(image_set, labels, words, out)
    rows = (_row(sheet, numbers, words, scale, out, advance) for sheet in sheets_of(image_set))
    _write_table(out / "index.csv", ["image", "split", "ih", "iw", "sh", "sw", *words], rows)


def _row(
    sheet: Sheet,
    numbers: dict[Term, int],
    words: Sequence[str],
    scale: int,
    out: Path,
    advance: Callable[[int], object],
) -> list[object]:
    """Writes the image and its maps, and returns its row of the index."""
    image = sheet.image
    shape = max(image.height // scale, 1), max(image.width // scale, 1)
    write_file(out / "images" / sheet.path, files.get(image.file))
    cells: dict[str, list[str]] = {word: [] for word in words}
    for name, word, labels in _maps(sheet, numbers):
        write_file(out / "images" / name, pictures.png(_coded(maps.enlarge(labels, shape))))
        cells[word].append(name)
    for term in sorted(sheet.whole):
        cells[WORDS[term.category]].append(str(numbers[term]))
    advance(1)
    items = [";".join(cells[word]) for word in words]
    return [sheet.path, _split(sheet.path), image.height, image.width, *shape, *items]


def _maps(sheet: Sheet, numbers: dict[Term, int]) -> Iterator[tuple[str, str, NDArray]]:
    """(file name, category, numbers) of each layer."""
    for category, terms in groupby(sorted(sheet.masks), attrgetter("category")):
        packed = maps.pack({term: sheet.masks[term] for term in terms})
        for layer, (labels, keys) in enumerate(packed):
            name = (
                f"{Path(sheet.path).with_suffix('')}_{sheet.image.sha256[:8]}_{WORDS[category]}_{layer}.png"
            )
            yield name, WORDS[category], np.array([0, *(numbers[key] for key in keys)])[labels]


def _coded(labels: NDArray) -> NDArray[np.uint8]:
    """Numbers as pixels: R + 256 G."""
    return np.stack([labels & 255, labels >> 8, np.zeros_like(labels)], axis=-1).astype(np.uint8)


def _split(path: str) -> str:
    """Always the same for the same name, in whatever set."""
    share = int(hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()[:8], 16) / 2**32
    return "train" if share < TRAINING else "val"


def _write_tables(image_set: ImageSet, labels: Sequence[Label], words: Sequence[str], out: Path) -> None:
    images = dict(
        segments_of(image_set)
        .order_by()
        .values_list("concept__category")
        .annotate(images=Count("image", distinct=True))
    )
    headings = ["number", "name", "category", "frequency", "coverage", "syns"]
    _write_table(out / "label.csv", headings, ([0, "-", "", 0, 0, ""], *map(_label_row, labels)))
    categories = []
    for word in words:
        its = [label for label in labels if WORDS[label.term.category] == word]
        headings = ["code", "number", "name", "frequency", "coverage"]
        rows = [
            [code, each.number, _name(each), each.frequency, each.coverage]
            for code, each in enumerate(its, 1)
        ]
        _write_table(out / f"c_{word}.csv", headings, [[0, 0, "-", 0, 0], *rows])
        categories.append([word, its[0].number, its[-1].number, len(its), images[CATEGORIES[word]]])
    _write_table(out / "category.csv", ["name", "first", "last", "count", "frequency"], categories)


def _label_row(label: Label) -> list[object]:
    categories = f"{WORDS[label.term.category]}({label.frequency})"
    synonyms = ";".join(each.replace(";", ",") for each in label.term.synonyms)
    return [label.number, _name(label), categories, label.frequency, label.coverage, synonyms]


def _name(label: Label) -> str:
    return label.term.name + SUFFIXES.get(label.term.category, "")


def _write_table(
    file: Path, headings: Sequence[str], rows: Iterator[list[object]] | Sequence[list[object]]
) -> None:
    part = file.with_name(f"{file.name}.part")
    with part.open("w", encoding="utf-8", newline="") as text:
        table = csv.writer(text)
        table.writerow(headings)
        table.writerows(rows)
    part.replace(file)
