"""Looks at the estimate while answers come: declared beforehand, masked in between, and written down."""

from study.looks.declaration import declared
from study.looks.record import Entry, history, seen
from study.looks.state import LookState, state

__all__ = ["Entry", "LookState", "declared", "history", "seen", "state"]
