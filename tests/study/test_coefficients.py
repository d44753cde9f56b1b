"""Coefficients against published values and other packages."""

from math import log

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import aggregate_raters
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_kappa

from study.agreement import coefficients
from study.agreement.codes import CANNOT, MISSING, NOTHING
from study.agreement.coefficients import (
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
    scott_pi,
)

FOUR_CODERS = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
THREE_CODERS = """
. . . . . 3 4 1 2 1 1 3 3 . 3
1 . 2 1 3 3 4 3 . . . . . . .
. . 2 1 3 4 4 . 2 1 1 3 3 . 4
"""
PAIRED = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]


def read(text):
    rows = [
        [MISSING if mark == "." else int(mark) for mark in line.split()] for line in text.split("\n") if line
    ]
    return np.array(rows).T


def unfold(table):
    """Two raters' answers from a table of how often they met."""
    pairs = [(a, b) for a, row in enumerate(table) for b, count in enumerate(row) for _ in range(count)]
    return np.array(pairs)


@st.composite
def tables(draw, complete=False):
    units, raters, names = draw(st.integers(2, 12)), draw(st.integers(2, 9)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    codes = rng.integers(0, names, (units, raters))
    likely = rng.random((units, raters)) < draw(st.floats(0, 1))
    codes = np.where(likely, rng.integers(0, names, units)[:, None], codes)
    if not complete:
        codes[rng.random(codes.shape) < draw(st.floats(0, 0.7))] = MISSING
    return codes


def as_package(codes):
    return np.where(codes == MISSING, np.nan, codes.astype(float)).T


def is_defined(codes):
    pairable = codes[(codes != MISSING).sum(1) > 1]
    return len(np.unique(pairable[pairable != MISSING])) > 1


@pytest.mark.parametrize(("text", "alpha"), [(FOUR_CODERS, 0.7434), (THREE_CODERS, 0.6914)])
def test_alpha_of_the_published_examples(text, alpha):
    codes = read(text)
    assert krippendorff_alpha(codes).value == pytest.approx(alpha, abs=5e-5)
    theirs = krippendorff.alpha(as_package(codes), level_of_measurement="nominal")
    assert krippendorff_alpha(codes).value == pytest.approx(theirs, abs=1e-12)


def test_two_raters_of_the_published_table():
    one, other = unfold(PAIRED).T
    assert cohen_kappa(one, other).value == pytest.approx(0.79641, abs=5e-6)
    assert scott_pi(one, other).value == pytest.approx(0.79624, abs=5e-6)


def test_ac1_of_the_published_table_by_hand():
    shares = np.array([26, 51, 123]) / 200
    chance = (shares * (1 - shares)).sum() / 2
    expected = (0.89 - chance) / (1 - chance)
    assert percent_agreement(unfold(PAIRED)).value == pytest.approx(0.89)
    assert gwet_ac1(unfold(PAIRED)).value == pytest.approx(expected, abs=1e-12)
    assert expected == pytest.approx(0.84933, abs=5e-6)


def test_ac1_counts_a_summary_with_one_answer_among_the_chances_alone():
    codes = np.array([[0, 0, 1], [1, 1, MISSING], [0, MISSING, MISSING]])
    shares = np.array([2 / 3 + 0 + 1, 1 / 3 + 1 + 0]) / 3
    chance = (shares * (1 - shares)).sum()
    assert gwet_ac1(codes).value == pytest.approx(((1 / 3 + 1) / 2 - chance) / (1 - chance))


@settings(max_examples=150, derandomize=True, deadline=None)
@given(tables())
def test_alpha_equals_the_package_with_missing_answers(codes):
    if is_defined(codes):
        theirs = krippendorff.alpha(as_package(codes), level_of_measurement="nominal")
        assert krippendorff_alpha(codes).value == pytest.approx(theirs, abs=1e-9)
    else:
        assert krippendorff_alpha(codes).value is None


@settings(max_examples=80, derandomize=True, deadline=None)
@given(tables(), st.integers(0, 2**32 - 1))
def test_alpha_by_a_distance_equals_the_package(codes, seed):
    if not is_defined(codes):
        return
    apart = np.random.default_rng(seed).random((9, 9)) + 0.01
    apart = (apart + apart.T) * (1 - np.eye(9))

    def look_up(v1, v2, i1, i2, n_v, dtype=np.float64):
        return apart[np.asarray(v1, int), np.asarray(v2, int)].astype(dtype)

    theirs = krippendorff.alpha(as_package(codes), level_of_measurement=look_up)
    assert krippendorff_alpha(codes, apart).value == pytest.approx(theirs, abs=1e-9)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(tables(complete=True))
def test_fleiss_kappa_equals_the_package_on_complete_tables(codes):
    if is_defined(codes):
        theirs = statsmodels_kappa(aggregate_raters(codes)[0])
        assert fleiss_kappa(codes).value == pytest.approx(theirs, abs=1e-9)
    else:
        assert fleiss_kappa(codes).reason == coefficients.ONE_CATEGORY


def test_what_is_no_name_is_a_category_of_its_own():
    codes = np.array([[0, 0, NOTHING], [1, NOTHING, NOTHING], [CANNOT, 1, 1]])
    named = np.select([codes == NOTHING, codes == CANNOT], [2, 3], codes)
    apart = 1 - np.eye(4)
    for measure in (krippendorff_alpha, gwet_ac1, fleiss_kappa, percent_agreement):
        assert measure(codes) == measure(named)
    assert krippendorff_alpha(codes, apart).value == pytest.approx(krippendorff_alpha(codes).value)


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        (np.zeros((0, 0)), coefficients.NO_ANSWERS),
        (np.full((3, 2), MISSING), coefficients.NO_ANSWERS),
        (np.array([[0], [1]]), coefficients.NO_PAIRS),
        (np.array([[0, MISSING], [MISSING, 1]]), coefficients.NO_PAIRS),
        (np.array([[2, 2], [2, 2]]), coefficients.ONE_CATEGORY),
    ],
)
def test_what_is_undefined_says_why(codes, reason):
    for measure in (krippendorff_alpha, gwet_ac1, fleiss_kappa):
        assert measure(codes).value is None
        assert measure(codes).reason == reason


def test_fleiss_kappa_asks_for_as_many_answers_everywhere():
    codes = np.array([[0, 1, 0], [1, 1, MISSING]])
    assert fleiss_kappa(codes).reason == coefficients.INCOMPLETE
    assert krippendorff_alpha(codes).value is not None


def test_names_at_no_distance_leave_alpha_undefined():
    codes = np.array([[0, 1], [1, 0]])
    assert krippendorff_alpha(codes, np.zeros((4, 4))).reason == coefficients.NO_DISTANCE


def test_two_raters_without_a_common_unit_have_no_kappa():
    assert cohen_kappa([0, MISSING], [MISSING, 1]).reason == coefficients.NO_COMMON_UNITS
    assert cohen_kappa([0, 0], [0, 0]).reason == coefficients.ONE_CATEGORY
    assert cohen_kappa([0, 1, 2], [0, 1, MISSING]).value == 1


def test_values_are_plain_numbers():
    assert {type(measure(read(FOUR_CODERS)).value) for measure in (krippendorff_alpha, gwet_ac1)} == {float}
    assert log(krippendorff_alpha(read(FOUR_CODERS)).value) < 0
