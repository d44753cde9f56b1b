"""How lists, days and beginnings of sentences are written."""

from collections.abc import Iterable
from datetime import datetime


def listed(words: Iterable[str]) -> str:
    """As in "a, b and c"."""
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 2 else words)


def day(moment: datetime) -> str:
    return f"{moment:%-d %B %Y}"


def period(first: datetime | None, last: datetime | None) -> str:
    if not first:
        return ""
    if not last or day(first) == day(last):
        return f" on {day(first)}" if last else f" from {day(first)} on"
    return f" between {day(first)} and {day(last)}"


def capital(words: str) -> str:
    return words[:1].upper() + words[1:]
