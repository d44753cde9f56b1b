"""Affinity propagation, members, structural similarity, clean-up and rank."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from summaries.engine import Refusal
from summaries.engine.visual import clusters
from summaries.engine.visual.similarity import shift
from tests.shared_data import SHARED, needs_shared


def message_passing(similarity, preference, *, damping=0.9, max_iter=1000, convergence_iter=100):
    """Frey and Dueck's message equations, written out over every (i, k, j); the exemplar of every point."""
    count = len(similarity)
    s = similarity.copy()
    s[np.arange(count), np.arange(count)] = preference
    r, a = np.zeros_like(s), np.zeros_like(s)
    i, k, j = np.ogrid[:count, :count, :count]
    stable, last = 0, ()
    for _ in range(max_iter):
        rival = np.where(j == k, -np.inf, (a + s)[:, None, :]).max(axis=2)
        r = damping * r + (1 - damping) * (s - rival)
        support = np.where((j == i) | (j == k), 0, np.maximum(r, 0).T[None]).sum(axis=2)
        available = np.where(np.eye(count, dtype=bool), support, np.minimum(0, np.diag(r) + support))
        a = damping * a + (1 - damping) * available
        exemplars = tuple(np.flatnonzero(np.diag(a) + np.diag(r) > 0))
        stable = stable + 1 if exemplars == last and exemplars else 0
        last = exemplars
        if stable >= convergence_iter:
            break
    return refine(s, np.array(last))


def refine(s, exemplars):
    for _ in range(2):
        label = np.argmax(s[:, exemplars], axis=1)
        label[exemplars] = np.arange(len(exemplars))
        groups = [np.flatnonzero(label == k) for k in range(len(exemplars))]
        chosen = exemplars[label]
        exemplars = np.array([g[np.argmax(s[np.ix_(g, g)].sum(axis=0))] for g in groups])
    return chosen


