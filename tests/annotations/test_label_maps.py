import io
import json
import signal
import time

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image as Pillow

from annotations import maps
from annotations.models import ClassLabel, Concept, Image, LabelledImage, Segment
from tests.annotations.annotated import count, known, manage, picture, png, store
from tests.shared_data import SHARED, needs_shared

__all__ = ["store"]
NAMES = {"0": "sky", "1": "road_way", "2": {"name": "wheel", "category": "part"}, "11": "unlabelled"}


@pytest.fixture
def street(tmp_path):
    """Two pictures of 48 x 40 with label maps beside them, and a names file."""
    root = tmp_path / "street"
    root.mkdir()
    (root / "classes.json").write_text(json.dumps(NAMES))
    for seed in (1, 2):
        labels = np.full((40, 48), 11, np.uint8)
        labels[:10], labels[10:30], labels[20:25, :5] = 0, 1, 2
        (root / f"{seed}.png").write_bytes(picture(seed))
        (root / f"{seed}_label.png").write_bytes(png(labels))
    return root


def imported(path, capsys, *options):
    call_command("import_images", str(path), "--name", "streets", "--format", "label-maps", *options)
    return capsys.readouterr()


@pytest.mark.django_db
def test_label_maps_become_segments_and_a_second_import_adds_nothing(street, capsys):
    assert "2 imported, 0 already there, 0 refused" in imported(street, capsys).out
    assert set(Concept.objects.values_list("category", "name")) == {
        ("object", "sky"),
        ("object", "road way"),
        ("part", "wheel"),
    }
    assert set(Segment.objects.values_list("concept__name", "area", "source")) == {
        ("sky", 480, "imported"),
        ("road way", 20 * 48 - 25, "imported"),
        ("wheel", 25, "imported"),
    }
    assert ClassLabel.objects.get().name == "all"
    before = known("streets")
    assert "0 imported, 2 already there, 0 refused" in imported(street, capsys).out
    assert known("streets") == before and Segment.objects.count() == 6


@pytest.mark.django_db
def test_images_that_the_set_has_in_a_class_stay_there_and_get_their_segments(street, capsys, tmp_path):
    (tmp_path / "in" / "corner").mkdir(parents=True)
    (tmp_path / "in" / "corner" / "1.png").write_bytes(picture(1))
    call_command("import_images", str(tmp_path / "in"), "--name", "streets")
    assert "1 imported, 1 already there" in imported(street, capsys).out
    assert sorted(LabelledImage.objects.values_list("label__name", flat=True)) == ["all", "corner"]
    assert Segment.objects.filter(image__labelled_images__label__name="corner").count() == 3


@pytest.mark.django_db
def test_bad_maps_are_named_and_the_rest_is_imported(street, capsys):
    good = (street / "1_label.png").read_bytes()
    flawed = {
        "cut": good[:80],
        "small": png(np.zeros((20, 24), np.uint8)),
        "value": png(np.full((40, 48), 7, np.uint8)),
        "colour": png(np.random.default_rng(0).integers(0, 9, (40, 48, 3), np.uint8)),
        "text": b"no map",
    }
    for number, (name, data) in enumerate(flawed.items()):
        (street / f"{name}.png").write_bytes(picture(10 + number))
        (street / f"{name}_label.png").write_bytes(data)
    (street / "lonely.png").write_bytes(picture(9))
    (street / "widow_label.png").write_bytes(good)
    said = imported(street, capsys)
    assert "2 imported, 0 already there, 7 refused" in said.out
    for line in (
        "cut_label.png: the picture is truncated or damaged",
        "small_label.png: the map has 24 x 20 px where 48 x 40 are due",
        "value_label.png: the value 7 has no name in the names file",
        "colour_label.png: the map is a picture in colour",
        "text_label.png: not a picture",
        "lonely.png: has no label map",
        "widow_label.png: belongs to no picture",
    ):
        assert line in said.err
    assert Image.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.json", "{"),
        ("classes.json", '{"a": "sky"}'),
        ("classes.json", '{"0": {"name": "sky", "category": "mood"}}'),
        ("classes.json", '{"0": "void"}'),
        ("names.txt", "0 sky\nroad"),
        ("readme.md", "0 sky"),
    ],
)
def test_names_that_cannot_be_used_refuse_it_all(street, capsys, name, text):
    (street / "classes.json").unlink()
    (street / name).write_text(text)
    with pytest.raises(CommandError) as refusal:
        imported(street, capsys)
    assert refusal.value.returncode == 2 and str(refusal.value).count("\n") == 0


