"""Generated pictures as an image set: files first, then rows, a few pictures at a time."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context

from django.db import transaction

from annotations import Refusal, files
from annotations.creatures.canvas import SIDE
from annotations.creatures.plan import CLASSES
from annotations.creatures.sheets import Sheet, draw_sheet
from annotations.importers.intake import Photograph, add_images
from annotations.models import ClassLabel, Concept, ImageSet, LabelledImage, Segment

BATCH = 25


def make_creatures(
    name: str,
    *,
    per_class: int,
    seed: int,
    track: Callable[[Iterable, int], Iterable] = lambda sheets, total: sheets,
) -> int:
    """Brings the set up to `per_class` pictures a class; returns how many are new. What is there stays.

    Refused: a set of this name that was imported, or generated with another seed.
    """
    source = f"{ImageSet.GENERATED} creatures, seed {seed}"
    present = ImageSet.objects.filter(name=name).first()
    if present and present.source != source:
        raise Refusal(f"The image set '{name}' is another one ({present.source}); choose another name.")
    done = set(present.labelled_images.values_list("path", flat=True)) if present else set()
    missing = [i for i in range(per_class * len(CLASSES)) if path_of(i) not in done]
    if missing:
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
            drawn = iter(track(processes.map(partial(draw_sheet, seed), missing, chunksize=5), len(missing)))
            while sheets := list(islice(drawn, BATCH)):
                _write_rows(name, source, sheets, [_stored(sheet) for sheet in sheets])
    return len(missing)


def path_of(index: int) -> str:
    return f"{CLASSES[index % len(CLASSES)]}/{index:05}.png"


def _stored(sheet: Sheet) -> tuple[Photograph, dict[str, str]]:
    """The picture and the keys of its maps, once all files are in the store."""
    key = files.put(sheet.picture, ".png")
    digest = hashlib.sha256(sheet.picture).hexdigest()
    maps = {category: files.put(data, ".png") for category, data in sheet.maps.items()}
    return Photograph(path_of(sheet.index), digest, SIDE, SIDE, key), maps


@transaction.atomic
def _write_rows(
    name: str, source: str, sheets: Sequence[Sheet], stored: Sequence[tuple[Photograph, dict[str, str]]]
) -> None:
    image_set, _ = ImageSet.objects.get_or_create(name=name, defaults={"source": source})
    labels = _labels(image_set)
    images = add_images([photograph for photograph, _ in stored])
    concepts = _concepts(sheets)
    places, segments = [], []
    for sheet, (photograph, maps) in zip(sheets, stored, strict=True):
        image, label = images[photograph.sha256], labels[sheet.label]
        places.append(LabelledImage(image_set=image_set, image=image, label=label, path=photograph.path))
        segments += [
            Segment(
                image=image,
                concept=concepts[entry.category, entry.concept],
                file=maps[entry.category],
                value=entry.value,
                area=entry.area,
                source=Segment.Source.GENERATED,
            )
            for entry in sheet.entries
        ]
    LabelledImage.objects.bulk_create(places, ignore_conflicts=True)
    Segment.objects.bulk_create(segments, ignore_conflicts=True)


def _labels(image_set: ImageSet) -> dict[str, ClassLabel]:
    rows = [ClassLabel(image_set=image_set, name=name, folder=name) for name in CLASSES]
    ClassLabel.objects.bulk_create(rows, ignore_conflicts=True)
    return {label.name: label for label in image_set.labels.all()}


def _concepts(sheets: Sequence[Sheet]) -> dict[tuple[str, str], Concept]:
    wanted = {(entry.category, entry.concept) for sheet in sheets for entry in sheet.entries}
    rows = [Concept(category=category, name=name) for category, name in sorted(wanted)]
    Concept.objects.bulk_create(rows, ignore_conflicts=True)
    known = Concept.objects.filter(name__in={name for _, name in wanted})
    return {(concept.category, concept.name): concept for concept in known}