def planted(groups, size, within, *, seed=0):
    """Regions in groups: self-matches 1, `within` inside a group, next to nothing elsewhere."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), size)
    matrix = np.where(np.equal.outer(group, group), within, 0.0) + 1e-4 * rng.random((len(group), len(group)))
    np.fill_diagonal(matrix, 1.0)
    return matrix


@pytest.mark.parametrize(
    ("groups", "size", "within", "expected"),
    [(3, 4, 0.20, 3), (3, 4, 0.08, 1), (3, 8, 0.08, 3), (6, 8, 0.03, 1)],
)
def test_a_group_gets_an_exemplar_only_when_it_gathers_three_tenths_of_a_self_match(
    groups, size, within, expected
):
    found = clusters.affinity_propagation(shift(planted(groups, size, within)))
    assert len(found.exemplars) == expected
    assert found.converged and not found.fallback
    if expected > 1:
        assert found.labels.reshape(groups, size).std(axis=1).max() == 0


def test_the_exemplars_are_those_of_the_literal_message_equations():
    points = np.random.default_rng(4).random((50, 2))
    similarity = -((points[:, None] - points[None]) ** 2).sum(-1)
    found = clusters.affinity_propagation(similarity)
    expected = message_passing(similarity, 1.3 * np.median(similarity))
    assert found.preference == 1.3 * np.median(similarity)
    assert found.exemplars[found.labels].tolist() == expected.tolist()
    assert len(found.exemplars) > 2


@needs_shared
@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_partition_is_that_of_the_authors_code(number):
    golden = np.load(SHARED / "golden" / f"clusters_{number}.npz")
    found = clusters.affinity_propagation(shift(golden["similarity"]))
    assert found.preference == pytest.approx(float(golden["preference"]), rel=1e-12)
    assert found.exemplars[found.labels].tolist() == golden["exemplar"].tolist()
    assert found.converged


def test_no_region_gives_no_cluster_and_one_region_gives_one():
    none = clusters.affinity_propagation(np.zeros((0, 0)))
    assert none.labels.size == none.exemplars.size == 0
    one = clusters.affinity_propagation(np.zeros((1, 1)))
    assert one.labels.tolist() == [0] and one.exemplars.tolist() == [0]


@pytest.mark.parametrize(("count", "self_match"), [(2, 0.0), (3, 0.0), (7, 0.0), (3, 1.0), (7, 1.0)])
def test_regions_that_are_all_equally_similar_are_one_cluster(count, self_match):
    found = clusters.affinity_propagation(shift(self_match * np.eye(count)))
    assert found.exemplars.tolist() == [0] and found.labels.tolist() == [0] * count


def test_two_regions_without_similarity_stay_apart_since_their_self_matches_halve_the_median():
    found = clusters.affinity_propagation(shift(np.eye(2)))
    assert found.preference == -0.65
    assert found.exemplars.tolist() == [0, 1]


@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
@settings(max_examples=40, deadline=None)
def test_every_region_belongs_to_a_cluster_and_every_exemplar_to_its_own(seed, count):
    similarity = shift(np.random.default_rng(seed).random((count, count)))
    found = clusters.affinity_propagation(similarity, seed=seed)
    assert found.labels.shape == (count,)
    assert found.labels[found.exemplars].tolist() == list(range(len(found.exemplars)))
    assert sorted(set(found.labels.tolist())) == list(range(len(found.exemplars)))


def test_messages_that_need_longer_are_given_longer_and_the_result_says_so():
    # These settle after about 210 iterations at damping 0.9 and 330 at 0.95.
    patient = clusters.affinity_propagation(shift(planted(3, 3, 0.2)), max_iter=190)
    assert not patient.converged and not patient.fallback
    assert len(patient.exemplars) == 3


@pytest.mark.parametrize(
    ("groups", "size", "within", "expected"),
    [(3, 4, 0.20, 3), (3, 4, 0.08, 1), (3, 8, 0.08, 3), (6, 8, 0.03, 1)],
)
def test_messages_that_never_settle_fall_back_on_a_tree_cut_at_the_same_cost(groups, size, within, expected):
    found = clusters.affinity_propagation(shift(planted(groups, size, within)), max_iter=5)
    assert found.fallback and not found.converged
    assert len(found.exemplars) == expected


def test_similarities_that_are_no_numbers_are_refused_in_words():
    with pytest.raises(Refusal, match="not numbers"):
        clusters.affinity_propagation(np.array([[0.0, np.nan], [-1.0, 0.0]]))


def test_members_leave_out_the_exemplars_own_image_and_come_one_an_image_best_first():
    #                 exemplar  same image  ------- others -------
    image = np.array([0, 0, 1, 1, 2, 3, 4])
    towards = np.array([0.0, -0.1, -0.6, -0.5, -0.2, -0.7, -0.3])
    similarity = np.full((7, 7), -1.0)
    similarity[0] = towards
    labels = np.array([0, 0, 0, 0, 0, 0, 1])
    clustering = clusters.Clustering(labels, np.array([0, 6]), -1.3, True, False)
    first, second = clusters.members(similarity, clustering, image)
    assert first.tolist() == [0, 4, 3, 5]
    assert second.tolist() == [6]
    assert clusters.members(similarity, clustering, image, topk=2)[0].tolist() == [0, 4]


def reference_ssim(a, b):
    """Wang et al. 2004 by an explicit 11 x 11 window at every pixel, the edge repeated outwards."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    padded = [np.pad(x.astype(np.float64), 5, mode="edge") for x in (a, b)]
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for y in range(a.shape[0]):
        for x in range(a.shape[1]):
            u, v = (p[y : y + 11, x : x + 11] for p in padded)
            mu, nu = (window * u).sum(), (window * v).sum()
            uu, vv = (window * u * u).sum() - mu**2, (window * v * v).sum() - nu**2
            uv = (window * u * v).sum() - mu * nu
            values.append((2 * mu * nu + c1) * (2 * uv + c2) / ((mu**2 + nu**2 + c1) * (uu + vv + c2)))
    return np.mean(values)


@pytest.mark.parametrize("shape", [(20, 27), (6, 9)])
def test_structural_similarity_is_that_of_an_explicit_window(shape):
    rng = np.random.default_rng(2)
    a = rng.integers(0, 256, shape, np.uint8)
    b = (0.7 * a + 0.3 * rng.integers(0, 256, shape)).astype(np.uint8)
    assert clusters.ssim_matrix([a, b])[0, 1] == pytest.approx(reference_ssim(a, b), abs=1e-9)


def test_colour_is_weighed_and_rounded_as_matlab_does():
    # rgb2gray of pure red, green, blue at 255 is 76, 150, 29.
    colours = 255 * np.eye(3, dtype=np.uint8)[:, None, None, :].repeat(20, axis=1).repeat(20, axis=2)
    greys = [np.full((20, 20), level, np.uint8) for level in (76, 150, 29)]
    np.testing.assert_array_equal(clusters.ssim_matrix(list(colours)), clusters.ssim_matrix(greys))


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_structural_similarity_is_symmetric_with_ones_on_the_diagonal(seed, count, height, width):
    crops = list(np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8))
    matrix = clusters.ssim_matrix(crops)
    assert matrix.shape == (count, count) and (matrix == matrix.T).all() and (np.diag(matrix) == 1).all()
    assert (np.abs(matrix) <= 1 + 1e-12).all()


