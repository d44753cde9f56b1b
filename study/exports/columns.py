"""What a column of a table is: CSV, dictionary, schema, choice and packages all come from its record."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from annotations.cells import guard


class Type(StrEnum):
    """How a cell is read back. An empty cell is no value, whatever the type."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    YES_NO = "yes or no"
    TIME = "time"


@dataclass(frozen=True)
class Column:
    id: str
    description: str
    read: Callable[[Any], object]
    type: Type = Type.TEXT
    source: str = "server"
    """Who says it: participant, browser, server, design, recruiter, researcher, or computed of others."""
    identifiable: bool = False
    """May tell who somebody is: needs a permission, and is named in the file name."""
    included: bool = True
    """Whether it is there unless asked otherwise."""
    decimals: int | None = None
    allowed: tuple[str, ...] = ()
    """All values that a cell can have."""
    family: str = ""
    """Of columns that repeat for each stimulus: under what they are chosen together."""
    family_description: str = ""

    @property
    def choice(self) -> str:
        return self.family or self.id


def cell(column: Column, *, guarded: bool) -> Callable[[Any], object]:
    """From a row to what stands in the file. Only texts are guarded: a number below nothing is no formula."""
    read, write = column.read, _writer(column, guarded)

    def written(row: Any) -> object:
        value = read(row)
        return "" if value is None else write(value)

    return written


def _writer(column: Column, guarded: bool) -> Callable[[Any], object]:
    if column.type == Type.TEXT:
        return guard if guarded else str
    if column.type == Type.YES_NO:
        return lambda value: "yes" if value else "no"
    if column.type == Type.TIME:
        return moment
    if column.decimals is not None:
        pattern = f"{{:.{column.decimals}f}}"
        return lambda value: pattern.format(value)
    return lambda value: value


def moment(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds")
