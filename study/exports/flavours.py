"""How a table is written: exact to the byte for analysis, or harmless and easy to open for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from study.exports.columns import Column, Type, cell

BOM = "\ufeff"
PIECE = 1 << 16
"""Characters that are sent at once."""


@dataclass(frozen=True)
class Flavour:
    name: str
    words: str
    guarded: bool = False
    """Texts that a spreadsheet would run as formulas have an apostrophe before them."""
    bom: bool = False
    separator: str = ","
    quoted: bool = False
    """Every text stands in quotes, so that a spreadsheet can be told to leave it alone: 007 stays 007."""


PLAIN = Flavour("plain", "as always: UTF-8, commas, formulas made harmless", guarded=True)
ANALYSIS = Flavour("analysis", "for analysis: exact to the byte, UTF-8, commas")
SPREADSHEET = Flavour(
    "spreadsheet",
    "for spreadsheets: formulas made harmless, marked as UTF-8, commas",
    guarded=True,
    bom=True,
    quoted=True,
)
SEMICOLON = Flavour(
    "semicolon",
    "for spreadsheets that expect semicolons: otherwise the same",
    guarded=True,
    bom=True,
    separator=";",
    quoted=True,
)
FLAVOURS = {each.name: each for each in (PLAIN, ANALYSIS, SPREADSHEET, SEMICOLON)}


def pieces(columns: Sequence[Column], rows: Iterable, flavour: Flavour) -> Iterator[str]:
    """The table as text, the line of column names first and alone, so that the first byte comes early."""
    buffer = io.StringIO()
    write = _row_writer(buffer, flavour)
    cells = [cell(column, guarded=flavour.guarded) for column in columns]
    texts = [column.type == Type.TEXT for column in columns] if flavour.quoted else None
    buffer.write(BOM if flavour.bom else "")
    write([column.id for column in columns], [True] * len(columns) if texts else None)
    yield _taken(buffer)
    for row in rows:
        write([read(row) for read in cells], texts)
        if buffer.tell() > PIECE:
            yield _taken(buffer)
    yield _taken(buffer)


def _row_writer(buffer: io.StringIO, flavour: Flavour):
    """Quotes where they are needed, or around each text."""
    if not flavour.quoted:
        writer = csv.writer(buffer, delimiter=flavour.separator)
        return lambda cells, texts: writer.writerow(cells)

    def write(cells: list, texts: list[bool]) -> None:
        shown = (_quoted(one) if text else str(one) for one, text in zip(cells, texts, strict=True))
        buffer.write(flavour.separator.join(shown) + "\r\n")

    return write


def _quoted(text: object) -> str:
    return '"' + str(text).replace('"', '""') + '"'


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
