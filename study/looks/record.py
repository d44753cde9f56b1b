"""Every look that was taken, declared or not, as the pages and the report tell it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from study.agreement.looks import MEASURES
from study.looks.declaration import declared
from study.models import Look, Snapshot, Study


@dataclass(frozen=True)
class Entry:
    at: datetime
    words: str
    """The look in one sentence."""
    number: int | None = None
    """Of a declared look; None for any other."""
    by: str = ""
    where: str = ""
    reason: str = ""
    participants: int = 0
    answers: int = 0
    estimate: dict[str, Any] = field(default_factory=dict)
    """measure, layer, value, low, high, level."""
    decision: str = ""


def history(study: Study) -> list[Entry]:
    """In the order of time; empty where nobody looked, or nothing was declared."""
    entries = [_entry(look) for look in study.looks_taken.order_by("pk")]
    if declared(study) and study.closed_at and study.state != Study.State.CLOSED:
        told = "The study was closed, which ends the masking, and opened again later."
        entries.append(Entry(at=study.closed_at, words=told))
    return sorted(entries, key=lambda entry: entry.at)


def last(study: Study) -> Entry | None:
    """The last look that anybody took."""
    look = study.looks_taken.order_by("pk").last()
    return _entry(look) if look else None


def _entry(look: Look) -> Entry:
    return Entry(
        at=look.at,
        words=_words(look),
        number=look.number,
        by=look.by,
        where=look.where,
        reason=look.reason,
        participants=look.participants,
        answers=look.answers,
        estimate=look.estimate,
        decision=look.decision,
    )


def _words(look: Look) -> str:
    which = f"Declared look {look.number}" if look.number else "Undeclared look"
    told = f"{which} at {look.participants} participants ({look.answers} answers)"
    found = look.estimate
    if found.get("value") is not None:
        told += f": {MEASURES[found['measure']]} {found['value']:.3f}"
    if found.get("low") is not None:
        told += f" [{found['low']:.3f}, {found['high']:.3f}] at a level of {100 * found['level']:.4g} %"
    return f"{told}; decision: {look.decision}." if look.decision else f"{told}."


def seen(study: Study) -> Snapshot | None:
    """The findings as they were at the last look: they may be shown while newer ones are masked. None if
    nobody looked, or if somebody has withdrawn since, which forgets them."""
    last = study.looks_taken.order_by("pk").last()
    return study.snapshots.filter(stamp=last.estimate.get("stamp")).first() if last else None