def test_crops_of_unequal_size_are_refused_in_words():
    with pytest.raises(Refusal, match="one size"):
        clusters.ssim_matrix([np.zeros((20, 20), np.uint8), np.zeros((20, 21), np.uint8)])


def alike(size, value):
    return np.where(np.eye(size, dtype=bool), 1.0, value)


def test_a_planted_outlier_is_rejected_and_its_cluster_kept():
    q = alike(6, 0.5)
    q[0, 1:] = q[1:, 0] = 0.1
    cleaned = clusters.clean([q, alike(4, 0.5)], [1.0, 1.0])
    first = cleaned.clusters[0]
    assert cleaned.class_median == 0.5
    assert first.member_kept.tolist() == [False, True, True, True, True, True]
    assert first.kept and first.reason == "" and first.score == 1.0
    assert first.member_reasons[1:] == ("",) * 5
    assert first.member_reasons[0] == "it is less like 5 of its group's 6 regions than is usual here (0.50)"


def test_a_member_below_the_median_with_exactly_six_tenths_is_rejected():
    q = alike(5, 0.5)
    q[0, 1:4] = q[1:4, 0] = 0.1
    assert clusters.clean([q], [1.0]).clusters[0].member_kept.tolist() == [False, True, True, True, True]


def test_a_cluster_is_kept_at_exactly_nine_tenths_of_the_class_median_and_dropped_below():
    levels = (0.5, 0.45, 0.449, 0.6, 0.6)
    cleaned = clusters.clean([alike(5, level) for level in levels], [1.0] * 5, rejection=2)
    assert [c.kept for c in cleaned.clusters] == [True, True, False, True, True]
    assert cleaned.clusters[2].reason == (
        "its regions are less alike (0.45) than 90% of what is usual in this class (0.50)"
    )


def test_a_cluster_whose_masks_agree_nowhere_in_more_than_three_quarters_is_dropped():
    cleaned = clusters.clean([alike(4, 0.5), alike(4, 0.5)], [0.75, 0.76])
    assert [c.kept for c in cleaned.clusters] == [False, True]
    assert (
        cleaned.clusters[0].reason
        == "no spot is evidence in more than 75% of its regions (at most 75% agree)"
    )


def test_too_few_remaining_images_drop_a_cluster_unless_fewer_are_asked_for():
    pair = [alike(2, 0.5)]
    dropped = clusters.clean(pair, [1.0]).clusters[0]
    assert not dropped.kept and dropped.reason == "only 2 of its images remain, and 3 are needed"
    assert clusters.clean(pair, [1.0], min_members=1).clusters[0].kept


def test_a_single_member_is_dropped_but_with_matlabs_median_it_switches_the_filter_off():
    q = alike(6, 0.5)
    q[0, 1:] = q[1:, 0] = 0.1
    sets = [q, alike(4, 0.2), np.ones((1, 1))]
    ours = clusters.clean(sets, [1.0] * 3, min_members=1)
    assert [c.kept for c in ours.clusters] == [True, False, False]
    assert ours.clusters[2].reason == "only one image shows it, and a part has to recur"
    theirs = clusters.clean(sets, [1.0] * 3, min_members=1, matlab_nan_parity=True)
    assert np.isnan(theirs.class_median)
    assert all(c.kept and c.member_kept.all() for c in theirs.clusters)


def test_no_clusters_and_only_single_members_are_cleaned_without_complaint():
    assert clusters.clean([], []).clusters == ()
    assert not clusters.clean([np.ones((1, 1))] * 2, [1.0] * 2).clusters[0].kept


def test_summaries_are_ranked_by_the_product_with_ties_by_exemplar():
    coverage, strength = np.array([0.5, 0.5, 1.0, 0.2]), np.array([0.8, 0.8, 0.8, 0.8])
    coherence = np.array([1.0, 1.0, 1.0, np.nan])
    order = clusters.rank(np.array([9, 3, 20, 1]), coverage, strength, coherence)
    assert order.tolist() == [2, 1, 0, 3]
