"""The registry: every table that leaves the house, with its columns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from study.exports import answers, events, participants, summaries
from study.exports.choice import Choice
from study.exports.columns import Column
from study.models import Study


@dataclass(frozen=True)
class Table:
    name: str
    row: str
    """What one row is."""
    columns: Callable[[Study], tuple[Column, ...]]
    rows: Callable[[Choice], Iterable]
    key: tuple[str, ...]
    """Columns whose values no two rows share."""

    @property
    def file(self) -> str:
        return f"{self.name}.csv"

    def chosen(self, choice: Choice) -> tuple[Column, ...]:
        return choice.columns(self.name, self.columns(choice.study))


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "answers",
            "one row an answer: its last revision",
            lambda study: answers.COLUMNS,
            answers.rows,
            ("participant", "trial"),
        ),
        Table(
            "revisions",
            "one row each revision of an answer",
            lambda study: (*answers.COLUMNS, answers.LAST),
            answers.revisions,
            ("participant", "trial", "revision"),
        ),
        Table(
            "participants",
            "one row a participant, their answers side by side",
            participants.columns,
            participants.rows,
            ("participant",),
        ),
        Table(
            "summaries",
            "one row a summary",
            lambda study: summaries.COLUMNS,
            summaries.rows,
            ("stimulus",),
        ),
        Table(
            "decisions",
            "one row a coder's decision about names",
            lambda study: events.DECISIONS,
            events.decisions,
            ("event",),
        ),
        Table("looks", "one row a look at the estimate", lambda study: events.LOOKS, events.looks, ()),
    )
}
