"""What a browser measured beside an answer: recorded as far as it makes sense, and never refused. Pure."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

LONGEST = 24 * 3600.0
"""Seconds."""
MOST = 10_000


def clean(told: Any) -> dict[str, Any]:
    """The known measurements, each cut to its range; whatever is not understood is left out."""
    told = told if isinstance(told, Mapping) else {}
    measured = {
        "focus_losses": _count(told.get("focus_losses")),
        "away_seconds": seconds(told.get("away_seconds")),
        "pastes": _count(told.get("pastes")),
        "offline": told.get("offline") if isinstance(told.get("offline"), bool) else None,
        "sequence": _count(told.get("sequence")),
    }
    return {name: value for name, value in measured.items() if value is not None}


def seconds(told: Any) -> float | None:
    """From 0 to a day; longer is a day, and anything else nothing."""
    try:
        value = float(told)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(value, LONGEST) if math.isfinite(value) and value >= 0 else None


def moment(told: Any) -> datetime | None:
    """A moment in ISO 8601 with its offset, by a clock that is right to some years."""
    try:
        value = datetime.fromisoformat(told)
        return value.astimezone(UTC) if value.tzinfo and 2000 < value.year < 2200 else None
    except (TypeError, ValueError, OverflowError):
        return None


def _count(told: Any) -> int | None:
    value = told if isinstance(told, int | float) and not isinstance(told, bool) else None
    if value is None or not 0 <= value < math.inf:
        return None
    return int(min(value, MOST))
