"""What the report's page asks of the parts of a document."""

from collections.abc import Sequence

from django import template

register = template.Library()


@register.filter
def kind(block: object) -> str:
    return type(block).__name__


@register.filter
def number_in(key: str, cited: Sequence[str]) -> int:
    """Of a reference, from 1."""
    return cited.index(key) + 1
