"""The worlds of `benchmarks/coverage.py`: what is said to be true there is what very large studies give."""

import numpy as np
import pytest

from benchmarks import coverage
from benchmarks.report import figures
from study.agreement import coefficients
from study.agreement.codes import MISSING

TOLD = {"alpha": coefficients.krippendorff_alpha, "percent": coefficients.percent_agreement}


@pytest.mark.parametrize("world", [coverage.FIRST, coverage.WORLDS["hard summaries"]])
@pytest.mark.parametrize("measure", TOLD)
def test_the_truth_is_what_a_very_large_study_gives(world, measure):
    codes, careless = coverage.simulate(world, 3000, 300, np.random.default_rng(3))
    attentive = 1 - careless / 300  # as many as there are by chance, so that only summaries vary
    expected = coverage.reckon(coverage.endless(world), attentive, measure)
    assert TOLD[measure](codes).value == pytest.approx(expected, abs=0.02)


def test_the_truth_for_the_same_people_is_what_very_many_summaries_give():
    codes, careless = coverage.simulate(coverage.World(careless=0.3), 30_000, 6, np.random.default_rng(6))
    expected = coverage.tell_truth_here(coverage.World(careless=0.3), 6, careless)
    assert 0 < careless < 6
    assert coefficients.krippendorff_alpha(codes).value == pytest.approx(expected, abs=0.01)


def test_half_of_the_summaries_are_shown_to_each():
    codes, _ = coverage.simulate(coverage.World(half=True), 20, 7, np.random.default_rng(0))
    assert ((codes == MISSING).sum(0) == 10).all()


def test_a_few_studies_make_a_whole_report_and_its_tables(monkeypatch):
    monkeypatch.setattr(coverage, "GRID", ((20, 5), (50, 40)))
    monkeypatch.setattr(coverage, "SMALL", ((10, 20),))
    found = coverage.report(4, full=True)
    assert set(found["grid"]) == {"20x5", "50x40"}
    assert found["ms_100x50"] < 250
    assert all(found["width"][cell] > 0 for cell in found["grid"])
    told = figures.coverage(found)
    assert "| 50 x 40 |" in told and "20 % careless" in told
