"""Descriptors: the histogram written out pixel by pixel, and what whitening must do to inner products."""

import cv2
import numpy as np
import pytest

from summaries.engine import Refusal
from summaries.engine.visual.descriptors import (
    Background,
    describe,
    estimate_background,
    hog,
    whiten,
)


def smooth_picture(seed: int, height: int = 120, width: int = 150) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    picture = cv2.GaussianBlur(noise, (0, 0), 2)
    return np.uint8(255 * (picture - picture.min()) / np.ptp(picture))


def draw_boxes(count: int, seed: int, height: int = 120, width: int = 150) -> np.ndarray:
    rng = np.random.default_rng(seed)
    size = rng.integers(20, 90, (count, 2))
    low = rng.integers(0, np.array([width, height]) - size + 1)
    return np.concatenate([low, low + size - 1], axis=1)


@pytest.fixture(scope="module")
def background() -> Background:
    return estimate_background([smooth_picture(seed) for seed in range(10)], seed=0, crops=400)


def cells_pixel_by_pixel(picture: np.ndarray) -> np.ndarray:
    height, width, _ = picture.shape
    cells = np.zeros((height // 8, width // 8, 18))
    directions = [(np.cos(k * np.pi / 9), np.sin(k * np.pi / 9)) for k in range(18)]
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            gradients = zip(
                picture[y, x + 1] - picture[y, x - 1], picture[y + 1, x] - picture[y - 1, x], strict=True
            )
            dx, dy = max(gradients, key=lambda g: g[0] ** 2 + g[1] ** 2)
            direction = int(np.argmax([dx * c + dy * s for c, s in directions]))
            for row in range(cells.shape[0]):
                for column in range(cells.shape[1]):
                    down = 1 - abs((y + 0.5) / 8 - 0.5 - row)
                    across = 1 - abs((x + 0.5) / 8 - 0.5 - column)
                    cells[row, column, direction] += max(down, 0) * max(across, 0) * np.hypot(dx, dy)
    return cells


def hog_pixel_by_pixel(picture: np.ndarray) -> np.ndarray:
    cells = cells_pixel_by_pixel(picture)
    unsigned = cells[..., :9] + cells[..., 9:]
    energy = (unsigned**2).sum(-1)
    features = np.zeros((cells.shape[0] - 2, cells.shape[1] - 2, 31))
    for row, column in np.ndindex(features.shape[:2]):
        y, x = row + 1, column + 1
        for number, (v, u) in enumerate([(0, 0), (-1, 0), (0, -1), (-1, -1)]):
            norm = np.sqrt(energy[y + v : y + v + 2, x + u : x + u + 2].sum() + 1e-4)
            signed = np.minimum(cells[y, x] / norm, 0.2)
            features[row, column, :18] += 0.5 * signed
            features[row, column, 18:27] += 0.5 * np.minimum(unsigned[y, x] / norm, 0.2)
            features[row, column, 27 + number] = 0.2357 * signed.sum()
    return features


def test_the_histogram_is_the_one_written_out_pixel_by_pixel():
    picture = cv2.GaussianBlur(np.random.default_rng(0).normal(128, 60, (32, 40, 3)), (0, 0), 1.5)

    found = hog(picture[None].astype(np.float32))[0]

    assert found.shape == (2, 3, 31) and found.dtype == np.float32
    np.testing.assert_allclose(found, hog_pixel_by_pixel(picture), atol=1e-4)


def test_an_upright_edge_votes_for_one_direction_and_a_flat_picture_for_none():
    edge = np.zeros((80, 80, 3), np.float32)
    edge[:, 40:] = 255

    found = hog(np.stack([edge, np.full_like(edge, 90)]))

    assert found[0, 4, 4, 0] == pytest.approx(0.4) and found[0, 4, 4, 18] == pytest.approx(0.4)
    assert not found[0, :, :, 1:18].any() and not found[0, :, :, 19:27].any()
    assert not found[1].any()


def test_descriptors_have_8_by_8_by_31_numbers_and_do_not_depend_on_their_company():
    picture, boxes = smooth_picture(1), draw_boxes(150, 1)

    together = describe(picture, boxes)

    assert together.shape == (150, 1984) and together.dtype == np.float32
    assert np.array_equal(describe(picture, boxes[140:141]), together[140:141])
    assert describe(picture, boxes[:0]).shape == (0, 1984)


def test_a_box_is_widened_by_one_cell_and_the_edge_of_the_picture_repeats():
    picture = smooth_picture(2, 104, 104)
    inner = picture[12:92, 12:92]
    repeated = np.pad(inner, ((10, 10), (10, 10), (0, 0)), mode="edge")

    seen = describe(picture, np.array([[12, 12, 91, 91]]))
    at_the_border = describe(inner, np.array([[0, 0, 79, 79]]))

    def described(crop):
        small = cv2.resize(crop.astype(np.float32), (80, 80), interpolation=cv2.INTER_LINEAR)
        return hog(small[None]).reshape(1, -1)

    np.testing.assert_allclose(seen, described(picture[2:102, 2:102]), atol=1e-6)
    np.testing.assert_allclose(at_the_border, described(repeated), atol=1e-6)


def test_whitened_inner_products_are_the_formula(background):
    descriptors = describe(smooth_picture(20), draw_boxes(30, 20)).astype(np.float64)
    mean = np.tile(background.mean, 64)
    sigma = background.factor @ background.factor.T

    whitened = whiten(descriptors, background)

    expected = (descriptors - mean) @ np.linalg.solve(sigma, (descriptors - mean).T)
    np.testing.assert_allclose(whitened @ whitened.T, expected, atol=1e-4 * expected.max())


def test_whitened_scores_are_symmetric_nonnegative_on_themselves_and_largest_there(background):
    a = whiten(describe(smooth_picture(21), draw_boxes(40, 21)), background)
    b = whiten(describe(smooth_picture(22), draw_boxes(40, 22)), background)

    np.testing.assert_allclose(a @ b.T, (b @ a.T).T, rtol=1e-6, atol=1e-3)
    own = a @ a.T
    assert (np.diag(own) >= 0).all()
    assert (own.argmax(1) == np.arange(40)).all()


def test_what_looks_like_the_mean_scores_nothing_against_everything(background):
    others = whiten(describe(smooth_picture(23), draw_boxes(20, 23)), background)

    usual = whiten(np.tile(background.mean, 64)[None], background)

    assert not (usual @ others.T).any()


def test_the_covariance_depends_on_the_offset_of_two_cells_alone(background):
    sigma = background.factor @ background.factor.T - background.ridge * np.eye(1984)
    cells = sigma.reshape(8, 8, 31, 8, 8, 31)

    np.testing.assert_allclose(cells[1, 2, :, 4, 0], cells[3, 5, :, 6, 3], atol=1e-9)
    np.testing.assert_allclose(cells[1, 2, :, 4, 0], background.covariances[7 + 3, 7 - 2], atol=1e-9)
    np.testing.assert_allclose(sigma, sigma.T, atol=1e-12)


def test_a_tiny_pool_gets_the_smallest_ridge_that_works():
    background = estimate_background([smooth_picture(s, 40, 33) for s in range(10)], seed=3, crops=40)

    steps = background.ridge / 0.01
    assert steps > 1.5 and steps == pytest.approx(round(steps))
    least = np.linalg.eigvalsh(background.factor @ background.factor.T)[0]
    assert 0.005 <= least < 0.015


def test_a_background_of_flat_pictures_is_the_ridge_alone():
    background = estimate_background([np.full((30, 30, 3), 7, np.uint8)], seed=0, crops=5)

    assert background.ridge == 0.01 and not background.mean.any()
    np.testing.assert_allclose(background.factor, 0.1 * np.eye(1984))


def test_a_background_survives_storage_and_its_seed_decides_it(background):
    pictures = [smooth_picture(seed) for seed in range(10)]

    restored = Background.from_arrays(background.to_arrays())

    assert np.array_equal(restored.factor, background.factor) and restored.ridge == background.ridge
    again = estimate_background(pictures, seed=0, crops=400)
    other = estimate_background(pictures, seed=1, crops=400)
    assert np.array_equal(again.covariances, background.covariances)
    assert not np.array_equal(other.covariances, background.covariances)


def test_no_pictures_are_refused_in_words():
    with pytest.raises(Refusal, match="Without pictures"):
        estimate_background([], seed=0)
