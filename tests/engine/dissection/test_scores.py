import numpy as np
import pytest
import torch

from summaries.engine import Refusal
from summaries.engine.dissection.score import best, detectors, iou, matched
from summaries.engine.dissection.tally import NONE, Counts, Labels, Tally, primary_categories
from summaries.engine.dissection.tops import TopImages

CATEGORIES = np.array([0, 0, 1, 1, 2])


def make_table() -> np.ndarray:
    """Five units, concepts lamp, tree (objects), red, blue (colours), street (scene)."""
    return np.array(
        [
            [0.20, 0.01, 0.10, 0.00, 0.00],  # lamp, and red among colours
            [0.15, 0.00, 0.00, 0.05, 0.00],  # lamp again, and blue
            [0.00, 0.30, 0.00, 0.09, 0.04],  # tree, and blue; street only reaches the threshold
            [0.03, 0.00, 0.04, 0.00, 0.00],  # nothing: the threshold itself does not pass
            [0.00, 0.00, 0.00, 0.00, 0.00],  # dead
        ]
    )


def test_two_counting_rules_on_a_table_counted_by_hand():
    top = detectors(make_table(), CATEGORIES, 3)
    assert (top.units, top.unique) == (3, 2)  # lamp, lamp, tree
    assert top.unique_by_category.tolist() == [2, 0, 0] and top.units_by_category.tolist() == [3, 0, 0]
    each = detectors(make_table(), CATEGORIES, 3, counting="per category")
    assert (each.units, each.unique) == (3, 4)  # lamp, tree; red, blue
    assert each.unique_by_category.tolist() == [2, 2, 0] and each.units_by_category.tolist() == [3, 3, 0]


def test_top_labels_take_the_first_of_equals_and_none_for_dead_units():
    found = best(np.array([[0.1, 0.1], [0.0, 0.0]]))
    assert found.label.tolist() == [0, NONE] and found.score.tolist() == [0.1, 0.0]
    assert best(np.zeros((2, 0))).label.tolist() == [NONE, NONE]
    assert detectors(np.zeros((2, 5)), CATEGORIES, 3, threshold=-1).units == 0


def test_duplicates_raise_detectors_and_leave_unique_ones_and_permuting_units_permutes_labels():
    table = make_table()
    doubled = detectors(np.concatenate([table, table]), CATEGORIES, 3)
    assert (doubled.units, doubled.unique) == (6, 2)
    order = np.array([3, 0, 4, 2, 1])
    assert (best(table[order]).label == best(table).label[order]).all()


def test_matched_iou_is_that_of_the_best_unit_for_each_planted_concept():
    assert matched(make_table(), np.array([0, 1, 3])) == pytest.approx((0.2 + 0.3 + 0.09) / 3)
    assert matched(make_table(), np.array([], np.int64)) == 0


def test_the_primary_category_is_that_of_greatest_coverage_and_the_last_of_equal_ones():
    coverage = np.array([[0.1, 3.0, 0.2], [2.0, 2.0, 0.0], [0.0, 0.0, 0.0], [5.0, 0.0, 5.0]])
    assert primary_categories(coverage).tolist() == [1, 1, NONE, 2]


def labels_of(*layers: list[list[int]], whole: tuple[int, ...] = ()) -> Labels:
    return Labels(torch.tensor(layers, dtype=torch.int16).reshape(-1, 2, 3), whole)


def test_several_layers_and_whole_images_are_counted_and_doubled_labels_once():
    tally = Tally(1, CATEGORIES, 3)
    labels = labels_of([[1, 1, 0], [0, 0, 0]], [[3, 1, 3], [0, 0, 3]], whole=(4,))
    tally.add(torch.tensor([[[[True, True, False], [False, False, True]]]]), [labels])
    counts = tally.counts()
    assert counts.labelled.tolist() == [2, 0, 3, 0, 6]
    assert counts.both.tolist() == [[2, 0, 2, 0, 3]]
    assert counts.active_in.tolist() == [[3, 3, 3]]


def test_lite_counts_only_images_where_the_label_lies_under_the_mask():
    tally = Tally(1, CATEGORIES, 3)
    apart = labels_of([[1, 0, 0], [0, 0, 3]])
    tally.add(torch.tensor([[[[True, True, False], [False, False, False]]]]), [apart])
    counts = tally.counts()
    assert counts.active_in.tolist() == [[2, 2, 0]] and counts.active_over.tolist() == [[2, 0, 0]]
    assert iou(counts, "lite")[0] == pytest.approx([0.5, 0, 0, 0, 0], abs=1e-9)
    assert iou(counts)[0].tolist() == [0.5, 0, 0, 0, 0]


def test_an_image_without_any_label_counts_as_an_image_alone():
    tally = Tally(2, CATEGORIES, 3)
    tally.add(torch.ones(1, 2, 2, 3, dtype=torch.bool), [Labels(torch.zeros(0, 2, 3, dtype=torch.int16))])
    counts = tally.counts()
    assert (counts.images, counts.pixels) == (1, 6)
    assert counts.active.tolist() == [6, 6] and not counts.active_in.any() and not counts.labelled.any()
    assert (iou(counts) == 0).all() and (iou(counts, "unrestricted") == 0).all()


def test_tallies_merge_and_come_back_from_their_arrays():
    rng = torch.Generator().manual_seed(0)
    masks = torch.rand(6, 3, 2, 3, generator=rng) > 0.5
    labels = [Labels(torch.randint(0, 6, (1, 2, 3), generator=rng)) for _ in range(6)]
    whole, first, second = (Tally(3, CATEGORIES, 3) for _ in range(3))
    whole.add(masks, labels)
    first.add(masks[4:], labels[4:])
    second.add(masks[:4], labels[:4])
    again = Tally.from_arrays(first.to_arrays())
    again.merge(second)
    expected: Counts = whole.counts()
    assert all(
        np.array_equal(getattr(again.counts(), name), getattr(expected, name)) for name in vars(expected)
    )


def test_labels_that_do_not_fit_are_refused():
    tally = Tally(1, CATEGORIES, 3)
    with pytest.raises(Refusal, match="Concept 6 is labelled; there are 5"):
        tally.add(torch.zeros(1, 1, 2, 3, dtype=torch.bool), [labels_of([[7, 0, 0], [0, 0, 0]])])
    with pytest.raises(Refusal, match="Masks are"):
        tally.add(torch.zeros(1, 1, 2, 2, dtype=torch.bool), [labels_of([[1, 0, 0], [0, 0, 0]])])
    with pytest.raises(Refusal, match="Rule 'paper' is not known"):
        iou(tally.counts(), "paper")


def test_lists_of_top_images_merge_in_any_order_and_come_back_from_their_arrays():
    peaks = torch.randint(0, 5, (40, 3), generator=torch.Generator().manual_seed(0)).float()
    expected = [
        sorted(range(40), key=lambda image, u=unit: (-float(peaks[image, u]), image))[:6] for unit in range(3)
    ]
    pieces = []
    for own in torch.arange(40).split(11):
        piece = TopImages(3, 6)
        piece.add(peaks[own], own)
        pieces.append(piece)
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        merged = TopImages.from_arrays(pieces[order[0]].to_arrays())
        for number in order[1:]:
            merged.merge(pieces[number])
        assert merged.images.tolist() == expected
