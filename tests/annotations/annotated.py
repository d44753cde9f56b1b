"""Small annotated images for the tests of importers and exporters, and what the rows say of them."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from annotations import files, maps
from annotations.models import Segment


def picture(seed: int = 0, width: int = 48, height: int = 40) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    return png(pixels)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def known(image_set: str) -> dict[tuple[str, ...], bytes]:
    """(image, category, concept) -> its pixels, with "whole" for none, as rows and stored maps tell."""
    found = {}
    rows = Segment.objects.filter(image__labelled_images__image_set__name=image_set)
    for row in rows.select_related("concept", "image"):
        key = row.image.sha256[:8], row.concept.category, row.concept.name
        mask = maps.decode(files.get(row.file)) == row.value if row.file else None
        assert row.area == (mask.sum() if row.file else row.image.width * row.image.height)
        found[*key, "pixels" if row.file else "whole"] = mask.tobytes() if row.file else b""
    return found


@pytest.fixture(autouse=True)
def store(settings, tmp_path):
    """A file store of the test's own; tests import it by name."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "annotations.files.ContentStorage",
            "OPTIONS": {"location": tmp_path / "files"},
        },
    }
