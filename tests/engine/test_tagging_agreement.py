"""Agreement of tags, against the definition written out."""

from itertools import combinations
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from summaries.engine.tagging.agreement import Scores, mean, measure, overlaps, rank, shuffled

TAGS = st.lists(st.sampled_from("abcdefg"), max_size=7, unique=True)
CLASSES = st.lists(st.tuples(TAGS, st.integers(0, 2)), min_size=1, max_size=9)


def ranked(words):
    return [(word, 1 / (place + 1)) for place, word in enumerate(words)]


def jaccard(one, other):
    return len(one & other) / len(one | other) if one | other else 0.0


def slowly(words, groups, number, k):
    """Coherence and specificity of one summary."""
    sets = [set(each[:k]) for each in words]
    mine = [one for one, group in zip(sets, groups, strict=True) if group == number]
    others = [one for one, group in zip(sets, groups, strict=True) if group != number]
    inside = [jaccard(*pair) for pair in combinations(mine, 2)]
    across = [jaccard(one, other) for one in mine for other in others]
    coherence = fmean(inside) if inside else None
    return coherence, coherence - fmean(across) if inside and across else None


@settings(deadline=None)
@given(CLASSES, st.integers(1, 7))
def test_scores_are_what_the_definition_says(members, k):
    words, groups = [each for each, _ in members], np.array([group for _, group in members])
    found = measure([ranked(each) for each in words], groups, k)
    assert len(found) == groups.max() + 1
    for number, scores in enumerate(found):
        coherence, specificity = slowly(words, groups, number, k)
        assert scores.coherence == pytest.approx(coherence)
        assert scores.specificity == pytest.approx(specificity)


def test_only_the_first_k_tags_count_and_silence_is_no_agreement():
    found = overlaps([ranked("abx"), ranked("aby"), [], []], k=2)
    assert found[0, 1] == 1 and found[2, 3] == 0 and found[0, 2] == 0
    assert overlaps([ranked("abx"), ranked("aby")], k=3)[0, 1] == 0.5


def test_purity_is_the_share_of_members_with_the_label_first_and_the_silent_count():
    members = [ranked("ab"), ranked("ac"), ranked("ba"), []]
    assert measure(members, np.zeros(4, int))[0].purity == 0.5
    assert rank(members)[0][0] == "a"


def test_a_summary_s_tags_begin_with_its_label_and_carry_mean_scores():
    members = [[("wing", 0.9), ("bird", 0.5)], [("wing", 0.7), ("bird", 0.7)], [("tail", 1.0), ("bird", 1.0)]]
    found = dict(rank(members))
    assert list(found) == ["wing", "bird", "tail"]
    assert found == pytest.approx({"wing": 1.6 / 3, "bird": 2.2 / 3, "tail": 1 / 3})


def test_a_shuffle_takes_away_what_is_specific_and_keeps_what_is_common():
    words = ["ab"] * 4 + ["ac"] * 4
    groups = np.repeat([0, 1], 4)
    members = [ranked(each) for each in words]
    assert measure(members, groups)[0] == Scores(1.0, pytest.approx(2 / 3), 1.0)
    chance = shuffled(members, groups, times=400, seed=3)
    # Of the seven others a member shares all with three and a third with four, wherever these are dealt.
    assert chance[0].coherence == pytest.approx((3 + 4 / 3) / 7, abs=0.02)
    assert chance[0].specificity == pytest.approx(0, abs=0.03)
    assert chance == shuffled(members, groups, times=400, seed=3)


def test_a_class_with_one_summary_has_nothing_to_shuffle():
    assert shuffled([ranked("ab")] * 3, np.zeros(3, int)) == [Scores(None, None, None)]


def test_a_mean_over_draws_passes_over_what_is_not_defined():
    draws = [[Scores(0.2, None, 1.0)], [Scores(0.4, None, 0.5)], [Scores(None, None, None)]]
    (found,) = mean(draws)
    assert (found.coherence, found.specificity, found.purity) == (pytest.approx(0.3), None, 0.75)
