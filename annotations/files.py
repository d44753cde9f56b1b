"""Files known by their content: written once, whole, under the SHA-256 of what they hold."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage

FULL = (errno.ENOSPC, errno.EDQUOT)


class StorageFull(OSError):
    """The disk has no room left; nothing was written."""


class Missing(FileNotFoundError):
    """A key that the store does not hold."""


class ContentStorage(FileSystemStorage):
    """A folder in which a file is either there whole or not at all; a second write of a name replaces it."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: File) -> str:
        target = Path(self.path(name))
        try:
            _replace(target, lambda file: file.writelines(content.chunks()))
        except OSError as error:
            if error.errno in FULL:
                raise StorageFull(f"The disk that holds {self.location} is full.") from error
            raise
        return name


def put(data: bytes, suffix: str) -> str:
    """Stores `data` unless it is there already and returns its key, `content/ab/<sha256><suffix>`."""
    digest = hashlib.sha256(data).hexdigest()
    key = f"content/{digest[:2]}/{digest}{suffix}"
    if not exists(key):
        put_as(key, data)
    return key


def put_as(key: str, data: bytes) -> None:
    """Stores `data` under a key of the caller's choice, in place of what was there."""
    default_storage.save(key, ContentFile(data))


def get(key: str) -> bytes:
    try:
        with default_storage.open(key, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise Missing(f"The file store holds nothing under '{key}'.") from error


def exists(key: str) -> bool:
    return default_storage.exists(key)


def _replace(target: Path, write: Callable) -> None:
    """Readers see the old file or the new one: the bytes reach the disk before the name does."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
