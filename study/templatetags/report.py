"""What the report's page asks of the parts of a document."""

from collections.abc import Sequence

from django import template

from study.report.document import Table

register = template.Library()


@register.filter
def kind(block: object) -> str:
    return type(block).__name__


@register.filter
def told_of(table: Table, row: int) -> int | None:
    """The stimulus that this row is of, if of any."""
    return table.behind[row] if table.behind else None


@register.filter
def number_in(key: str, cited: Sequence[str]) -> int:
    """Of a reference, from 1."""
    return cited.index(key) + 1
