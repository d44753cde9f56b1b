"""What leaves of each image: its file, and which pixels show which concept. Few images are held at once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from django.db.models import Count, Min, QuerySet
from numpy.typing import NDArray

from annotations import Refusal, files, maps
from annotations.models import Image, ImageSet, LabelledImage, Segment
from annotations.terms import Term

BATCH = 32


@dataclass
class Sheet:
    """An image of a set under the name it gets; masks are those of all its label maps together."""

    image: Image
    path: str
    masks: dict[Term, NDArray[np.bool_]] = field(default_factory=dict)
    whole: set[Term] = field(default_factory=set)


def sheets_of(image_set: ImageSet) -> Iterator[Sheet]:
    """All images of the set, in order of arrival, each once."""
    shared = _shared_paths(image_set)
    last = 0
    while places := list(_first_places(image_set).filter(image__gt=last)[:BATCH]):
        paths = dict(
            LabelledImage.objects.filter(pk__in=[first for _, first in places]).values_list("image", "path")
        )
        segments = _segments([image for image, _ in places])
        for image in Image.objects.filter(pk__in=paths).order_by("pk"):
            yield _sheet(image, _name(image, paths[image.pk], shared), segments[image.pk])
        last = places[-1][0]


def segments_of(image_set: ImageSet) -> QuerySet[Segment]:
    return Segment.objects.filter(image__in=image_set.labelled_images.values("image"))


def new_folder(out: Path) -> Path:
    """`out`, made; refused if something is in it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise Refusal(f"{out} is not empty; choose another folder.")
    except OSError as error:
        raise Refusal(f"{out} cannot be made a folder: {error.strerror}.") from error
    return out


def write_file(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _first_places(image_set: ImageSet) -> QuerySet:
    """(image, its first place in the set), by image."""
    return (
        LabelledImage.objects.filter(image_set=image_set)
        .order_by("image_id")
        .values_list("image")
        .annotate(first=Min("pk"))
    )


def _shared_paths(image_set: ImageSet) -> set[str]:
    """Paths that more than one image has, having come from different folders."""
    counted = (
        image_set.labelled_images.order_by("path").values("path").annotate(n=Count("image", distinct=True))
    )
    return set(counted.filter(n__gt=1).values_list("path", flat=True))


def _name(image: Image, path: str, shared: set[str]) -> str:
    """The image's path; where it cannot be a cell's item or is not its alone, its content tells it apart."""
    if path not in shared and ";" not in path:
        return path
    parted = Path(path.replace(";", "_"))
    return str(parted.with_name(f"{parted.stem}_{image.sha256[:12]}{parted.suffix}"))


def _segments(images: Sequence[int]) -> dict[int, list[Segment]]:
    found = defaultdict(list)
    for row in Segment.objects.filter(image__in=images).select_related("concept"):
        found[row.image_id].append(row)
    return found


def _sheet(image: Image, path: str, segments: Sequence[Segment]) -> Sheet:
    sheet = Sheet(image, path)
    labels = {file: maps.decode(files.get(file)) for file in {row.file for row in segments} if file}
    for row in segments:
        term = Term(row.concept.category, row.concept.name, tuple(row.concept.synonyms))
        if row.file:
            maps.join(sheet.masks, term, labels[row.file] == row.value)
        else:
            sheet.whole.add(term)
    return sheet
