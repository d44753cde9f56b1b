"""Looks at the estimate while answers come: declared beforehand, masked in between, and written down."""

from study.looks.box import Box, box
from study.looks.declaration import declared
from study.looks.record import Entry, history, seen
from study.looks.shown import Shown, shown
from study.looks.state import LookState, state
from study.looks.stops import review_all, review_stops
from study.looks.taking import note_export, take

__all__ = [
    "Box",
    "Entry",
    "LookState",
    "Shown",
    "box",
    "declared",
    "history",
    "note_export",
    "review_all",
    "review_stops",
    "seen",
    "shown",
    "state",
    "take",
]
