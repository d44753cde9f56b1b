import errno
import hashlib

import pytest
from django.core.files.storage import default_storage

from annotations import files


@pytest.fixture(autouse=True)
def store(tmp_path, settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "annotations.files.ContentStorage", "OPTIONS": {"location": tmp_path}},
    }
    return tmp_path


def names_under(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_bytes_come_back_under_the_key_of_their_hash():
    key = files.put(b"wing", ".png")
    digest = hashlib.sha256(b"wing").hexdigest()
    assert key == f"content/{digest[:2]}/{digest}.png"
    assert files.exists(key) and files.get(key) == b"wing"


def test_what_is_there_is_not_written_again(store):
    path = store / files.put(b"wing", ".png")
    before = path.stat().st_mtime_ns
    files.put(b"wing", ".png")
    assert path.stat().st_mtime_ns == before


def test_a_second_write_of_a_name_replaces_the_first(store):
    files.put_as("masks/one.png", b"old")
    files.put_as("masks/one.png", b"new")
    assert files.get("masks/one.png") == b"new"
    assert names_under(store) == ["one.png"]


def test_a_key_that_is_not_there_is_named():
    with pytest.raises(files.Missing, match="masks/none.png"):
        files.get("masks/none.png")


def test_a_full_disk_is_said_and_leaves_the_old_file_and_nothing_else(store, monkeypatch):
    files.put_as("masks/one.png", b"old")

    def no_room(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", no_room)
    with pytest.raises(files.StorageFull, match="is full"):
        files.put_as("masks/one.png", b"new")
    assert files.get("masks/one.png") == b"old"
    assert names_under(store) == ["one.png"]


def test_names_cannot_leave_the_store():
    with pytest.raises(Exception, match="traversal|outside"):
        default_storage.save("../out.txt", files.ContentFile(b"x"))
