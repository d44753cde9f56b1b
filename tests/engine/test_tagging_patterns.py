"""Patterns of drawn regions: turned, blurred, shaded, noisy, of any two colours, inside a ragged outline."""

from collections import Counter

import numpy as np
import pytest
from scipy import ndimage

from summaries.engine.tagging.patterns import NAMES, find_pattern

SIDE = 64
Y, X = np.mgrid[:SIDE, :SIDE].astype(float)


def figure(kind, rng):
    """Where the second colour is; None for a continuum between the two."""
    turn, size, shift = rng.uniform(0, np.pi), rng.uniform(8, 14), rng.uniform(0, 14, 2)
    u, v = X * np.cos(turn) + Y * np.sin(turn) + shift[0], Y * np.cos(turn) - X * np.sin(turn) + shift[1]
    if kind == "striped":
        return u % size < size * rng.uniform(0.35, 0.65)
    if kind == "checked":
        return (u // (size / 1.6) + v // (size / 1.6)) % 2 == 0
    if kind == "spotted":
        row = (v + u // size % 2 * size / 2) % size
        return np.hypot(u % size - size / 2, row - size / 2) < size * rng.uniform(0.2, 0.33)
    return u > u.mean() if kind == "edge" else np.zeros((SIDE, SIDE), bool)


def region(kind, rng):
    one = rng.uniform(0, 255, 3)
    other = next(each for each in rng.uniform(0, 255, (99, 3)) if np.abs(each - one).sum() > 180)
    share = figure(kind, rng).astype(float)
    if kind == "mottled":
        noise = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), rng.uniform(0.7, 2.5))
        share = 0.5 + 0.35 * noise / noise.std()
    picture = one + ndimage.gaussian_filter(share, rng.uniform(0.3, 1))[..., None] * (other - one)
    picture *= (1 - 0.25 * X / SIDE * rng.uniform(0, 1))[..., None]
    picture += rng.normal(0, 5, picture.shape)
    own = np.hypot((X - 32) / rng.uniform(20, 30), (Y - 32) / rng.uniform(18, 30)) < 1
    return picture.clip(0, 255).astype(np.uint8), own


@pytest.mark.parametrize(
    ("kind", "least"), [(name, 38 if name in ("plain", "striped") else 35) for name in NAMES]
)
def test_of_forty_drawn_patterns_nearly_all_are_named(kind, least):
    rng = np.random.default_rng(5)
    found = Counter(find_pattern(*region(kind, rng)).name for _ in range(40))
    assert found[kind] >= least, found


def test_a_single_edge_is_no_stripe():
    rng = np.random.default_rng(5)
    assert "striped" not in {find_pattern(*region("edge", rng)).name for _ in range(40)}


def test_what_lies_outside_the_region_does_not_count():
    rng = np.random.default_rng(0)
    picture, own = region("plain", rng)
    picture[~own] = region("striped", rng)[0][~own]
    assert find_pattern(picture, own).name == "plain"


def test_of_a_few_pixels_nothing_is_said():
    picture, own = region("striped", np.random.default_rng(0))
    assert find_pattern(picture, own & (X < 10)) is None
    assert find_pattern(picture, np.zeros_like(own)) is None
