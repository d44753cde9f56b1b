"""Intervals of agreement: leaving out one by one against counting anew; what is said where there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from study.agreement import coefficients, intervals
from study.agreement.codes import MISSING, NOTHING, tally
from study.agreement.deletions import MEASURES, delete
from study.agreement.intervals import intervals as both
from study.agreement.intervals import jackknife, share

DIRECT = {
    "alpha": coefficients.krippendorff_alpha,
    "ac1": coefficients.gwet_ac1,
    "percent": coefficients.percent_agreement,
}


def draw(seed, units=20, people=12, names=6, missing=0.0):
    rng = np.random.default_rng(seed)
    codes = np.where(
        rng.random((units, people)) < 0.6,
        rng.integers(0, names, units)[:, None],
        rng.integers(-3, names, (units, people)),
    )
    codes[codes == MISSING] = NOTHING
    codes[rng.random(codes.shape) < missing] = MISSING
    return codes


def distance_of(names, seed=0):
    apart = np.random.default_rng(seed).random((names + 2, names + 2))
    return (apart + apart.T) / 2 * (1 - np.eye(names + 2))


def value_of(measure, codes, apart):
    if measure in DIRECT:
        value = DIRECT[measure](codes).value
        return np.nan if value is None else value
    return delete(measure, tally(codes), apart).value


@pytest.mark.parametrize("measure", MEASURES)
@settings(max_examples=60, derandomize=True, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), units=st.integers(1, 6), people=st.integers(1, 6))
def test_leaving_out_one_by_one_equals_counting_anew(measure, seed, units, people):
    codes, apart = draw(seed, units, people, names=3, missing=0.3), distance_of(3, seed)
    left = delete(measure, tally(codes), apart if measure in ("alpha_distance", "jaccard") else None)
    apart = apart if measure in ("alpha_distance", "jaccard") else None
    assert left.value == pytest.approx(value_of(measure, codes, apart), abs=1e-9, nan_ok=True)
    for axis, found in enumerate((left.units, left.people)):
        expected = [value_of(measure, np.delete(codes, each, axis), apart) for each in range(len(found))]
        assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("measure", [each for each in MEASURES if each not in ("alpha_distance", "jaccard")])
def test_the_interval_holds_the_estimate_and_that_for_other_people_is_the_wider(measure):
    pair = both(measure, draw(1))
    assert pair.two_way.low < pair.same_people.low < pair.estimate.value
    assert pair.estimate.value < pair.same_people.high
    assert pair.two_way.high - pair.two_way.low > pair.same_people.high - pair.same_people.low


@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(2, 8), st.sampled_from([0.0, 0.3]))
@settings(max_examples=60, deadline=None)
def test_the_interval_to_other_people_holds_that_for_the_same_however_few(seed, units, people, gaps):
    codes = draw(seed, units, people, 3, gaps)
    for measure in ("alpha", "ac1", "percent", "name_agreement", "h", "nothing"):
        pair = both(measure, codes)
        if pair.two_way.low is None or pair.same_people.low is None:
            continue
        assert pair.two_way.low <= pair.same_people.low <= pair.estimate.value
        assert pair.estimate.value <= pair.same_people.high <= pair.two_way.high


def test_a_higher_level_is_wider():
    codes = draw(2)
    widths = [
        np.ptp([(own := both("alpha", codes, level=level).two_way).low, own.high])
        for level in (0.8, 0.95, 0.99)
    ]
    assert widths == sorted(widths)


def test_any_statistic_gives_what_its_measure_gives_but_for_the_imagined_person():
    codes = draw(3, units=8, people=10)

    def alpha(units, people):
        return coefficients.krippendorff_alpha(codes[units][:, people]).value

    pair, measured = jackknife(alpha, *codes.shape, within=(-1, 1)), both("alpha", codes)
    ours, theirs = pair.same_people, measured.same_people
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert pair.two_way.high == pytest.approx(measured.two_way.high)
    assert measured.two_way.low < pair.two_way.low
    imagined = jackknife(alpha, *codes.shape, within=(-1, 1), imagined=(-pair.estimate.value,))
    assert imagined.two_way.low == pytest.approx(measured.two_way.low)


def test_without_skewness_or_imagined_people_it_is_the_two_way_jackknife():
    rows, columns = np.array([0.2, 0.3, 0.4, 0.5, 0.6]), np.array([-0.1, 0.0, 0.0, 0.1])

    def mean(units, people):
        return float((rows[units][:, None] + columns[people]).mean())

    two_way = jackknife(mean, 5, 4).two_way
    of_units, of_people = rows.var(ddof=1) / 5, columns.var(ddof=1) / 4
    variance = of_units + of_people
    freedom = variance**2 / (of_units**2 / 4 + of_people**2 / 3)
    half = t.ppf(0.975, freedom) * variance**0.5
    assert (two_way.low, two_way.high) == pytest.approx((0.4 - half, 0.4 + half))


def test_few_people_are_warned_of():
    assert "fewer than 10 people" in both("alpha", draw(4, people=9)).two_way.warning
    assert both("alpha", draw(4, people=10)).two_way.warning == ""
    half_empty = np.hstack([draw(4, people=9), np.full((20, 5), MISSING)])
    assert both("alpha", half_empty) == both("alpha", draw(4, people=9))


def test_where_everybody_agrees_other_people_may_not_and_other_summaries_cannot_be_judged():
    codes = np.tile(np.arange(8)[:, None], 12)
    pair = both("alpha", codes)
    assert pair.estimate.value == pair.two_way.high == 1
    assert 0.5 < pair.two_way.low < 0.8
    assert pair.same_people.low is None and pair.same_people.reason == intervals.ALL_SAME


@pytest.mark.parametrize(
    ("codes", "two_way", "same_people"),
    [
        (draw(5, units=1), intervals.ONE_UNIT, intervals.ONE_UNIT),
        (np.zeros((4, 12), int), coefficients.ONE_CATEGORY, coefficients.ONE_CATEGORY),
        (np.full((4, 12), MISSING), coefficients.NO_ANSWERS, coefficients.NO_ANSWERS),
        (np.array([[0, 1], [0, 0], [1, 1]]), intervals.RESTS_ON_PERSON, ""),
        (np.array([[0, 1, 1], [0, 0, 0], [0, 0, 0]]), intervals.RESTS_ON_UNIT, intervals.RESTS_ON_UNIT),
    ],
)
def test_where_there_is_no_interval_the_reason_is_said(codes, two_way, same_people):
    pair = both("alpha", codes)
    assert (pair.two_way.reason, pair.same_people.reason) == (two_way, same_people)
    assert (pair.two_way.low is None) == bool(two_way)
    assert (pair.same_people.low is None) == bool(same_people)


def test_nobody_who_named_anything_leaves_h_undefined_and_its_reason_says_so():
    assert both("h", np.full((5, 12), NOTHING)).estimate.reason == "nobody gave a name"
    assert both("nothing", np.full((5, 12), NOTHING)).two_way.high == 1
    assert both("nothing", np.zeros((5, 12), int)).two_way.low == 0


def test_a_share_of_one_summary_has_wilsons_interval():
    assert (share(4, 10).low, share(4, 10).high) == pytest.approx((0.16818, 0.68733), abs=1e-5)
    assert (share(0, 10).low, share(10, 10).high) == (0, 1)
    assert share(0, 10).high == pytest.approx(0.27753, abs=1e-5)
    assert share(0, 0).reason == coefficients.NO_ANSWERS
