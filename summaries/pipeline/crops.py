"""Crops: regions as taggers see them, with the part and concept masks that lie under them."""

import io
from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from annotations import files
from annotations.models import Concept, Image, Segment
from summaries.engine.visual import pictures
from summaries.engine.visual.regions import EVIDENCE
from summaries.models import Region, RunImage
from summaries.pipeline import evidence
from summaries.taggers import Concept as Known
from summaries.taggers import Region as Seen


def pixels_of(region: Region) -> NDArray[np.bool_]:
    """The region's own pixels (S, S); by boxes the evidence inside the box, which is what counts of it."""
    if region.file:
        return evidence.mask_of_region(region) > 0
    inside = np.zeros((region.run_image.run_class.run.network.input_size,) * 2, bool)
    box = slice(region.y0, region.y1), slice(region.x0, region.x1)
    inside[box] = mask_of(region.run_image)[box]
    return inside


def mask_of(run_image: RunImage) -> NDArray[np.bool_]:
    return evidence.mask_of(run_image) > EVIDENCE


def seen(run_image: RunImage, own: NDArray[np.bool_], view: str) -> Seen:
    """What the tagger gets of a region: dimmed as its tile is, without lines; or the crop of its box."""
    picture, side = evidence.picture_of(run_image), own.shape[0]
    if view == "crop":
        box = _box(own)
        crop = picture[box]
        return Seen(crop, np.ones(crop.shape[:2], bool), partial(_known, run_image.image_id, side, box))
    dimmed = pictures.dimmed(picture, own)
    return Seen(dimmed, own, partial(_known, run_image.image_id, side, (slice(None), slice(None))))


def _box(own: NDArray[np.bool_]) -> tuple[slice, slice]:
    down, along = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    if not len(down):
        return slice(0, 1), slice(0, 1)
    return slice(int(down[0]), int(down[-1]) + 1), slice(int(along[0]), int(along[-1]) + 1)


def _known(image_pk: int, side: int, box: tuple[slice, slice]) -> Sequence[Known]:
    return [
        Known(name, category, labels[box] == value)
        for name, category, value, labels in _segments(image_pk, side)
    ]


@lru_cache(maxsize=64)
def _segments(image_pk: int, side: int) -> list[tuple[str, str, int, NDArray]]:
    """The image's segments: name, category, and value in a label map, stretched to the network's square.

    What is said of the whole image says nothing of a region, and is left out."""
    rows = list(Segment.objects.filter(image=image_pk).exclude(file="").select_related("concept"))
    maps = {file: stretch(_labels(file), side) for file in {row.file for row in rows}}
    return [(row.concept.name, row.concept.category, row.value, maps[row.file]) for row in rows]


def _labels(file: str) -> NDArray[np.uint8]:
    return np.array(Pillow.open(io.BytesIO(files.get(file))))


def stretch(labels: NDArray, side: int) -> NDArray:
    """A label map (H, W) of the upright picture in the geometry of masks and regions, (side, side): each
    pixel has the label under its centre, as the picture itself is stretched, whatever its proportions."""
    rows, columns = (((np.arange(side) + 0.5) * length / side).astype(int) for length in labels.shape)
    return labels[rows[:, None], columns[None, :]]


def segments_of(images: Sequence[Image]) -> list[list]:
    """What the tags depend on beside the pictures: which masks there are, and what they are called."""
    rows = Segment.objects.filter(image__in=images).exclude(concept__category=Concept.Category.SCENE)
    values = rows.values_list("image__sha256", "file", "value", "concept__category", "concept__name")
    return sorted(list(each) for each in values)
