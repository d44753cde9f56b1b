"""Hits, ranks, agreement, confusion and paired tests of names and tags against slow or published ways."""

from itertools import product

import grimp
import numpy as np
import pytest
from scipy import stats

from study.agreement import tagging
from study.agreement.codes import CANNOT, MISSING, NOTHING
from study.agreement.coefficients import cohen_kappa
from study.agreement.shares import bounded, share_of

BEAK, WING, TAIL, LEG = range(4)
CODES = np.array(
    [
        [BEAK, BEAK, WING, NOTHING],
        [WING, TAIL, WING, TAIL],
        [NOTHING, CANNOT, MISSING, NOTHING],
        [LEG, MISSING, MISSING, MISSING],
    ]
)
TAGS = [[{TAIL}, {BEAK}], [{WING}, {9}], [{BEAK}], [{BEAK}, {WING, LEG}]]


def test_hits_and_ranks_are_means_over_names_that_tie_and_undefined_without_names():
    ranks = tagging.ranks(TAGS, 4)
    assert ranks.tolist() == [[2, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [1, 2, 0, 2]]
    found = tagging.scores(CODES, ranks)
    np.testing.assert_equal(found.hit1, [0, 0.5, np.nan, 0])
    np.testing.assert_equal(found.hit5, [1, 0.5, np.nan, 1])
    np.testing.assert_equal(found.reciprocal, [0.5, 0.5, np.nan, 0.5])


def test_a_name_among_several_tags_counts_at_its_best_rank():
    assert tagging.ranks([[{1}, {0, 1}, {0}]], 2).tolist() == [[2, 1]]


def test_agreement_is_cohens_kappa_where_each_summary_has_one_name_and_one_tag():
    lot = np.random.default_rng(1)
    names, tags = lot.integers(0, 4, 40), lot.integers(0, 4, 40)
    tags[:20] = names[:20]
    ranks = tagging.ranks([[{tag}] for tag in tags.tolist()], 4)
    found = tagging.agreement(tagging.modal(names[:, None], 4), ranks)
    assert found.value == pytest.approx(cohen_kappa(names, tags).value)


def test_agreement_is_undefined_in_words():
    nobody = np.full((2, 3), NOTHING)
    ranks = tagging.ranks([[{0}], [{0}]], 1)
    assert tagging.agreement_of(nobody, ranks).estimate.reason == tagging.NOBODY_NAMED
    assert tagging.mean_of("hit1", nobody, ranks).estimate.reason == tagging.NOBODY_NAMED
    same = tagging.agreement_of(np.zeros((2, 3), int), ranks)
    assert same.estimate.reason == tagging.ALWAYS_THE_SAME and same.two_way.low is None
    one = tagging.mean_of("hit1", np.zeros((1, 3), int), ranks[:1])
    assert one.estimate.value == 1 and one.two_way.reason


def test_leaving_out_a_person_is_counting_anew():
    lot = np.random.default_rng(5)
    for _ in range(40):
        codes = lot.integers(-3, 3, (6, 5))
        codes = codes[:, (codes != MISSING).any(0)]
        ranks = tagging.ranks([[{int(one)} for one in lot.permutation(4)[:3]] for _ in range(6)], 4)
        for measure, value in tagging.VALUES.items():
            anew = [
                getattr(tagging.scores(np.delete(codes, one, axis=1), ranks), measure)
                for one in range(codes.shape[1])
            ]
            expected = [np.nanmean(own) if not np.isnan(own).all() else 0 for own in anew]
            np.testing.assert_allclose(tagging.means_without(codes, value(ranks)), expected)
        known = tagging.agreement(tagging.modal(codes, 4), ranks)
        assert tagging.agreement_of(codes, ranks).estimate == known


def test_confusion_counts_names_that_two_people_gave_against_tags():
    found = tagging.confusion(CODES, tagging.ranks(TAGS, 5))
    people = {(0, BEAK), (1, WING), (1, TAIL)}
    tagged = {(0, TAIL), (0, BEAK), (1, WING), (2, BEAK), (3, BEAK), (3, WING), (3, LEG)}
    assert (found.both, found.human_only, found.tag_only) == (
        len(people & tagged),
        len(people - tagged),
        len(tagged - people),
    )
    assert found.neither == 4 * 4 - len(people | tagged)


@pytest.mark.parametrize("size", [6, 25, 50])
def test_the_signed_rank_test_is_scipys_where_no_differences_tie(size):
    lot = np.random.default_rng(size)
    ours, theirs = lot.normal(0.3, 1, size), lot.normal(0, 1, size)
    found, known = tagging.compare(ours, theirs), stats.wilcoxon(ours, theirs, method="exact")
    assert (found.p, found.n) == (pytest.approx(known.pvalue), size)
    assert found.difference == pytest.approx((ours - theirs).mean())


def test_beyond_the_exact_size_it_is_scipys_normal_one_with_ties():
    lot = np.random.default_rng(4)
    ours, theirs = lot.integers(0, 6, 200) / 5, lot.integers(0, 5, 200) / 5
    known = stats.wilcoxon(np.round(ours - theirs, 12), method="approx", correction=False)
    assert tagging.compare(ours, theirs).p == pytest.approx(known.pvalue)


def test_with_ties_the_exact_test_counts_out_all_signs():
    differences = np.array([0.5, -0.5, 0.5, 1.0, 1.0, 0.0, 0.2, 1.0])
    placed = stats.rankdata(np.abs(differences[differences != 0]))
    sums = [placed[np.array(signs)].sum() for signs in product([False, True], repeat=len(placed))]
    own, middle = placed[differences[differences != 0] > 0].sum(), placed.sum() / 2
    expected = np.mean([abs(each - middle) >= abs(own - middle) for each in sums])
    found = tagging.compare(differences, np.zeros(8))
    assert found.p == pytest.approx(expected) and found.effect == pytest.approx(own / middle - 1)


def test_pairs_that_cannot_be_compared_have_a_reason():
    assert tagging.compare([], []).reason == tagging.NO_PAIRS
    assert tagging.compare([np.nan, 1], [1, np.nan]).reason == tagging.NO_PAIRS
    same = tagging.compare([0.5, 1], [0.5, 1])
    assert (same.difference, same.p, same.reason) == (0, None, tagging.NO_DIFFERENCE)


def test_the_interval_of_hits_covers_their_chance_with_few_summaries_too():
    lot, inside = np.random.default_rng(7), 0
    for _ in range(300):
        ranks = tagging.ranks([[{int(one)}] for one in lot.random(10) < 0.9], 2)
        codes = np.where(lot.random((10, 12)) < 0.8, 1, 0)
        found = tagging.mean_of("hit1", codes, ranks).two_way
        inside += found.low <= 0.9 <= found.high
    assert inside / 300 >= 0.93


def test_a_share_that_is_one_of_few_has_an_interval_all_the_same():
    right = given = np.ones((3, 12), bool)
    found = share_of(right, given)
    assert found.estimate.value == 1 and 0.5 < found.two_way.low < 1 == found.two_way.high
    assert share_of(right, np.zeros((3, 12), bool)).estimate.value is None
    assert share_of(right[:1], given[:1]).two_way.reason
    unsure = bounded(1.0, 0.03, 6, 5)
    assert 0 < unsure.low < bounded(1.0, 0.0, 6, 5).low < unsure.high == 1


def test_without_differences_between_units_a_share_has_wilsons_interval():
    known = stats.binomtest(30, 40).proportion_ci(0.95, "wilson")
    found = bounded(0.75, 0.75 * 0.25 / 40, 40, 10**9)
    assert (found.low, found.high) == (pytest.approx(known.low), pytest.approx(known.high))


@pytest.mark.parametrize("people", range(2, 30))
def test_an_interval_of_a_share_holds_its_share_at_both_ends(people):
    for right in (np.ones((3, people), bool), np.zeros((3, people), bool)):
        pair = share_of(right, np.ones((3, people), bool))
        for span in (pair.two_way, pair.same_people):
            assert span.low <= pair.estimate.value <= span.high


def test_the_interval_of_a_share_covers_where_people_and_units_differ():
    lot, inside = np.random.default_rng(3), 0
    for _ in range(400):
        units, people = lot.normal(0, 0.4, (5, 1)), lot.normal(0, 0.8, (1, 20))
        right = units + people + lot.normal(0, 1, (5, 20)) < 1.3
        found = share_of(right, lot.random((5, 20)) < 0.9).two_way
        inside += found.low <= stats.norm.cdf(1.3 / np.sqrt(1 + 0.4**2 + 0.8**2)) <= found.high
    assert inside / 400 >= 0.93


def test_nothing_that_participants_meet_leads_to_the_comparison_with_tags():
    graph = grimp.build_graph("study", "summaries", "annotations")
    for door in ("views", "api", "hooks", "receipt_views", "receipts", "forms", "sessions", "submissions"):
        for room in ("study.findings.tags", "study.agreement.tagging", "summaries.taggers"):
            assert graph.find_shortest_chain(f"study.{door}", room) is None, (door, room)
