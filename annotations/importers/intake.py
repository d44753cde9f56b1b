"""Storing a collection: files first, then rows, a small batch at a time. A kill leaves nothing half done."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from annotations import Refusal, files, pictures
from annotations.importers.annotated import AnnotatedCollection
from annotations.importers.collection import Collection, Flaw, LabelledFiles
from annotations.importers.folder import printable
from annotations.models import ClassLabel, Image, ImageSet, LabelledImage

BATCH = 64
LARGEST_FILE = 500_000_000
LONGEST_PATH = 1000


@dataclass(frozen=True)
class Photograph:
    """A file that was read and found good, and is in the store."""

    path: str
    sha256: str
    width: int
    height: int
    file: str


@dataclass
class Report:
    imported: int = 0
    known: int = 0
    flaws: list[Flaw] = field(default_factory=list)


def import_collection(
    collection: Collection,
    name: str,
    *,
    limit_per_class: int | None = None,
    advance: Callable[[int], object] = lambda files: None,
) -> Report:
    """Adds to the image set `name` what it lacks; `advance` is told how many more files are dealt with.

    With a limit, each class takes its first files in order of name that are good, up to that many.
    """
    check_set(collection, name)
    report = Report(flaws=list(collection.flaws))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for label in collection.classes:
            for batch in _batches(label, limit_per_class, report):
                _store_batch(collection, name, label, threads.map(Reading(collection.root), batch), report)
                advance(len(batch))
    return report


def check_set(collection: Collection | AnnotatedCollection, name: str) -> None:
    """Refuses names that cannot be, and labels that the set already has from elsewhere."""
    if not name.strip() or len(name) > ImageSet._meta.get_field("name").max_length:
        raise Refusal("The image set's name must have 1 to 100 characters.")
    image_set = ImageSet.objects.filter(name=name).first()
    if image_set is None:
        return
    if image_set.source.startswith(ImageSet.GENERATED):
        raise Refusal(f"The image set '{name}' is generated; import photographs under another name.")
    present = dict(image_set.labels.values_list("name", "folder"))
    for label in collection.classes:
        folder = present.get(label.name, label.folder)
        if folder != label.folder:
            raise Refusal(
                f"The image set '{name}' already has the class '{label.name}', from the folder '{folder}'; "
                f"'{label.folder}' gives the same label."
            )


def _batches(label: LabelledFiles, limit: int | None, report: Report) -> Iterator[tuple[Path, ...]]:
    """Files until the class has its limit of good ones: what was refused is made up for by later files."""
    before = report.imported + report.known
    start = 0
    while start < len(label.files):
        good = report.imported + report.known - before
        size = BATCH if limit is None else min(BATCH, limit - good)
        if size <= 0:
            return
        yield label.files[start : start + size]
        start += size


class Reading:
    """Reads, judges and stores one file; runs in threads, without the database."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, file: Path) -> Photograph | Flaw:
        path = printable(str(file.relative_to(self.root)))
        try:
            data = bytes_of(file)
            width, height = pictures.inspect(data)
        except Refusal as error:
            return Flaw(path, str(error))
        if path != str(file.relative_to(self.root)) or len(path) > LONGEST_PATH:
            return Flaw(path, "the file's name is not valid UTF-8 or too long")
        key = files.put(data, pictures.suffix_of(data))
        return Photograph(path, hashlib.sha256(data).hexdigest(), width, height, key)


def bytes_of(file: Path) -> bytes:
    try:
        if file.is_dir():
            raise Refusal("the folder cannot be read")
        if not file.is_file():
            raise Refusal("the file is not there or not an ordinary file")
        if file.stat().st_size > LARGEST_FILE:
            raise Refusal("the file is larger than 500 MB")
        return file.read_bytes()
    except OSError as error:
        raise Refusal(f"the file cannot be read: {error.strerror}") from error


def _store_batch(
    collection: Collection,
    name: str,
    label: LabelledFiles,
    readings: Iterator[Photograph | Flaw],
    report: Report,
) -> None:
    results = list(readings)
    report.flaws += [result for result in results if isinstance(result, Flaw)]
    photographs = [result for result in results if isinstance(result, Photograph)]
    if photographs:
        new = _write_rows(name, str(collection.root), label, photographs)
        report.imported += new
        report.known += len(photographs) - new


@transaction.atomic
def _write_rows(name: str, source: str, label: LabelledFiles, photographs: list[Photograph]) -> int:
    """Rows for one batch; returns how many places in the set are new."""
    image_set, _ = ImageSet.objects.get_or_create(name=name, defaults={"source": source})
    row, _ = ClassLabel.objects.get_or_create(
        image_set=image_set, folder=label.folder, defaults={"name": label.name, "synset": label.synset}
    )
    images = add_images(photographs)
    places = {images[photo.sha256].pk: photo.path for photo in reversed(photographs)}
    present = set(row.labelled_images.filter(image__in=places).values_list("image", flat=True))
    LabelledImage.objects.bulk_create(
        [
            LabelledImage(image_set=image_set, label=row, image_id=image, path=path)
            for image, path in places.items()
            if image not in present
        ],
        ignore_conflicts=True,
    )
    return len(places) - len(present)


def add_images(photographs: list[Photograph]) -> dict[str, Image]:
    """Rows of pictures that are in the store, by SHA-256; those that exist are left as they are."""
    Image.objects.bulk_create(
        [
            Image(sha256=photo.sha256, width=photo.width, height=photo.height, file=photo.file)
            for photo in photographs
        ],
        ignore_conflicts=True,
    )
    return {image.sha256: image for image in Image.objects.filter(sha256__in=[p.sha256 for p in photographs])}
