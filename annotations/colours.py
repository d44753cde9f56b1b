"""Colours as concepts: which pixels of an image have which name, by a rule that the caller brings."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from numpy.typing import NDArray

from annotations import Refusal, files, maps, pictures
from annotations.importers.collection import Flaw
from annotations.importers.segments import BATCH, Place, add_segments, put_maps
from annotations.models import Concept, Image, ImageSet, Segment
from annotations.terms import Term

COLOUR = Concept.Category.COLOUR
UNKNOWN = 255


class Palette:
    """The rule, asked once for each of the 16.8 million colours that turns up: photographs repeat theirs."""

    def __init__(self, names: Sequence[str], name_pixels: Callable[[NDArray[np.uint8]], NDArray]) -> None:
        self.terms = [Term(COLOUR, name) for name in names]
        self.name_pixels = name_pixels
        self.known = np.full(1 << 24, UNKNOWN, np.uint8)

    def masks(self, rgb: NDArray[np.uint8]) -> dict[Term, NDArray[np.bool_]]:
        """The pixels (H, W, 3) of each name that some have."""
        codes = rgb.astype(int) @ np.array([1 << 16, 1 << 8, 1])
        new = np.unique(codes[self.known[codes] == UNKNOWN])
        if new.size:
            colours = np.stack([new >> 16, new >> 8 & 255, new & 255], axis=-1).astype(np.uint8)
            self.known[new] = self.name_pixels(colours)
        return maps.masks_of(self.known[codes], {place: [term] for place, term in enumerate(self.terms)})


def uncoloured(image_set: ImageSet) -> QuerySet[Image]:
    """The set's images no pixel of which has a colour's name: neither computed, imported nor drawn."""
    coloured = Segment.objects.filter(image=OuterRef("pk"), concept__category=COLOUR).exclude(file="")
    images = Image.objects.filter(pk__in=image_set.labelled_images.values("image"))
    return images.filter(~Exists(coloured)).order_by("pk")


def name_colours(
    image_set: ImageSet, palette: Palette, *, advance: Callable[[int], object] = lambda images: None
) -> list[Flaw]:
    """Gives all images of the set that have no colours theirs; returns those that cannot be read."""
    flaws: list[Flaw] = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for batch in _batches(image_set):
            named = list(threads.map(_Naming(palette), batch))
            flaws += [each for each in named if isinstance(each, Flaw)]
            good = [
                (image, each) for image, each in zip(batch, named, strict=True) if not isinstance(each, Flaw)
            ]
            with transaction.atomic():
                add_segments(
                    ((image, place) for image, places in good for place in places), Segment.Source.GENERATED
                )
            advance(len(batch))
    return flaws


def _batches(image_set: ImageSet) -> Iterator[list[Image]]:
    last = 0
    while batch := list(uncoloured(image_set).filter(pk__gt=last)[:BATCH]):
        yield batch
        last = batch[-1].pk


class _Naming:
    """Reads one image and stores its map of colours; runs in threads, without the database."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette

    def __call__(self, image: Image) -> list[Place] | Flaw:
        try:
            return list(put_maps(self.palette.masks(pictures.read_rgb(files.get(image.file)))))
        except (Refusal, files.Missing) as error:
            return Flaw(str(image), str(error))
