"""COCO's instance form, as annotations.importers.coco reads it: one annotation for each concept of an image.

A concept's category is its supercategory, its synonyms are beside its name, and what is said of the whole
image has "whole_image": true. Other programs find an ordinary mask there.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from annotations import Refusal, files, outlines
from annotations.exporters.labels import Label, labels_of
from annotations.exporters.sheets import Sheet, new_folder, sheets_of, write_file
from annotations.models import ImageSet
from annotations.terms import Term


def write(
    image_set: ImageSet,
    out: Path,
    *,
    scale: int = 1,
    advance: Callable[[int], object] = lambda images: None,
) -> None:
    """images/ and annotations/instances.json, which has its name only once it is complete."""
    if scale != 1:
        raise Refusal("COCO's masks have the size of the image; --scale is for Broden.")
    new_folder(out)
    labels = labels_of(image_set)
    (out / "annotations").mkdir()
    part, images = out / "annotations" / "instances.json.part", out / "annotations" / "images.part"
    with part.open("w", encoding="utf-8") as text, images.open("w+", encoding="utf-8") as aside:
        text.write('{"categories": ' + json.dumps([_category(label) for label in labels]))
        text.write(', "annotations": [')
        numbers = {label.term: label.number for label in labels}
        _write_annotations(_written(sheets_of(image_set), aside, out, advance), numbers, text)
        text.write('], "images": [')
        aside.seek(0)
        shutil.copyfileobj(aside, text)
        text.write("]}\n")
    images.unlink()
    part.rename(part.with_suffix(""))


def _category(label: Label) -> dict[str, object]:
    term = label.term
    fields = {"id": label.number, "name": term.name, "supercategory": term.category}
    return fields | ({"synonyms": list(term.synonyms)} if term.synonyms else {})


def _written(
    sheets: Iterator[Sheet], aside: TextIO, out: Path, advance: Callable[[int], object]
) -> Iterator[Sheet]:
    """The sheets, the picture of each written and its entry put aside until the annotations are through."""
    for number, sheet in enumerate(sheets):
        image = sheet.image
        write_file(out / "images" / sheet.path, files.get(image.file))
        entry = {"id": image.pk, "file_name": sheet.path, "width": image.width, "height": image.height}
        aside.write((",\n" if number else "\n") + json.dumps(entry))
        yield sheet
        advance(1)


def _write_annotations(sheets: Iterator[Sheet], numbers: dict[Term, int], text: TextIO) -> None:
    entries = (entry for sheet in sheets for entry in _annotations(sheet, numbers))
    for number, entry in enumerate(entries, start=1):
        text.write((",\n" if number > 1 else "\n") + json.dumps({"id": number, **entry}))


def _annotations(sheet: Sheet, numbers: dict[Term, int]) -> Iterator[dict[str, object]]:
    shape = sheet.image.height, sheet.image.width
    for term in sorted(sheet.masks):
        yield _annotation(sheet, numbers[term], sheet.masks[term])
    for term in sorted(sheet.whole):
        yield {**_annotation(sheet, numbers[term], np.ones(shape, bool)), "whole_image": True}


def _annotation(sheet: Sheet, number: int, mask: NDArray[np.bool_]) -> dict[str, object]:
    return {
        "image_id": sheet.image.pk,
        "category_id": number,
        "iscrowd": 0,
        "area": int(mask.sum()),
        "bbox": _box(mask),
        "segmentation": {"size": list(mask.shape), "counts": outlines.to_text(outlines.to_runs(mask))},
    }


def _box(mask: NDArray[np.bool_]) -> list[int]:
    """x, y, width, height."""
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    x, y = int(columns[0]), int(rows[0])
    return [x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y]
