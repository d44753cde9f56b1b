"""Random regions: the member's own shape, on the mask or off it."""

import numpy as np
import pytest

from summaries.engine.tagging import controls


@pytest.fixture
def scene():
    """A ragged region, and a mask over the left half of the picture."""
    rng = np.random.default_rng(1)
    region, mask = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    region[10:18, 22:34] = rng.random((8, 12)) < 0.7
    region[10, 22] = region[17, 33] = True
    mask[:, :20] = True
    return region, mask


def test_shares_are_counted_for_every_place(scene):
    region, mask = scene
    shape = region[10:18, 22:34]
    slow = [
        [mask[y : y + 8, x : x + 12][shape].mean() for x in range(40 - 12 + 1)] for y in range(40 - 8 + 1)
    ]
    assert controls.shares(shape, mask) == pytest.approx(np.array(slow), abs=1e-6)


@pytest.mark.parametrize("on", [True, False])
def test_a_region_keeps_its_shape_and_lies_where_it_should(scene, on):
    region, mask = scene
    rng, places = np.random.default_rng(2), set()
    for _ in range(30):
        moved = controls.place(region, mask, on=on, rng=rng)
        share = mask[moved].mean()
        assert share >= controls.ON if on else share <= controls.OFF
        corner = np.argwhere(moved).min(0)
        assert np.array_equal(np.roll(moved, np.array([10, 22]) - corner, (0, 1)), region)
        places.add(tuple(corner))
    assert len(places) > 20


def test_where_no_place_will_do_the_best_is_taken(scene):
    region, mask = scene
    small = np.zeros_like(mask)
    small[5, 7] = True
    moved = controls.place(region, small, on=True, rng=np.random.default_rng(0))
    assert moved[5, 7], "one pixel of the mask is all there is, and the region covers it"
    everywhere = controls.place(region, np.ones_like(mask), on=False, rng=np.random.default_rng(0))
    assert everywhere.sum() == region.sum()


def test_each_region_of_a_summary_has_an_image_of_its_own_while_there_are_enough():
    rng = np.random.default_rng(0)
    assert sorted(controls.images(6, 6, rng)) == list(range(6))
    assert sorted(controls.images(3, 7, rng)) in (
        [0, 0, 0, 1, 1, 2, 2],
        [0, 0, 1, 1, 1, 2, 2],
        [0, 0, 1, 1, 2, 2, 2],
    )
