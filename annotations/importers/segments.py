"""Storing annotated images: pictures and label maps first, then rows of a small batch in one transaction."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter

import numpy as np
from django.db import transaction

from annotations import Refusal, files, maps
from annotations.importers.annotated import ALL, Annotated, AnnotatedCollection, Findings
from annotations.importers.collection import Flaw
from annotations.importers.folder import printable
from annotations.importers.intake import Photograph, Reading, Report, add_images, check_set
from annotations.models import ClassLabel, Concept, Image, ImageSet, LabelledImage, Segment
from annotations.terms import Term

BATCH = 32


@dataclass(frozen=True)
class Place:
    """Where a term is: the pixels of a stored map that have the value, or with no file the whole image."""

    term: Term
    file: str
    value: int
    area: int


@dataclass(frozen=True)
class Stored:
    """An image and its label maps that are in the store, and what could not be used."""

    photograph: Photograph | None
    places: tuple[Place, ...]
    flaws: tuple[Flaw, ...]


def import_annotated(
    collection: AnnotatedCollection,
    name: str,
    *,
    limit_per_class: int | None = None,
    advance: Callable[[int], object] = lambda files: None,
) -> Report:
    """Adds to the image set `name` the images it lacks, and to all of them the segments they lack.

    All images are of one class; one that the set has in another class stays there.
    """
    check_set(collection, name)
    report = Report()
    images = collection.images()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        while batch := list(islice(images, _size(limit_per_class, report))):
            stored = list(threads.map(_Annotating(collection), batch))
            _store_batch(collection, name, stored, report)
            advance(len(batch))
    return report


def _size(limit: int | None, report: Report) -> int:
    return BATCH if limit is None else min(BATCH, limit - report.imported - report.known)


class _Annotating:
    """Reads, judges and stores one image and its maps; runs in threads, without the database."""

    def __init__(self, collection: AnnotatedCollection) -> None:
        self.reading = Reading(collection.root)

    def __call__(self, entry: Annotated | Flaw) -> Stored:
        if isinstance(entry, Flaw):
            return Stored(None, (), (entry,))
        photograph = self.reading(entry.file)
        if isinstance(photograph, Flaw):
            return Stored(None, (), (photograph,))
        try:
            findings = entry.read(photograph.width, photograph.height)
        except Refusal as error:
            return Stored(None, (), (Flaw(printable(entry.about or photograph.path), str(error)),))
        if findings.useless:
            return Stored(None, (), tuple(findings.flaws))
        return Stored(photograph, tuple(_places(findings, photograph)), tuple(findings.flaws))


def _places(findings: Findings, photograph: Photograph) -> Iterator[Place]:
    for term in sorted(findings.whole):
        yield Place(term, "", 1, photograph.width * photograph.height)
    yield from put_maps(findings.masks)


def put_maps(masks: dict[Term, np.ndarray]) -> Iterator[Place]:
    """Stores the masks, each category in maps of its own, and tells where each of them is."""
    for _, terms in groupby(sorted(masks), attrgetter("category")):
        for labels, keys in maps.pack({term: masks[term] for term in terms}):
            file = files.put(maps.as_bytes(labels), ".png")
            areas = np.bincount(labels.ravel(), minlength=len(keys) + 1)
            for value, term in enumerate(keys, start=1):
                yield Place(term, file, value, int(areas[value]))


def _store_batch(
    collection: AnnotatedCollection, name: str, stored: Sequence[Stored], report: Report
) -> None:
    report.flaws += [flaw for each in stored for flaw in each.flaws]
    good = [each for each in stored if each.photograph]
    if good:
        new = _write_rows(name, str(collection.root), good)
        report.imported += new
        report.known += len(good) - new


@transaction.atomic
def _write_rows(name: str, source: str, stored: Sequence[Stored]) -> int:
    """Rows of one batch; returns how many images are new to the set."""
    image_set, _ = ImageSet.objects.get_or_create(name=name, defaults={"source": source})
    label, _ = ClassLabel.objects.get_or_create(
        image_set=image_set, folder=ALL.folder, defaults={"name": ALL.name}
    )
    images = add_images([each.photograph for each in stored])
    new = _add_places(label, {images[e.photograph.sha256].pk: e.photograph.path for e in reversed(stored)})
    add_segments(
        ((images[each.photograph.sha256], place) for each in stored for place in each.places),
        Segment.Source.IMPORTED,
    )
    return new


def _add_places(label: ClassLabel, paths: dict[int, str]) -> int:
    known = LabelledImage.objects.filter(image_set=label.image_set, image__in=paths)
    present = set(known.values_list("image", flat=True))
    rows = [
        LabelledImage(image_set=label.image_set, label=label, image_id=image, path=path)
        for image, path in paths.items()
        if image not in present
    ]
    LabelledImage.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def add_segments(places: Iterable[tuple[Image, Place]], source: str) -> None:
    """Rows of segments whose maps are in the store; those that exist are left as they are."""
    places = list(places)
    concepts = add_concepts({place.term for _, place in places})
    rows = [
        Segment(
            image=image,
            concept=concepts[place.term],
            file=place.file,
            value=place.value,
            area=place.area,
            source=source,
        )
        for image, place in places
    ]
    Segment.objects.bulk_create(rows, ignore_conflicts=True)


def add_concepts(terms: set[Term]) -> dict[Term, Concept]:
    """Rows of the terms; one that exists gets the synonyms that it lacks."""
    known = _concepts(terms)
    missing = [Concept(category=each.category, name=each.name) for each in sorted(terms - known.keys())]
    if missing:
        Concept.objects.bulk_create(missing, ignore_conflicts=True)
        known = _concepts(terms)
    changed = []
    for each in terms:
        concept = known[each]
        synonyms = sorted({*concept.synonyms, *each.synonyms})
        if synonyms != sorted(concept.synonyms):
            concept.synonyms = synonyms
            changed.append(concept)
    Concept.objects.bulk_update(changed, ["synonyms"])
    return known


def _concepts(terms: set[Term]) -> dict[Term, Concept]:
    rows = Concept.objects.filter(name__in={each.name for each in terms})
    return {Term(row.category, row.name): row for row in rows}
