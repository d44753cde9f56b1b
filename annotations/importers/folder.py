"""A folder of class folders, each named `<name>`, `<synset>` or `<synset>_<name>`."""

import os
import re
from pathlib import Path

from annotations import Refusal
from annotations.importers import synsets
from annotations.importers.collection import Collection, Flaw, LabelledFiles, without_twins

SYNSET = re.compile(r"(?P<synset>n\d{8})(?:_(?P<name>.+))?")


def read(path: Path) -> Collection:
    """The classes under `path`. Hidden files are passed over; a folder without files is named as a flaw."""
    try:
        entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except FileNotFoundError as error:
        raise Refusal(f"There is no folder {path}.") from error
    except OSError as error:
        raise Refusal(f"{path} cannot be read as a folder: {error.strerror}.") from error
    classes, flaws = [], []
    for entry in entries:
        flaw = _flaw(entry)
        if flaw:
            flaws.append(Flaw(printable(entry.name), flaw))
        else:
            classes.append(_class_in(entry))
    single, twins = without_twins(classes)
    return Collection(path, tuple(single), (*flaws, *twins))


def label_of(folder: str) -> tuple[str, str]:
    """(name, synset) that a folder's name stands for.

    >>> label_of("n02110341_dalmatian")
    ('dalmatian', 'n02110341')
    """
    match = SYNSET.fullmatch(folder)
    if match is None:
        return folder, ""
    synset = match["synset"]
    return match["name"] or synsets.names().get(synset, synset), synset


def printable(name: str) -> str:
    """A file's name as text that any terminal and database takes, also where it is not valid UTF-8."""
    return name.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _flaw(entry: Path) -> str:
    if not entry.is_dir():
        return "is not in a class folder"
    if printable(entry.name) != entry.name:
        return "the folder's name is not valid UTF-8"
    if not os.access(entry, os.R_OK | os.X_OK):
        return "the folder cannot be read"
    return "" if _files_in(entry) else "the folder holds no images"


def _class_in(entry: Path) -> LabelledFiles:
    name, synset = label_of(entry.name)
    return LabelledFiles(name, synset, entry.name, tuple(_files_in(entry)))


def _files_in(folder: Path) -> list[Path]:
    """In all folders below, too; what a hidden folder holds (thumbnails, checkpoints) is hidden with it.

    A folder that cannot be read stands for its files, so that it is refused by name as they would be.
    """
    found: list[Path] = []
    for path, folders, names in os.walk(folder, onerror=lambda error: found.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.extend(Path(path, name) for name in names if not name.startswith("."))
    return sorted(found)
