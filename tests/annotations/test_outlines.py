import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from annotations import Refusal, outlines


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_run_lengths_and_their_text_bring_the_mask_back(mask):
    runs = outlines.to_runs(mask)
    height, width = mask.shape
    assert (outlines.from_runs(runs, width, height) == mask).all()
    assert outlines.from_text(outlines.to_text(runs)) == runs


@given(st.lists(st.integers(0, 10**7)))
def test_any_run_lengths_come_back_from_text(runs):
    assert outlines.from_text(outlines.to_text(runs)) == runs


def test_run_lengths_go_down_the_columns_and_begin_with_what_is_off():
    mask = np.array([[1, 0], [1, 1], [0, 1]], bool)
    assert outlines.to_runs(mask) == [0, 2, 2, 2]


def test_the_text_is_cocos():
    assert outlines.to_text([0, 5]) == "05"
    assert outlines.to_text([31]) == "o0"  # 31 would be taken for -1
    assert outlines.to_text([1, 2, 3, 1]) == "123O"  # 1 - 2


@pytest.mark.parametrize("runs", [[3], [1, 2, 3, 4], [-6, 12], ["6"], None, "6", 6])
def test_run_lengths_of_another_mask_are_refused(runs):
    with pytest.raises(Refusal, match="not those of a mask of 2 x 3 px"):
        outlines.from_runs(runs, 2, 3)


@pytest.mark.parametrize("text", ["o", "\n", "é"])
def test_text_that_is_no_run_lengths_is_refused(text):
    with pytest.raises(Refusal, match="compressed run lengths"):
        outlines.from_text(text)


def test_a_rectangle_of_whole_numbers_fills_its_area():
    mask = outlines.from_polygons([[2, 1, 5, 1, 5, 4, 2, 4]], 8, 6)
    assert mask[1:4, 2:5].all() and mask.sum() == 9


POINTS = st.lists(st.tuples(*[st.floats(-3, 12, width=16)] * 2), min_size=3, max_size=7)


@given(st.lists(POINTS, min_size=1, max_size=2))
def test_a_polygon_covers_the_pixels_whose_centres_it_goes_around(polygons):
    mask = outlines.from_polygons(
        [[each for point in polygon for each in point] for polygon in polygons], 9, 7
    )
    for y in range(7):
        for x in range(9):
            assert mask[y, x] == any(surrounds(polygon, x + 0.5, y + 0.5) for polygon in polygons)


def surrounds(polygon, x, y):
    """By a ray to the left, crossing by crossing."""
    crossings = 0
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y0 <= y) != (y1 <= y) and x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x:
            crossings += 1
    return crossings % 2 == 1


@pytest.mark.parametrize(
    "polygon", [[], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, None], "abcdef", 3]
)
def test_what_is_no_polygon_is_refused(polygon):
    with pytest.raises(Refusal, match="three points"):
        outlines.from_polygons([polygon], 9, 7)
