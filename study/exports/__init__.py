"""A study's data as files: every column said once, written as a stream, alone or all of it as one zip."""

from collections.abc import Iterator
from pathlib import Path

from study.exports import bundle
from study.exports.choice import Choice
from study.exports.flavours import pieces
from study.exports.tables import TABLES
from study.models import Study


def lines(choice: Choice, table: str) -> Iterator[str]:
    """One table as text, piece by piece."""
    known = TABLES[table]
    return pieces(known.chosen(choice), known.rows(choice), choice.flavour)


def answer_lines(study: Study) -> Iterator[str]:
    """answers.csv, as it always was."""
    return lines(Choice(study), "answers")


def summary_lines(study: Study) -> Iterator[str]:
    """summaries.csv, as it always was."""
    return lines(Choice(study), "summaries")


def write_zip(study: Study, path: Path) -> None:
    """The tables with what their columns mean; the file appears under its name only when it is whole."""
    bundle.write(Choice(study), path)
