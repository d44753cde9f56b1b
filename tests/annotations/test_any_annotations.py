"""Whatever stands in a place of files that are otherwise good, they are imported or refused, never more."""

import json
import time

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotations import files
from annotations.models import Segment
from tests.annotations.annotated import picture, png, store

__all__ = ["store"]
RUNS = [0, 20, 1900]
LEVEL = {"file": "a_level0.png", "names": {"1": "car, auto"}}
PART = {"name": "lear", "rle": RUNS}
GOOD = {
    "coco": {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 48, "height": 40}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9]]},
            {"id": 2, "image_id": 1, "category_id": 1, "segmentation": {"size": [40, 48], "counts": RUNS}},
            {
                "image_id": 1,
                "file_name": "a_level0.png",
                "segments_info": [{"id": 1, "category_id": 1}],
            },
        ],
        "categories": [{"id": 1, "name": "car", "supercategory": "vehicle", "synonyms": ["auto"]}],
    },
    "pascal-part": {
        "image": "a.jpg",
        "size": [48, 40],
        "objects": [{"cls": "cat", "rle": RUNS, "parts": [PART]}],
    },
    "ade20k": {"image": "a.jpg", "size": [48, 40], "levels": [LEVEL]},
    "label-maps": {"1": "car", "0": {"name": "wheel", "category": "part", "synonyms": ["tyre"]}},
}
ODD = st.recursive(
    st.sampled_from(
        [None, True, -1, 0, 1, 10**400, 1e300, float("nan"), "", "\0", "\ud800", "../a", "a" * 300]
    )
    | st.integers()
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


def replaced(content, place, odd):
    """The content with what stands at the `place`-th node replaced; and how many nodes were passed."""
    if place == 0:
        return odd, -1
    place -= 1
    if not isinstance(content, dict | list):
        return content, place
    made = content.copy()
    for key in list(made) if isinstance(made, dict) else range(len(made)):
        made[key], place = replaced(made[key], place, odd)
        if place < 0:
            break
    return made, place


@pytest.mark.django_db
@pytest.mark.parametrize("form", GOOD)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 30), odd=ODD)
def test_any_value_in_any_place_is_imported_or_refused(tmp_path, form, place, odd):
    folder = tmp_path / str(time.monotonic_ns())
    folder.mkdir()
    content, _ = replaced(GOOD[form], place, odd)
    (folder / ("a.json" if form != "label-maps" else "classes.json")).write_text(json.dumps(content))
    (folder / "a.jpg").write_bytes(picture(1))
    labels = np.zeros((40, 48), np.uint8)
    labels[:9] = 1
    (folder / ("a_level0.png" if form != "label-maps" else "a_label.png")).write_bytes(png(labels))
    try:
        call_command("import_images", str(folder), "--name", folder.name, "--format", form)
    except CommandError as refusal:
        assert refusal.returncode == 2 and "\n" not in str(refusal)
    assert all(files.exists(file) for file in Segment.objects.exclude(file="").values_list("file", flat=True))
