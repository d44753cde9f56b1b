"""Local offset matching: against the authors' code, the formula written out, and cases with known answers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from summaries.engine.visual.flow import (
    PAPER,
    appearance,
    aspects_agree,
    match,
    match_many,
    overlapping,
)
from tests.shared_data import SHARED, needs_shared

CLEAN = replace(PAPER, inplace=False)


def draw_boxes(count: int, rng: np.random.Generator, side: int = 224) -> np.ndarray:
    size = np.exp(rng.uniform(np.log(20), np.log(side * 0.7), (count, 2))).astype(int)
    low = rng.integers(0, side - size)
    return np.concatenate([low, low + size], axis=1)


def draw_scores(count_a: int, count_b: int, rng: np.random.Generator) -> np.ndarray:
    return np.maximum(rng.normal(size=(count_a, count_b)), 0).astype(np.float32)


def unit_descriptors(count: int, rng: np.random.Generator) -> np.ndarray:
    descriptors = rng.normal(size=(count, 64))
    return descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True)


def matched_by_the_formula(boxes_a, boxes_b, scores, *, inplace):
    """The formula of `match`, word by word, one box after another."""

    def frame(box):
        x1, y1, x2, y2 = (float(v) for v in box)
        return (x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / 2, (y2 - y1) / 2

    def offset(a, b):
        return np.array([a[0] - b[0], a[1] - b[1], a[2] * a[3] / (b[2] * b[3])])

    def overlap(p, q):
        return min(p[2], q[2]) >= max(p[0], q[0]) and min(p[3], q[3]) >= max(p[1], q[1])

    def median(points):
        m = np.ones(3)
        for _ in range(20):
            distances = [abs(o - m) + np.finfo(float).eps for o in points]
            m = sum(o / d for o, d in zip(points, distances, strict=True)) / sum(1 / d for d in distances)
        return m

    a, b = [frame(box) for box in boxes_a], [frame(box) for box in boxes_b]
    start = np.array(scores, np.float32)
    for i, j in np.ndindex(start.shape):
        if not 0.5 < (b[j][2] / b[j][3]) / (a[i][2] / a[i][3]) < 2:
            start[i, j] = 0
    result = start.copy()
    for i in range(len(a)):
        seen = result if inplace else start
        near = [k for k in range(len(a)) if overlap(boxes_a[k], boxes_a[i])]
        local = median([offset(a[k], b[int(seen[k].argmax())]) for k in near])
        total = sum(float(row.max()) for row in seen)
        share = sum(float(seen[k].max()) for k in near) / total if total else 0
        for j in range(len(b)):
            x, y, s = offset(a[i], b[j]) - local
            result[i, j] = start[i, j] * (np.exp(-0.05 * np.hypot(x, y) - 0.3 * abs(s)) * share)
    return result


@needs_shared
@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_match_is_that_of_the_authors_code(number):
    golden = np.load(SHARED / "golden" / f"lom_{number}.npz")
    scores = appearance(golden["descriptors_a"], golden["descriptors_b"])

    found = match(golden["boxes_a"], golden["boxes_b"], scores)

    expected = golden["confidence"]
    assert np.abs(found.confidence - expected).max() <= 1e-5 * expected.max()
    assert (found.partners == expected.argmax(1)).all()


@pytest.mark.parametrize("inplace", [True, False])
@settings(deadline=None, max_examples=15)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12), st.sampled_from([0.0, 1e-3, 1.0, 1e4])
)
def test_the_match_is_the_formula_written_out(inplace, seed, count_a, count_b, scale):
    rng = np.random.default_rng(seed)
    boxes_a, boxes_b = draw_boxes(count_a, rng), draw_boxes(count_b, rng)
    scores = draw_scores(count_a, count_b, rng) * np.float32(scale)

    found = match(boxes_a, boxes_b, scores, params=replace(PAPER, inplace=inplace)).confidence

    expected = matched_by_the_formula(boxes_a, boxes_b, scores, inplace=inplace)
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-6 * max(float(scores.max()), 1e-30))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_many_partners_at_once_get_bit_for_bit_what_each_gets_alone(seed, count_a, counts_b):
    rng = np.random.default_rng(seed)
    boxes_a, boxes_b = draw_boxes(count_a, rng), [draw_boxes(count, rng) for count in counts_b]
    scores = [draw_scores(count_a, count, rng) for count in counts_b]

    together = match_many(boxes_a, boxes_b, scores)

    for own_boxes, own_scores, found in zip(boxes_b, scores, together, strict=True):
        alone = match(boxes_a, own_boxes, own_scores)
        assert np.array_equal(found.confidence, alone.confidence)
        assert np.array_equal(found.offsets, alone.offsets)


@pytest.mark.parametrize("params", [PAPER, CLEAN])
def test_identical_images_match_box_to_box_without_an_offset(params):
    rng = np.random.default_rng(0)
    boxes, descriptors = draw_boxes(60, rng), unit_descriptors(60, rng)

    found = match(boxes, boxes, appearance(descriptors, descriptors), params=params)

    assert (found.partners == np.arange(60)).all()
    np.testing.assert_allclose(found.offsets, np.tile([0.0, 0, 1], (60, 1)), atol=1e-9)


@pytest.mark.parametrize("params", [PAPER, CLEAN])
def test_a_translated_image_keeps_the_partners_and_has_the_opposite_offset(params):
    rng = np.random.default_rng(1)
    boxes, descriptors = draw_boxes(60, rng), unit_descriptors(60, rng)
    scores = appearance(descriptors, descriptors)

    found = match(boxes, boxes + np.array([17, -9, 17, -9]), scores, params=params)

    assert (found.partners == match(boxes, boxes, scores, params=params).partners).all()
    np.testing.assert_allclose(found.offsets, np.tile([-17.0, 9, 1], (60, 1)), atol=1e-9)


def test_with_one_box_the_literal_and_the_clean_form_are_the_same():
    rng = np.random.default_rng(2)
    boxes_a, boxes_b, scores = draw_boxes(1, rng), draw_boxes(30, rng), draw_scores(1, 30, rng)

    literal, clean = (match(boxes_a, boxes_b, scores, params=params) for params in (PAPER, CLEAN))

    assert np.array_equal(literal.confidence, clean.confidence)


def test_only_the_clean_form_is_blind_to_the_order_of_the_boxes():
    rng = np.random.default_rng(3)
    boxes_a, boxes_b, scores = draw_boxes(40, rng), draw_boxes(40, rng), draw_scores(40, 40, rng)
    order = rng.permutation(40)

    def change(inplace):
        # With one step the median is a mean, which the order of summation moves by a rounding error only.
        params = replace(PAPER, inplace=inplace, median_steps=1)
        straight = match(boxes_a, boxes_b, scores, params=params).confidence
        reordered = match(boxes_a[order], boxes_b, scores[order], params=params).confidence
        return np.abs(reordered - straight[order]).max() / straight.max()

    assert change(inplace=False) < 1e-6
    assert change(inplace=True) > 1e-2


@pytest.mark.parametrize("params", [PAPER, CLEAN])
def test_a_matrix_of_zeros_stays_one(params):
    boxes = draw_boxes(10, np.random.default_rng(4))

    found = match(boxes, boxes[:7], np.zeros((10, 7)), params=params)

    assert not found.confidence.any() and np.isfinite(found.offsets).all()


def test_aspect_ratios_must_differ_by_less_than_a_factor_of_two():
    square = np.array([[0, 0, 60, 60]])
    others = np.array([[0, 0, 60, 30], [0, 0, 60, 31], [0, 0, 30, 60], [0, 0, 31, 60]])

    assert aspects_agree(square, others).tolist() == [[False, True, False, True]]


def test_boxes_overlap_when_they_share_a_pixel():
    boxes = np.array([[0, 0, 10, 10], [10, 10, 20, 20], [11, 0, 20, 9]])

    assert [near.tolist() for near in overlapping(boxes)] == [[0, 1], [0, 1], [2]]


def test_what_does_not_fit_is_refused():
    boxes = draw_boxes(5, np.random.default_rng(6))
    with pytest.raises(ValueError, match="do not fit"):
        match(boxes, boxes, np.zeros((5, 4)))
    with pytest.raises(ValueError, match="two pixels"):
        match(boxes, np.array([[3, 3, 3, 9]]), np.zeros((5, 1)))
    assert match_many(boxes, [], []) == []
