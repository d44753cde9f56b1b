"""The lists in a JSON file that is too long to hold: entry by entry, and any entry again by its place."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from annotations import Refusal

CHUNK = 1 << 20
LONGEST_ENTRY = 1 << 28
BLANKS = " \t\r\n"
BOM = "\xef\xbb\xbf"
BROKEN = "the file is no JSON object, or breaks off"


class Entry(NamedTuple):
    """An entry of the list `name` at the file's top, and the bytes of the file that hold it."""

    name: str
    value: object
    start: int
    length: int


def entries(file: Path) -> Iterator[Entry]:
    """All entries of the lists at the top of the file, in its order; refused where it is no JSON object."""
    try:
        with file.open("rb") as stream:
            yield from _Scanner(stream).entries()
    except OSError as error:
        raise Refusal(f"the file cannot be read: {error.strerror}") from error


def read_again(file: Path, places: Sequence[tuple[int, int]]) -> list:
    """The entries of which only (start, length) were kept."""
    with file.open("rb") as stream:
        return [_read_at(stream, start, length) for start, length in places]


def _read_at(stream: BinaryIO, start: int, length: int) -> object:
    stream.seek(start)
    return json.loads(stream.read(length))


class _Scanner:
    """Goes through the text once and holds about a chunk of it.

    Bytes are read as Latin-1, in which every byte is a character, so that places in the text are places in
    the file: what is JSON's own is ASCII. Entries that are not are then read as the UTF-8 that they are.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.decoder = json.JSONDecoder()
        self.text = ""
        self.begin = 0
        self.place = 0

    def entries(self) -> Iterator[Entry]:
        if self._next() == BOM[0] and self.text.startswith(BOM):
            self.place = len(BOM)
        self._expect("{")
        while self._next() != "}":
            name = self._value().value
            if not isinstance(name, str):
                raise Refusal(BROKEN)
            self._expect(":")
            if self._next() == "[":
                yield from self._list(name)
            else:
                self._value()
            self._separate("}")
        self.place += 1
        if self._next():
            raise Refusal(BROKEN)

    def _list(self, name: str) -> Iterator[Entry]:
        self._expect("[")
        while self._next() != "]":
            yield self._value()._replace(name=name)
            self._separate("]")
        self.place += 1

    def _separate(self, end: str) -> None:
        """Over a comma that something follows, or up to the end."""
        if self._next() != end:
            self._expect(",")
            if self._next() == end:
                raise Refusal(BROKEN)

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise Refusal(BROKEN)
        self.place += 1

    def _next(self) -> str:
        """The character that comes next, blanks left out; "" at the end."""
        while True:
            while self.place < len(self.text) and self.text[self.place] in BLANKS:
                self.place += 1
            if self.place < len(self.text) or not self._read_on():
                return self._at(self.place)

    def _at(self, place: int) -> str:
        return self.text[place : place + 1]

    def _value(self) -> Entry:
        self._next()
        while True:
            decoded = self._decoded()
            following = self._at(self.place + decoded[1]) if decoded else ""
            whole = following and following in BLANKS + ",:]}"  # or a number might go on
            if whole or not self._read_on():
                break
        if not decoded:
            raise Refusal(BROKEN)
        return self._entry(*decoded)

    def _decoded(self) -> tuple[object, int] | None:
        """The value that comes next and its length, or None where the text does not hold all of it."""
        try:
            value, end = self.decoder.raw_decode(self.text, self.place)
        except (ValueError, RecursionError):
            return None
        return value, end - self.place

    def _entry(self, value: object, length: int) -> Entry:
        text = self.text[self.place : self.place + length]
        if not text.isascii():
            try:
                value = json.loads(text.encode("latin-1"))
            except ValueError as error:
                raise Refusal("the file is not in UTF-8") from error
        entry = Entry("", value, self.begin + self.place, length)
        self.place += length
        return entry

    def _read_on(self) -> bool:
        """Forgets what was dealt with and reads at least as much again as is left."""
        rest = self.text[self.place :]
        if len(rest) > LONGEST_ENTRY:
            raise Refusal("the file is no JSON, or has an entry of more than 256 MB")
        more = self.stream.read(max(CHUNK, len(rest))).decode("latin-1")
        self.begin += self.place
        self.text, self.place = rest + more, 0
        return bool(more)
