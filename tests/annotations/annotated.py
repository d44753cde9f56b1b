"""Small annotated images for the tests of importers and exporters, and what the rows say of them."""

import io
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image as Pillow

from annotations import files, maps
from annotations.importers.annotated import Annotated, AnnotatedCollection, Findings
from annotations.importers.segments import import_annotated
from annotations.models import Concept, Image, ImageSet, LabelledImage, Segment
from annotations.terms import NOTHING, Term

ROOT = Path(__file__).resolve().parents[2]


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


def describe(folder: Path, name: str, described: Sequence[Findings]) -> None:
    """An image set of pictures with these findings, imported as any other."""
    folder.mkdir(parents=True)
    entries = []
    for number, findings in enumerate(described):
        file = folder / f"{number}.png"
        file.write_bytes(picture(number))
        entries.append(Annotated(file, lambda width, height, findings=findings: findings))
    import_annotated(AnnotatedCollection(folder, len(entries), lambda: iter(entries)), name)


def terms() -> set[tuple[str, ...]]:
    """(category, name, synonyms) of all concepts that some image shows."""
    rows = Concept.objects.filter(segments__isnull=False)
    return {(row.category, row.name, *row.synonyms) for row in rows}


def forget() -> None:
    """As before anything was imported."""
    for model in (Segment, LabelledImage, ImageSet, Image, Concept):
        model.objects.all().delete()


NAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="_;"),
    min_size=1,
    max_size=8,
).filter(lambda name: name.casefold() not in NOTHING)
TERMS = st.builds(
    Term,
    st.sampled_from(Concept.Category.values),
    NAMES,
    st.lists(NAMES, max_size=2, unique=True).map(lambda names: tuple(sorted(names))),
)


@st.composite
def findings(draw) -> list[Findings]:
    """What might be known of one or two images: masks that overlap, image-level labels, or nothing."""
    drawn = draw(st.lists(TERMS, max_size=6, unique=True))
    terms = [each for each in drawn if each.name not in each.synonyms]
    described = []
    for _ in range(draw(st.integers(1, 2))):
        found = Findings()
        for term in terms:
            seed = draw(st.integers(0, 9))
            if seed < 3:
                found.whole.add(term)
            if seed > 1:
                found.add(term, np.random.default_rng(seed).random((40, 48)) < seed / 10)
        described.append(found)
    return described


def manage(home: Path, *words: str) -> subprocess.Popen:
    """manage.py in a process and a home of its own, to be killed."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={**os.environ, "MERONYM_HOME": str(home), "DATABASE_URL": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def count(home: Path, table: str) -> int:
    with sqlite3.connect(home / "meronym.sqlite3") as database:
        return database.execute(f"SELECT count(*) FROM annotations_{table}").fetchone()[0]
