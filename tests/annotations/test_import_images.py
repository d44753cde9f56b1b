import io
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from annotations import files
from annotations.importers.folder import label_of
from annotations.models import ClassLabel, Image, ImageSet, LabelledImage
from tests.annotations.annotated import count, manage
from tests.shared_data import SHARED, needs_shared


def picture(seed, side=40):
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def photographs(tmp_path):
    """Two classes of three pictures each."""
    for folder, seeds in {"n02110341_dalmatian": (1, 2, 3), "owl": (4, 5, 6)}.items():
        (tmp_path / "in" / folder).mkdir(parents=True)
        for seed in seeds:
            (tmp_path / "in" / folder / f"{seed}.png").write_bytes(picture(seed))
    return tmp_path / "in"


@pytest.fixture(autouse=True)
def store(tmp_path, request):
    if "settings" in request.fixturenames or "db" in request.fixturenames or "django_db" in request.keywords:
        settings = request.getfixturevalue("settings")
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {
                "BACKEND": "annotations.files.ContentStorage",
                "OPTIONS": {"location": tmp_path / "files"},
            },
        }


def import_images(path, capsys, *options):
    call_command("import_images", str(path), "--name", "birds", *options)
    return capsys.readouterr()


def refusal_of(path, *options):
    with pytest.raises(CommandError) as refusal:
        call_command("import_images", str(path), "--name", "birds", *options)
    assert refusal.value.returncode == 2
    return str(refusal.value)


@pytest.mark.django_db
def test_class_folders_become_an_image_set(photographs, capsys):
    assert "6 imported, 0 already there, 0 refused" in import_images(photographs, capsys).out
    labels = ClassLabel.objects.values_list("name", "synset", "folder")
    assert set(labels) == {("dalmatian", "n02110341", "n02110341_dalmatian"), ("owl", "", "owl")}
    place = LabelledImage.objects.get(path="owl/4.png")
    assert (place.image.width, place.image.height) == (40, 40)
    assert files.get(place.image.file) == picture(4)


@pytest.mark.django_db
def test_a_second_import_adds_only_what_is_new(photographs, capsys):
    import_images(photographs, capsys)
    assert "0 imported, 6 already there" in import_images(photographs, capsys).out
    (photographs / "owl" / "7.png").write_bytes(picture(7))
    assert "1 imported, 6 already there" in import_images(photographs, capsys).out
    assert (Image.objects.count(), LabelledImage.objects.count()) == (7, 7)


@pytest.mark.django_db
def test_the_same_file_twice_is_one_image(photographs, capsys):
    (photographs / "owl" / "copy.png").write_bytes(picture(4))
    (photographs / "owl" / "of-a-dog.png").write_bytes(picture(1))
    assert "7 imported, 1 already there" in import_images(photographs, capsys).out
    assert Image.objects.count() == 6


@pytest.mark.django_db
def test_bad_files_are_named_with_the_reason_and_the_rest_is_imported(photographs, capsys):
    owl = photographs / "owl"
    (owl / "empty.png").write_bytes(b"")
    (owl / "cut.png").write_bytes(picture(8)[:-100])
    (owl / "notes.txt").write_text("shot in May")
    (owl / "small.png").write_bytes(picture(9, side=20))
    (owl / "gone.png").symlink_to("nowhere.png")
    (owl / ".DS_Store").write_bytes(b"x")
    (photographs / "loose.png").write_bytes(picture(10))
    (photographs / "empty").mkdir()
    said = import_images(photographs, capsys)
    assert "6 imported, 0 already there, 7 refused" in said.out
    for line in (
        "owl/empty.png: the file is empty",
        "owl/cut.png: the picture is truncated",
        "owl/notes.txt: not a picture",
        "owl/small.png: 20 x 20 px: a side is under 32 px",
        "owl/gone.png: the file is not there",
        "loose.png: is not in a class folder",
        "empty: the folder holds no images",
    ):
        assert line in said.err
    assert ".DS_Store" not in said.err


@pytest.mark.django_db
def test_folders_below_a_class_belong_to_it_and_hidden_ones_do_not(photographs, capsys):
    for folder, seed in {"more/2019": 7, ".thumbnails": 8, "more/.ipynb_checkpoints": 9}.items():
        (photographs / "owl" / folder).mkdir(parents=True)
        (photographs / "owl" / folder / "a.png").write_bytes(picture(seed))
    assert "7 imported, 0 already there, 0 refused" in import_images(photographs, capsys).out
    assert LabelledImage.objects.filter(path="owl/more/2019/a.png").exists()


@pytest.mark.django_db
def test_a_folder_below_a_class_that_may_not_be_read_is_named(photographs, capsys, monkeypatch):
    (photographs / "owl" / "closed").mkdir()

    def scandir(path, scandir=os.scandir):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scandir)
    said = import_images(photographs, capsys)
    assert "6 imported" in said.out
    assert "owl/closed: the folder cannot be read" in said.err


@pytest.mark.django_db
def test_a_file_that_may_not_be_read_is_named(photographs, capsys, monkeypatch):
    read = Path.read_bytes

    def forbidden(path):
        if path.name == "4.png":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    said = import_images(photographs, capsys)
    assert "owl/4.png: the file cannot be read: Permission denied" in said.err
    assert "5 imported" in said.out


