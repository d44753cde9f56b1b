"""The paired test, against all signs that ranks could have."""

from itertools import product

import numpy as np
import pytest

from summaries.engine.tagging.paired import compare


def exactly(differences):
    """Two-sided p of the sum of positive ranks over all 2^n signs, for differences without ties."""
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    seen = ranks[np.array(differences) > 0].sum()
    sums = np.array([np.dot(signs, ranks) for signs in product((0, 1), repeat=len(ranks))])
    return min(1.0, 2 * min((sums <= seen).mean(), (sums >= seen).mean()))


@pytest.mark.parametrize("seed", range(5))
def test_p_is_exact_and_the_effect_is_of_the_ranks(seed):
    rng = np.random.default_rng(seed)
    values, controls = rng.normal(0.4, 1, 9), rng.normal(0, 1, 9)
    found = compare(values, controls)
    assert found.p == pytest.approx(exactly(values - controls))
    assert found.difference == pytest.approx(np.median(values - controls))
    assert found.pairs == 9 and found.reason == ""


def test_the_effect_reaches_from_all_below_to_all_above():
    values = np.arange(1.0, 9)
    assert compare(values, np.zeros(8)).effect == 1
    assert compare(-values, np.zeros(8)).effect == -1
    assert compare([1, -1, 2, -2, 3, -3], np.zeros(6)).effect == 0


def test_pairs_that_are_not_defined_are_left_out_and_too_few_are_said():
    found = compare([0.5, None, 0.6, 0.7], [0.1, 0.2, None, 0.2])
    assert found.pairs == 2 and found.effect == 1
    assert found.reason == "with 2 pairs that differ, p cannot reach 0.05"


def test_nothing_to_compare_is_a_reason_and_no_number():
    assert compare([None], [0.1]).reason == "there is no pair to compare"
    same = compare([0.3, 0.3], [0.3, 0.3])
    assert (same.p, same.effect, same.reason) == (None, None, "no summary differs from its control")
