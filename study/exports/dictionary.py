"""What every column means: as a table, as a page to read, and as a JSON schema of the rows."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from study.exports.columns import Column, Type

Contents = dict[str, tuple[Column, ...]]
"""By file name the columns that are in it."""
DRAFT = "https://json-schema.org/draft/2020-12/schema"


class Entry(NamedTuple):
    file: str
    column: Column


COLUMNS: tuple[Column, ...] = (
    Column("file", "in which file", lambda e: e.file),
    Column("column", "name of the column", lambda e: e.column.id),
    Column("description", "what stands in it", lambda e: e.column.description),
    Column("type", "how to read it", lambda e: e.column.type.value, allowed=tuple(Type)),
    Column(
        "values",
        "all that it can be, parted by ' | '; empty: anything",
        lambda e: " | ".join(e.column.allowed),
    ),
    Column("source", "who says it", lambda e: e.column.source),
    Column(
        "identifiable",
        "yes if it may tell who somebody is",
        lambda e: e.column.identifiable,
        Type.YES_NO,
    ),
)


def rows(contents: Contents) -> Iterator[Entry]:
    return (Entry(file, column) for file, columns in contents.items() for column in columns)


def markdown(contents: Contents) -> str:
    heading = "# What the columns mean\n\nAn empty cell is no value, whatever the type.\n"
    return heading + "".join(_section(file, columns) for file, columns in contents.items())


def schema(contents: Contents) -> str:
    """Of one object whose properties are the files and whose rows are read by their types: empty is null,
    yes and no are true and false, times are texts."""
    told = {
        "$schema": DRAFT,
        "title": "Tables of a study",
        "type": "object",
        "properties": {file: {"type": "array", "items": _row(columns)} for file, columns in contents.items()},
        "additionalProperties": False,
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _section(file: str, columns: tuple[Column, ...]) -> str:
    lines = [f"\n## {file}\n", "| column | type | source | what stands in it |", "| --- | --- | --- | --- |"]
    for column in columns:
        what = column.description.replace("|", "\\|").replace("\n", " ")
        mark = " **may tell who somebody is**" if column.identifiable else ""
        lines.append(f"| `{column.id}` | {column.type} | {column.source} | {what}{mark} |")
    return "\n".join(lines) + "\n"


def _row(columns: tuple[Column, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {column.id: _property(column) for column in columns},
        "required": [column.id for column in columns],
        "additionalProperties": False,
    }


def _property(column: Column) -> dict[str, Any]:
    told: dict[str, Any] = {"description": column.description}
    if column.type == Type.TEXT:
        told |= {"type": "string"}
    elif column.type == Type.YES_NO:
        told |= {"type": ["boolean", "null"]}
    elif column.type == Type.TIME:
        told |= {"type": ["string", "null"], "format": "date-time"}
    else:
        told |= {"type": [column.type.value, "null"]}
    return told | ({"enum": [*column.allowed, ""]} if column.allowed else {})