@pytest.mark.django_db
def test_a_limit_takes_the_first_good_files_of_each_class(photographs, capsys):
    (photographs / "owl" / "0.png").write_bytes(b"bad")
    assert (
        "4 imported, 0 already there, 1 refused"
        in import_images(photographs, capsys, "--limit-per-class", "2").out
    )
    assert set(LabelledImage.objects.filter(label__name="owl").values_list("path", flat=True)) == {
        "owl/4.png",
        "owl/5.png",
    }


@pytest.mark.django_db
def test_what_cannot_be_imported_at_all_is_refused_with_one_sentence(photographs, tmp_path):
    assert "no folder" in refusal_of(tmp_path / "nowhere")
    assert "cannot be read as a folder" in refusal_of(photographs / "owl" / "4.png")
    assert "1 or more" in refusal_of(photographs, "--limit-per-class", "0")
    (tmp_path / "empty" / "owl").mkdir(parents=True)
    assert "no class folders" in refusal_of(tmp_path / "empty")
    (tmp_path / "empty" / "owl" / "a.png").write_bytes(b"")
    assert "no image that can be used" in refusal_of(tmp_path / "empty")
    assert not ImageSet.objects.exists()


@pytest.mark.django_db
def test_a_label_that_the_set_has_from_another_folder_is_refused(photographs, capsys):
    import_images(photographs, capsys)
    (photographs / "owl").rename(photographs / "n01621127_owl")
    assert "already has the class 'owl'" in refusal_of(photographs)


@pytest.mark.django_db
def test_two_folders_that_give_one_label_are_named_and_the_rest_is_imported(photographs, capsys):
    (photographs / "n01621127_owl").mkdir()
    (photographs / "n01621127_owl" / "4.png").write_bytes(picture(4))
    said = import_images(photographs, capsys)
    assert "3 imported, 0 already there, 2 refused" in said.out
    assert "owl: gives the same label, 'owl', as n01621127_owl; rename one of them" in said.err
    assert "n01621127_owl: gives the same label, 'owl', as owl; rename one of them" in said.err
    assert ClassLabel.objects.get().name == "dalmatian"
    shutil.rmtree(photographs / "n02110341_dalmatian")
    assert "gives the same label" in refusal_of(photographs)


@pytest.mark.django_db
def test_photographs_are_not_mixed_into_a_generated_set(photographs):
    ImageSet.objects.create(name="birds", source=f"{ImageSet.GENERATED} creatures")
    assert "is generated" in refusal_of(photographs)


@pytest.mark.django_db
def test_a_full_disk_is_said_in_one_sentence(photographs, monkeypatch):
    def full(data, suffix):
        raise files.StorageFull("The disk that holds /data is full.")

    monkeypatch.setattr(files, "put", full)
    assert refusal_of(photographs) == "The disk that holds /data is full."
    assert not ImageSet.objects.exists()


def test_labels_come_from_the_folders_name():
    assert label_of("garbage_truck") == ("garbage_truck", "")
    assert label_of("n03417042_garbage_truck") == ("garbage_truck", "n03417042")
    assert label_of("n02110341") == ("dalmatian", "n02110341")
    assert label_of("n99999999") == ("n99999999", "n99999999")
    assert label_of("n021_dog") == ("n021_dog", "")


def test_a_bare_synset_that_shares_its_name_keeps_its_number():
    assert label_of("n02012849")[0] == "n02012849"  # a crane, the bird
    assert label_of("n03126707")[0] == "n03126707"  # a crane, the machine


FILE_NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(FILE_NAMES, st.binary(max_size=60)), min_size=1, max_size=3))
def test_any_names_and_bytes_are_imported_or_refused(tmp_path, capsys, entries):
    folder = tmp_path / f"any{time.monotonic_ns()}"
    for number, (name, data) in enumerate(entries):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / f"{number}{name}").write_bytes(data)
        (folder / name / f"good{name}").write_bytes(picture(number))
    try:
        call_command("import_images", str(folder), "--name", f"any {folder.name}")
    except CommandError as refusal:
        assert refusal.returncode == 2
    for place in LabelledImage.objects.all():
        assert files.exists(place.image.file)


@pytest.mark.django_db
def test_names_that_are_not_text_are_refused(photographs, capsys):
    os.rename(photographs / "owl" / "4.png", os.fsencode(photographs / "owl") + b"/\xff.png")
    said = import_images(photographs, capsys)
    assert "5 imported" in said.out and "not valid UTF-8" in said.err


def test_an_import_killed_half_way_is_completed_by_the_next(tmp_path):
    home, source = tmp_path / "home", tmp_path / "in"
    home.mkdir()
    for folder in range(8):
        (source / f"class{folder}").mkdir(parents=True)
        for number in range(120):
            (source / f"class{folder}" / f"{number}.png").write_bytes(picture(1000 * folder + number, 64))
    assert manage(home, "migrate", "-v0").wait() == 0
    process = manage(home, "import_images", str(source), "--name", "birds")
    while process.poll() is None and count(home, "labelledimage") == 0:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < count(home, "labelledimage") < 960, "the kill came too early or too late to tell"
    assert count(home, "labelledimage") == count(home, "image")
    out, _ = manage(home, "import_images", str(source), "--name", "birds").communicate()
    assert b"0 refused" in out
    assert count(home, "labelledimage") == count(home, "image") == 960


@needs_shared
@pytest.mark.django_db
def test_a_thousand_photographs_are_imported_and_none_is_refused(capsys):
    assert "0 refused" in import_images(SHARED / "data" / "images", capsys).out
    assert ClassLabel.objects.get(name="garbage_truck").labelled_images.count() == 60
