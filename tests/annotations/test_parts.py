import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from annotations import outlines
from annotations.importers.pascal_part import word_of
from annotations.models import Segment
from tests.annotations.annotated import known, picture, png, store, terms
from tests.shared_data import SHARED, needs_shared

__all__ = ["store"]


def imported(path, form, capsys):
    call_command("import_images", str(path), "--name", form, "--format", form)
    return capsys.readouterr()


def areas():
    return dict(Segment.objects.values_list("concept__name", "area"))


def square(top, left, side=8):
    mask = np.zeros((40, 48), bool)
    mask[top : top + side, left : left + side] = True
    return outlines.to_runs(mask)


@pytest.fixture
def pets(tmp_path):
    """A cat with legs that overlap its body, and files that are no good."""
    cat = {"cls": "cat", "rle": square(0, 0, 20)}
    cat["parts"] = [
        {"name": "lfleg", "rle": square(10, 0)},
        {"name": "rbleg", "rle": square(14, 4)},
        {"name": "wheel_1", "rle": [1, 2]},
    ]
    lone = {
        "image": "b.jpg",
        "size": [48, 40],
        "objects": [{"cls": "tvmonitor", "rle": square(0, 0), "parts": []}],
    }
    files = {
        "a.json": {"image": "a.jpg", "size": [48, 40], "objects": [cat]},
        "b.json": lone,
        "big.json": {**lone, "size": [400, 300]},
        "gone.json": {**lone, "image": "gone.jpg"},
        "nameless.json": {"objects": []},
        "odd.json": {"image": "b.jpg", "objects": 3},
        "out.json": {**lone, "image": "/etc/hosts"},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "cut.json").write_text('{"image": "b.jpg"')
    for seed, name in enumerate(("a", "b", "lonely")):
        (tmp_path / f"{name}.jpg").write_bytes(picture(seed))
    return tmp_path


@pytest.mark.django_db
def test_objects_and_parts_of_pascal_part_become_segments_that_overlap(pets, capsys):
    said = imported(pets, "pascal-part", capsys)
    assert "2 imported, 0 already there, 8 refused" in said.out
    assert terms() == {("object", "cat"), ("object", "tv monitor"), ("part", "leg")}
    assert areas() == {"cat": 400, "tv monitor": 64, "leg": 64 + 64 - 16}
    for line in (
        "a.json: wheel of object 1: the run lengths are not those of a mask of 48 x 40 px",
        "big.json: it says [400, 300] px, but the picture has 48 x 40",
        "cut.json: the file is no JSON",
        "gone.jpg: the file is not there",
        "lonely.jpg: has no JSON file beside it",
        "nameless.json: the file does not name its image",
        "odd.json: 'objects' is no list of objects",
        "out.json: '/etc/hosts' lies outside the folder",
    ):
        assert line in said.err, line


@pytest.mark.django_db
def test_levels_of_ade20k_become_objects_and_parts(tmp_path, capsys):
    objects, parts = np.zeros((40, 48), np.uint8), np.zeros((40, 48), np.uint8)
    objects[:20], parts[5:9, 5:9] = 1, 4
    levels = [
        {"file": "a_level0.png", "names": {"1": "car, auto, motor_car", "2": "sky"}},
        {"file": "a_level1.png", "names": {"4": "wheel"}},
        {"file": "a_level2.png", "names": {"1": "rim"}},
        {"file": "a_level3.png", "names": {"1": "hub"}},
        {"file": "../a.png", "names": {}},
        {"file": "a_level1.png"},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"image": "a.jpg", "size": [48, 40], "levels": levels}))
    (tmp_path / "a.jpg").write_bytes(picture(1))
    for name, labels in {"level0": objects, "level1": parts, "level2": parts}.items():
        (tmp_path / f"a_{name}.png").write_bytes(png(labels))
    said = imported(tmp_path, "ade20k", capsys)
    assert "1 imported, 0 already there, 4 refused" in said.out
    assert terms() == {("object", "car", "auto", "motor car"), ("part", "wheel")}
    assert areas() == {"car": 960, "wheel": 16}
    for line in (
        "a_level2.png: the value 4 has no name",
        "a_level3.png: the file is not there",
        "../a.png: '../a.png' lies outside the folder",
        "a_level1.png: its values have no names",
    ):
        assert line in said.err, line


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["ade20k", "pascal-part"])
def test_a_folder_without_any_is_refused(tmp_path, capsys, form):
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(CommandError) as refusal:
        imported(tmp_path, form, capsys)
    assert refusal.value.returncode == 2
    assert "holds no image that can be used (a.json: the file does not name its image)" in str(refusal.value)


def test_codes_of_parts_are_put_into_words():
    assert [word_of(code) for code in ("lear", "rfuleg", "window_12", "fliplate", "torso")] == [
        "ear",
        "leg",
        "window",
        "license plate",
        "torso",
    ]


@needs_shared
@pytest.mark.django_db
@pytest.mark.parametrize(("form", "folder"), [("pascal-part", "pascal_part"), ("ade20k", "ade20k")])
def test_real_parts_are_imported_and_come_back_from_both_forms(tmp_path, capsys, form, folder):
    assert " 0 refused" in imported(SHARED / "data" / "parts" / folder, form, capsys).out
    before = known(form)
    for other in ("broden", "coco"):
        out = str(tmp_path / other)
        call_command("export_images", "--name", form, "--format", other, "--out", out)
        call_command("import_images", out, "--name", other, "--format", other)
        assert known(other) == before
    assert Segment.objects.count() == len(before)