@pytest.mark.django_db
def test_colours_in_maps_have_names_too_and_maps_may_lie_in_a_folder_of_their_own(tmp_path, capsys):
    root = tmp_path / "camvid"
    for folder in ("images", "labels"):
        (root / folder / "val").mkdir(parents=True)
    labels = np.zeros((40, 48, 3), np.uint8)
    labels[:20] = 128, 64, 128
    (root / "images" / "val" / "a.png").write_bytes(picture(3))
    (root / "labels" / "val" / "a.png").write_bytes(png(labels))
    (root / "label_colors.txt").write_text("0 0 0\t\tVoid\n128 64 128\t\tRoad\n")
    assert "1 imported" in imported(root, capsys).out
    assert Segment.objects.get().concept.name == "Road" and Segment.objects.get().area == 960


@pytest.mark.django_db
def test_a_limit_is_one_of_images(street, capsys):
    assert "1 imported" in imported(street, capsys, "--limit-per-class", "1").out


def test_masks_that_overlap_go_to_several_maps_and_more_than_255_too():
    rng = np.random.default_rng(0)
    masks = {number: rng.random((20, 20)) < 0.2 for number in range(30)}
    masks |= {100 + number: np.arange(400).reshape(20, 20) == number for number in range(300)}
    packed = maps.pack(masks)
    read = {key: labels == value for labels, keys in packed for value, key in enumerate(keys, 1)}
    assert all((read[key] == mask).all() for key, mask in masks.items())
    assert max(len(keys) for _, keys in packed) <= 255


@pytest.mark.parametrize(("new", "old"), [(224, 112), (227, 113), (225, 112), (7, 7), (300, 1), (5, 4)])
def test_shrinking_undoes_enlarging(new, old):
    labels = np.random.default_rng(0).integers(0, 9, (old, old))
    assert (maps.enlarge(maps.enlarge(labels, (new, new)), (old, old)) == labels).all()


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGB", "I;16"])
def test_maps_of_all_modes_are_read_as_numbers(mode):
    image = Pillow.new("I;16" if mode == "I;16" else mode, (40, 40), 0)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    assert maps.decode(buffer.getvalue()).sum() == 0


def test_an_import_killed_half_way_is_completed_by_the_next(tmp_path):
    home, root = tmp_path / "home", tmp_path / "in"
    home.mkdir()
    root.mkdir()
    labels = np.arange(40 * 48).reshape(40, 48) % 7
    (root / "names.txt").write_text("\n".join("abcdefg"))
    for number in range(400):
        (root / f"{number}.png").write_bytes(picture(number))
        (root / f"{number}_label.png").write_bytes(png(np.roll(labels, number).astype(np.uint8)))
    words = "import_images", str(root), "--name", "letters", "--format", "label-maps"
    assert manage(home, "migrate", "-v0").wait() == 0
    process = manage(home, *words)
    while process.poll() is None and count(home, "segment") == 0:
        time.sleep(0.01)  # leaves the processor to the import
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = count(home, "labelledimage")
    assert 0 < there < 400, "the kill came too early or too late to tell"
    assert count(home, "segment") == 7 * there
    out, _ = manage(home, *words).communicate()
    assert b" 0 refused" in out
    assert count(home, "segment") == 7 * 400 and count(home, "image") == 400


@needs_shared
@pytest.mark.django_db
def test_camvid_is_imported(capsys):
    assert (
        "20 imported" in imported(SHARED / "data" / "concepts_camvid", capsys, "--limit-per-class", "20").out
    )
    assert "unlabelled" not in Concept.objects.values_list("name", flat=True)
    assert Segment.objects.filter(concept__name="sky").exists()
