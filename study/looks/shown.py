"""The findings as they may be shown now: all of them, those of the last look, or no estimate."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from study.findings import snapshot
from study.findings.visible import visible
from study.looks.record import Entry, last, seen
from study.looks.state import LookState, state
from study.models import Study


@dataclass(frozen=True)
class Shown:
    content: dict[str, Any] | None
    """As a snapshot's, without estimates where they are masked."""
    fresh: bool
    made_at: datetime | None
    state: LookState
    look: Entry | None = None
    """The look whose findings these are, where newer ones are masked."""

    @property
    def masked(self) -> bool:
        """No estimate is in the content."""
        return self.state.masked and self.look is None


def shown(study: Study) -> Shown:
    """What every page, figure and file about findings begins with."""
    now = state(study)
    kept = seen(study) if now.masked else None
    if kept:
        return Shown(kept.content, True, kept.made_at, now, last(study))
    found = snapshot.findings(study)
    return Shown(visible(found.content, now), found.fresh, found.made_at, now)
