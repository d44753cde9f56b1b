"""People who are not: they take part over HTTP as a browser does, and what they believe is known."""

from study.bots.crowd import Crowd, Habits
from study.bots.tally import Tally, compare

__all__ = ["Crowd", "Habits", "Tally", "compare"]
