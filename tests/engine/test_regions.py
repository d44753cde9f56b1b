"""Pruning of proposals: on the mask, then of redundant ones the best; components of the mask."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from summaries.engine import Refusal
from summaries.engine.visual import regions
from tests.shared_data import SHARED, needs_shared


def boxes_of(rng, count, side=224):
    corner = rng.integers(0, side - 22, (count, 2))
    size = rng.integers(20, 90, (count, 2))
    return np.concatenate([corner, np.minimum(corner + size, side - 1)], axis=1)


def test_a_box_with_exactly_three_quarters_of_evidence_is_rejected_and_one_pixel_more_is_kept():
    mask = np.zeros((40, 40), np.uint8)
    mask[10:25, 10:30] = 255
    box = np.array([[10, 10, 29, 29]])
    assert regions.on_mask(box, mask).tolist() == []
    mask[25, 10] = 255
    assert regions.on_mask(box, mask).tolist() == [0]


def test_only_values_above_128_are_evidence():
    mask = np.full((30, 30), 128, np.uint8)
    box = np.array([[0, 0, 29, 29]])
    assert regions.on_mask(box, mask).size == 0
    assert regions.on_mask(box, mask + 1).tolist() == [0]


def test_no_boxes_give_no_regions():
    empty = np.zeros((0, 4), np.int64)
    assert regions.on_mask(empty, np.full((9, 9), 255, np.uint8)).size == 0
    assert regions.prune_redundant(empty, np.zeros(0)).size == 0
    assert regions.prune_redundant(empty, np.zeros(0), literal=False).size == 0


@pytest.mark.parametrize("literal", [True, False])
def test_nested_boxes_are_both_kept_at_area_ratio_2_and_merged_just_below(literal):
    inner = [0, 0, 100, 100]
    twice, less = [0, 0, 200, 100], [0, 0, 199, 100]
    quality = np.array([1.0, 2.0])
    assert set(regions.prune_redundant(np.array([inner, twice]), quality, literal=literal)) == {0, 1}
    assert regions.prune_redundant(np.array([inner, less]), quality, literal=literal).tolist() == [1]


@pytest.mark.parametrize("literal", [True, False])
def test_boxes_that_share_half_of_the_smaller_are_redundant(literal):
    first, half, less = [0, 0, 100, 100], [50, 0, 150, 100], [51, 0, 151, 100]
    quality = np.array([2.0, 1.0])
    assert regions.prune_redundant(np.array([first, half]), quality, literal=literal).tolist() == [0]
    assert set(regions.prune_redundant(np.array([first, less]), quality, literal=literal)) == {0, 1}


def test_the_counted_pass_skips_boxes_as_the_changing_list_makes_it():
    # A chain in which only neighbours are redundant. The pass asks 0, whose group {0, 1} leaves 1 in front;
    # then the second of [1, 2, 3], box 2, whose group is all three.
    chain = np.array([[x, 0, x + 100, 100] for x in (0, 40, 80, 120)])
    quality = np.array([1.0, 3.0, 2.0, 4.0])
    assert regions.prune_redundant(chain, quality).tolist() == [3]
    assert regions.prune_redundant(chain, quality, literal=False).tolist() == [3, 1]


def test_quality_from_the_tops_of_pairs_equals_quality_from_all_confidences():
    rng = np.random.default_rng(0)
    blocks = [rng.random((7, width)) for width in (500, 30, 250)]
    expected = np.sort(np.concatenate(blocks, axis=1), axis=1)[:, -100:].mean(1)
    tops = [regions.top_scores(block) for block in blocks]
    assert [top.shape for top in tops] == [(7, 100), (7, 30), (7, 100)]
    np.testing.assert_allclose(regions.quality(tops), expected, rtol=1e-12)


def test_a_class_of_one_image_is_refused_in_words():
    with pytest.raises(Refusal, match="at least two usable images"):
        regions.quality([])


def test_top_scores_of_few_columns_are_all_of_them_in_falling_order():
    assert regions.top_scores(np.array([[1.0, 3.0, 2.0]])).tolist() == [[3.0, 2.0, 1.0]]
    assert regions.top_scores(np.array([[1.0, 3.0, 2.0]]), 2).tolist() == [[3.0, 2.0]]


def test_diagonal_neighbours_are_one_component_and_a_box_belongs_to_the_one_it_overlaps_most():
    mask = np.zeros((20, 20), np.uint8)
    mask[2, 2] = mask[3, 3] = 255
    mask[10:15, 10:15] = 255
    labels = regions.components(mask)
    assert labels.max() == 2 and labels[2, 2] == labels[3, 3] != labels[12, 12]
    boxes = np.array([[0, 0, 10, 10], [2, 2, 12, 12], [16, 16, 19, 19]])
    assert regions.component_of(boxes, labels).tolist() == [labels[2, 2], labels[12, 12], 0]


@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.booleans())
@settings(max_examples=60, deadline=None)
def test_pruning_gives_a_subset_without_repeats_that_holds_the_best_box(seed, count, literal):
    rng = np.random.default_rng(seed)
    boxes, quality = boxes_of(rng, count), rng.random(count)
    kept = regions.prune_redundant(boxes, quality, literal=literal)
    assert len(set(kept.tolist())) == len(kept) and set(kept.tolist()) <= set(range(count))
    assert np.argmax(quality) in kept


@given(st.integers(0, 2**32 - 1), st.integers(1, 80))
@settings(max_examples=60, deadline=None)
def test_the_clean_pass_leaves_no_redundant_pair_and_drops_no_box_without_a_better_one(seed, count):
    rng = np.random.default_rng(seed)
    boxes, quality = boxes_of(rng, count), rng.random(count)
    kept = regions.prune_redundant(boxes, quality, literal=False)
    redundant = regions.redundancy(boxes)
    assert redundant[np.ix_(kept, kept)].sum() == len(kept)
    for dropped in np.setdiff1d(np.arange(count), kept):
        assert (quality[kept][redundant[dropped, kept]] >= quality[dropped]).any()


def test_literal_and_clean_passes_mostly_agree(record_property):
    overlap = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        boxes, quality = boxes_of(rng, 60), rng.random(60)
        literal, clean = (set(regions.prune_redundant(boxes, quality, literal=way)) for way in (True, False))
        overlap.append(len(literal & clean) / len(literal | clean))
    record_property("share_of_boxes_in_both", float(np.mean(overlap)))
    assert np.mean(overlap) > 0.6


@needs_shared
@pytest.mark.parametrize("number", [1, 2, 3])
def test_pruning_leaves_the_boxes_that_the_authors_code_leaves_in_their_order(number):
    golden = np.load(SHARED / "golden" / f"pruning_{number}.npz")
    boxes = golden["boxes"].astype(np.int64) - 1
    found = regions.on_mask(boxes, golden["mask"])
    assert found.tolist() == golden["on_mask"].tolist()
    tops = [regions.top_scores(part) for part in np.split(golden["similarity_to_others"], 3, axis=1)]
    kept = found[regions.prune_redundant(boxes[found], regions.quality(tops)[found])]
    assert kept.tolist() == golden["kept"].tolist()
