"""Medians by re-weighting: against the published recursion, added one point after another, and the median."""

import numpy as np
import pytest

from summaries.engine.visual.medians import ORDERED_STEPS, START, medians, sides, stays

EPS = np.finfo(np.float64).eps


def half_pixels(count: int, width: int, *, seed: int, spread: float = 40) -> np.ndarray:
    """Offsets as boxes have them: multiples of half a pixel, some on the start."""
    return np.round(np.random.default_rng(seed).normal(0, spread, (count, width)) * 2) / 2


def as_published(points: np.ndarray, steps: int = 20) -> np.ndarray:
    median = np.ones(points.shape[1])
    for _ in range(steps):
        distance = np.abs(points - median) + EPS
        median = np.cumsum(points / distance, axis=0)[-1] / np.cumsum(1 / distance, axis=0)[-1]
    return median


@pytest.mark.parametrize("count", [1, 2, 9, 100, 201])
@pytest.mark.parametrize("width", [1, 2, 48])
def test_the_first_steps_add_one_point_after_another(count, width):
    points = half_pixels(count, width, seed=count)

    assert np.array_equal(medians(points, ORDERED_STEPS), as_published(points, ORDERED_STEPS))


@pytest.mark.parametrize("spread", [5, 40])
@pytest.mark.parametrize("scale", [1, 0.017])
def test_all_steps_end_where_the_published_ones_do(spread, scale):
    points = START + scale * (half_pixels(200, 3000, seed=1, spread=spread) - START)
    assert (points == START).any(axis=0).mean() > 0.5

    away = np.abs(medians(points) - as_published(points))

    assert away.max() < 2e-3 and np.quantile(away, 0.99) < 1e-6


def test_a_start_that_stays_is_where_the_published_steps_end():
    points = half_pixels(60, 20_000, seed=2, spread=3)

    staying = stays(sides(points).sum(0))

    assert 0.05 < staying.mean() < 0.5
    assert np.abs(as_published(points[:, staying]) - START).max() < 2e-5


def test_sides_tell_how_many_points_are_on_the_start_and_which_side_outnumbers():
    points = np.array([[1.0, 1, 1, 0.5], [1, 4, 1, 0.5], [2, 5, 1, 0.5], [3, 6, 1, 0.5], [0, 7, 9, 0.5]])

    assert stays(sides(points).sum(0)).tolist() == [True, False, True, False]


@pytest.mark.parametrize("steps", [4, 20])
def test_a_column_has_the_same_median_whatever_the_others(steps):
    points = half_pixels(87, 200, seed=3)

    together = medians(points, steps)

    for columns in (slice(1), slice(3, 20), slice(150, 200)):
        assert np.array_equal(medians(points[:, columns], steps), together[columns])


def test_the_steps_come_close_to_the_median():
    points = np.random.default_rng(5).normal(0, 30, (101, 12))

    assert np.abs(medians(points) - np.median(points, axis=0)).max() < 1.5


def test_points_that_agree_are_their_own_median():
    assert medians(np.tile([-17.0, 9, 1, 0.25], (30, 1))) == pytest.approx([-17, 9, 1, 0.25], abs=1e-9)
