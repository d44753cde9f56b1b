"""A study's data as files: every column said once, written as a stream, alone or all of it as one zip."""

from collections.abc import Iterator
from itertools import islice

from study.exports.bundle import check, stream, write
from study.exports.choice import Choice, name_of
from study.exports.columns import Column, cell
from study.exports.flavours import FLAVOURS, pieces
from study.exports.tables import TABLES, Table
from study.models import Study

__all__ = [
    "FLAVOURS",
    "TABLES",
    "Choice",
    "Column",
    "Table",
    "answer_lines",
    "check",
    "excerpt",
    "lines",
    "name_of",
    "stream",
    "summary_lines",
    "write",
]


def lines(choice: Choice, table: str) -> Iterator[str]:
    """One table as text, piece by piece."""
    known = TABLES[table]
    return pieces(known.chosen(choice), known.rows(choice), choice.flavour)


def excerpt(choice: Choice, table: str, rows: int) -> list[list[object]]:
    """The first rows of a table, cell by cell as they would stand in the file."""
    known = TABLES[table]
    cells = [cell(column, guarded=choice.flavour.guarded) for column in known.chosen(choice)]
    return [[read(row) for read in cells] for row in islice(known.rows(choice), rows)]


def answer_lines(study: Study) -> Iterator[str]:
    """answers.csv, as it always was."""
    return lines(Choice(study), "answers")


def summary_lines(study: Study) -> Iterator[str]:
    """summaries.csv, as it always was."""
    return lines(Choice(study), "summaries")
