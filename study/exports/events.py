"""The logs that go with a study's answers: what coders decided about names, and who looked at estimates."""

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from study.exports.choice import Choice
from study.exports.columns import Column, Type
from study.models import Look, NameEvent


class Decision(NamedTuple):
    number: int
    coder: int
    """In the order of their first decisions."""
    event: NameEvent
    undoes: int | None


def _of(read: Callable[[NameEvent], object]) -> Callable[[Decision], object]:
    return lambda row: read(row.event)


DECISIONS: tuple[Column, ...] = (
    Column("event", "number of the decision, from 1", lambda row: row.number, Type.INTEGER),
    Column("coder", "number of the coder, by their first decisions", lambda row: row.coder, Type.INTEGER),
    Column(
        "coder_name",
        "the coder's user name",
        _of(lambda e: e.coder),
        source="researcher",
        identifiable=True,
        included=False,
    ),
    Column(
        "kind",
        "merge, split, code or undo",
        _of(lambda e: e.kind),
        source="researcher",
        allowed=tuple(NameEvent.Kind.values),
    ),
    Column(
        "names",
        "a JSON list: names of the mechanical layer that were merged, taken out of their group, or coded",
        _of(lambda e: json.dumps(e.names, ensure_ascii=False)),
        source="researcher",
    ),
    Column(
        "into",
        "of a merge the name of the group; of a code the code, empty to take it away",
        _of(lambda e: e.into),
        source="researcher",
    ),
    Column("undoes", "number of the decision that this one takes back", lambda row: row.undoes, Type.INTEGER),
    Column("reason", "the coder's own words", _of(lambda e: e.reason), source="researcher"),
    Column(
        "answers",
        "how many answers bore these names at that time",
        _of(lambda e: e.answers),
        Type.INTEGER,
    ),
    Column(
        "blind", "yes if the coder saw neither conditions nor networks", _of(lambda e: e.blind), Type.YES_NO
    ),
    Column("layer_version", "of the mechanical layer whose names these are", _of(lambda e: e.layer_version)),
    Column("at", "when it was decided (ISO 8601, UTC)", _of(lambda e: e.at), Type.TIME),
)


def _seen(name: str) -> Callable[[Look], object]:
    return lambda look: look.estimate.get(name)


LOOKS: tuple[Column, ...] = (
    Column("look", "which declared look, from 1; empty: an undeclared one", lambda k: k.number, Type.INTEGER),
    Column(
        "by",
        "user name of who looked; empty: the clock",
        lambda k: k.by,
        source="researcher",
        identifiable=True,
        included=False,
    ),
    Column("where", "on which page or in which file", lambda k: k.where),
    Column("reason", "why, in their own words", lambda k: k.reason, source="researcher"),
    Column("participants", "how many had taken part by then", lambda k: k.participants, Type.INTEGER),
    Column("answers", "how many answers there were by then", lambda k: k.answers, Type.INTEGER),
    Column("measure", "what was estimated", _seen("measure"), source="computed"),
    Column("layer", "at which layer of the names", _seen("layer"), source="computed"),
    Column("value", "the estimate that was seen", _seen("value"), Type.NUMBER, "computed", decimals=4),
    Column("low", "low end of its interval", _seen("low"), Type.NUMBER, "computed", decimals=4),
    Column("high", "high end of its interval", _seen("high"), Type.NUMBER, "computed", decimals=4),
    Column("level", "of the interval, as the looks share it", _seen("level"), Type.NUMBER, "computed"),
    Column("decision", "go on, precision reached, or futile", lambda k: k.decision, source="computed"),
    Column("at", "when (ISO 8601, UTC)", lambda k: k.at, Type.TIME),
)


def decisions(choice: Choice) -> Iterator[Decision]:
    numbers: dict[int, int] = {}
    coders: dict[str, int] = {}
    events = choice.study.name_events.order_by("pk")
    for number, event in enumerate(events.iterator(), 1):
        numbers[event.pk] = number
        coder = coders.setdefault(event.coder, len(coders) + 1)
        yield Decision(number, coder, event, numbers.get(event.undoes_id))


def looks(choice: Choice) -> Iterator[Look]:
    """Not told what was seen, where it may not be seen now."""
    return choice.study.looks_taken.order_by("pk").iterator()
