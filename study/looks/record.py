"""Every look that was taken, declared or not, as the pages and the report tell it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from study.agreement.looks import MEASURES
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
    return [_entry(look) for look in study.looks_taken.order_by("pk")]


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
    if (value := look.estimate.get("value")) is not None:
        measure = MEASURES[look.estimate["measure"]]
        told += f": {measure} {value:.3f} [{look.estimate['low']:.3f}, {look.estimate['high']:.3f}]"
    return f"{told}; decision: {look.get_decision_display()}." if look.decision else f"{told}."


def seen(study: Study) -> Snapshot | None:
    """The findings as they were at the last look: they may be shown while newer ones are masked. None if
    nobody looked, or if somebody has withdrawn since, which forgets them."""
    last = study.looks_taken.order_by("pk").last()
    return study.snapshots.filter(stamp=last.estimate.get("stamp")).first() if last else None
