"""Moments in bars, against counting them one by one."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from study.histogram import LEAST_BARS, MOST_BARS, STEPS, histogram

START = datetime(2026, 3, 1, 10, 7, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2024, 1, 1), timezones=st.just(UTC))


def test_minutes_days_and_weeks_each_where_they_fit():
    drawn = histogram([START, START + timedelta(minutes=50), START + timedelta(minutes=2)])
    assert drawn.step_words == "minute" and len(drawn.bars) == 51 and drawn.bars[0].begins == START
    drawn = histogram([START, START + timedelta(days=40)])
    assert drawn.step_words == "day" and len(drawn.bars) == 41 and drawn.bars[0].begins.hour == 0


def test_nothing_has_no_bars_and_one_moment_a_slim_one():
    assert histogram([]).bars == [] and histogram([]).most == 0
    assert histogram([START]).width == LEAST_BARS and histogram([START]).most == 1


@given(st.lists(MOMENTS, min_size=1, max_size=20))
def test_every_moment_lies_in_exactly_one_bar(times):
    drawn = histogram(times)
    for bar in drawn.bars:
        ends = bar.begins + drawn.step
        assert bar.count == sum(bar.begins <= moment < ends for moment in times)
    assert sum(bar.count for bar in drawn.bars) == len(times)
    assert len(drawn.bars) <= MOST_BARS and drawn.bars[0].count and drawn.bars[-1].count
    assert drawn.step in STEPS
