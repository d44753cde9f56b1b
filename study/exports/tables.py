"""The registry: every table that leaves the house, with its columns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from study.exports import answers, events, participants, people, summaries
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
    count: Callable[[Choice], int]
    """How many rows there are."""
    key: tuple[str, ...]
    """Columns whose values together no two rows share."""
    reveals: bool = False
    """Has answers in it, from which an estimate can be reckoned."""

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
            people.count_answers,
            ("participant", "trial"),
            reveals=True,
        ),
        Table(
            "revisions",
            "one row each revision of an answer",
            lambda study: (*answers.COLUMNS, answers.LAST),
            answers.revisions,
            people.count_revisions,
            ("participant", "trial", "revision"),
            reveals=True,
        ),
        Table(
            "participants",
            "one row a participant, their answers side by side",
            participants.columns,
            participants.rows,
            lambda choice: people.chosen(choice).count(),
            ("participant",),
            reveals=True,
        ),
        Table(
            "summaries",
            "one row a summary",
            lambda study: summaries.COLUMNS,
            summaries.rows,
            lambda choice: choice.study.stimuli.count(),
            ("stimulus",),
        ),
        Table(
            "decisions",
            "one row a coder's decision about names",
            lambda study: events.DECISIONS,
            events.decisions,
            lambda choice: choice.study.name_events.count(),
            ("event",),
        ),
        Table(
            "looks",
            "one row a look at the estimate",
            lambda study: events.LOOKS,
            events.looks,
            lambda choice: choice.study.looks_taken.count(),
            ("at",),
        ),
    )
}
