"""How moments spread over time, in bars of equal length. Pure: standard library only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

STEPS = {
    timedelta(minutes=1): "minute",
    timedelta(minutes=5): "5 minutes",
    timedelta(minutes=15): "15 minutes",
    timedelta(hours=1): "hour",
    timedelta(hours=6): "6 hours",
    timedelta(days=1): "day",
    timedelta(days=7): "7 days",
    timedelta(days=28): "28 days",
}
"""How long a bar may be, shortest first, in words after "per"."""
LEAST_BARS, MOST_BARS = 12, 60
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Bar:
    begins: datetime
    count: int


@dataclass(frozen=True)
class Histogram:
    step: timedelta
    bars: list[Bar]

    @property
    def most(self) -> int:
        return max((bar.count for bar in self.bars), default=0)

    @property
    def width(self) -> int:
        """In bars: few of them stay slim."""
        return max(len(self.bars), LEAST_BARS)

    @property
    def step_words(self) -> str:
        return STEPS[self.step]


def histogram(times: Sequence[datetime]) -> Histogram:
    """How many moments lie in each of the equal steps from the first to the last, steps without any too.

    The step is the shortest of STEPS that makes at most MOST_BARS bars (the longest one if none does); steps
    are counted from 1970, in UTC, so that days begin at midnight.
    """
    steps = list(STEPS)
    if not times:
        return Histogram(steps[0], [])
    first, last = min(times), max(times)
    step = next((step for step in steps if _place(last, step) - _place(first, step) < MOST_BARS), steps[-1])
    counts = Counter(_place(moment, step) for moment in times)
    places = range(_place(first, step), _place(last, step) + 1)
    return Histogram(step, [Bar(EPOCH + place * step, counts[place]) for place in places])


def _place(moment: datetime, step: timedelta) -> int:
    return (moment - EPOCH) // step
