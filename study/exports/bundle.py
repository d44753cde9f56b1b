"""All of a study's tables as one zip, written as a stream: it is never whole in memory."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from annotations import Refusal
from study.exports import dictionary, loaders, psychds, readme
from study.exports.choice import Choice, name_of
from study.exports.flavours import ANALYSIS, pieces
from study.exports.manifest import File, manifest
from study.exports.tables import TABLES

ALWAYS = (1980, 1, 1, 0, 0, 0)
"""Of every file in the zip, so that the same data are the same bytes; the manifest tells the time."""

Track = Callable[[Iterable, str, int], Iterable]
"""Wraps the rows of a table, so that somebody sees how far it is."""


class Part(NamedTuple):
    file: File
    pieces: Iterable[str]


def stream(
    choice: Choice, *, as_psychds: bool = False, track: Track = lambda rows, name, count: rows
) -> Iterator[bytes]:
    """The zip, piece by piece. Whoever stops reading leaves nothing behind."""
    _check_flavour(choice, as_psychds)
    places = psychds.places(choice) if as_psychds else {}
    return _stream(choice, places, track, as_psychds)


def _stream(choice: Choice, places: dict[str, str], track: Track, as_psychds: bool) -> Iterator[bytes]:
    written: list[File] = []
    pipe = _Pipe()
    with ZipFile(pipe, "w", ZIP_DEFLATED) as bundle:
        for part in _parts(choice, places, track, as_psychds):
            yield from _write(bundle, pipe, part)
            written.append(part.file)
        told = Part(File(places.get("manifest.json", "manifest.json")), [manifest(choice, written)])
        yield from _write(bundle, pipe, told)
    yield pipe.taken()


def check(choice: Choice, path: Path, *, as_psychds: bool = False) -> None:
    """Refusal or OSError now if it could not be written there."""
    _check_flavour(choice, as_psychds)
    part = _part(path)
    part.open("wb").close()
    part.unlink()


def write(choice: Choice, path: Path, **more: object) -> None:
    """The file appears under its name only when it is whole."""
    part = _part(path)
    try:
        with part.open("wb") as file, closing(stream(choice, **more)) as zipped:
            for piece in zipped:
                file.write(piece)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _check_flavour(choice: Choice, as_psychds: bool) -> None:
    if as_psychds and choice.flavour != ANALYSIS:
        raise Refusal("A Psych-DS dataset has exact bytes: take the flavour for analysis with it.")


def _part(path: Path) -> Path:
    """Where it stands until it is whole."""
    return path.with_name(path.name + ".part")


class _Pipe:
    """What ZipFile writes to: it cannot go back, and hands over what it has."""

    def __init__(self) -> None:
        self.held = bytearray()

    def write(self, data: bytes) -> int:
        self.held += data
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        data = bytes(self.held)
        self.held.clear()
        return data


def _parts(choice: Choice, places: dict[str, str], track: Track, as_psychds: bool) -> Iterator[Part]:
    contents: dictionary.Contents = {}
    for table in TABLES.values():
        if columns := table.chosen(choice):
            name = name_of(table.name, columns)
            file = File(places.get(table.name, name), columns)
            contents[file.name] = columns
            rows = _counted(track(table.rows(choice), table.file, table.count(choice)), file)
            yield Part(file, pieces(columns, rows, choice.flavour))
    up = "parent.parent" if as_psychds else "parent"
    for name, text in _told(choice, contents, up).items():
        yield Part(File(places.get(name, name)), text)
    if as_psychds:
        for name, text in psychds.told(choice, contents).items():
            yield Part(File(name), [text])


def _told(choice: Choice, contents: dictionary.Contents, up: str) -> dict[str, Iterable[str]]:
    """The files beside the tables, all of them from the registry."""
    return {
        "dictionary.csv": pieces(dictionary.COLUMNS, dictionary.rows(contents), choice.flavour),
        "dictionary.md": [dictionary.markdown(contents)],
        "schema.json": [dictionary.schema(contents)],
        "load.py": [loaders.pandas(contents, choice.flavour, up=up)],
        "load.R": [loaders.r(contents, choice.flavour)],
        "README.txt": [readme.readme(choice, contents)],
    }


def _counted(rows: Iterable, file: File) -> Iterator:
    file.rows = 0
    for row in rows:
        file.rows += 1
        yield row


def _write(bundle: ZipFile, pipe: _Pipe, part: Part) -> Iterator[bytes]:
    info = ZipInfo(part.file.name, ALWAYS)
    info.compress_type, info.external_attr = ZIP_DEFLATED, 0o644 << 16
    digest = hashlib.sha256()
    with bundle.open(info, "w", force_zip64=True) as file:
        yield pipe.taken()  # the first byte comes early
        for piece in part.pieces:
            data = piece.encode()
            digest.update(data)
            part.file.bytes += len(data)
            file.write(data)
            if len(pipe.held) > 1 << 15:
                yield pipe.taken()
    part.file.sha256 = digest.hexdigest()
    yield pipe.taken()
