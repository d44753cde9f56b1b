"""Dense flow and warp: closed forms, and a slow dense solve written out here."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from summaries.engine import Refusal
from summaries.engine.visual.warp import WarpParams, box_flow, dense_flow, regularise, warp

BOXES = np.array([[0, 0, 39, 29], [5, 5, 24, 24], [20, 8, 38, 28]])


def picture(seed=0, height=30, width=40):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def dense_solve(known, guide, params):
    """The two solves pixel by pixel with full matrices."""
    height, width = known.shape[:2]
    lab = rgb2lab(guide).reshape(-1, 3)
    pixels = range(height * width)
    edges = [(p, p + 1) for p in pixels if p % width < width - 1]
    edges += [(p, p + width) for p in pixels if p // width < height - 1]

    def weights(values, sharpness):
        d = np.array([np.linalg.norm(values[i] - values[j]) for i, j in edges])
        d = (d - d.min()) / (d.max() - d.min()) if d.max() > d.min() else d
        return np.exp(-sharpness * d) + 1e-5

    flow = np.zeros((height * width, 2))
    for axis in range(2):
        f = known[..., axis].ravel()
        u = np.zeros(height * width)
        for _ in range(2):
            w = weights(lab, params.guide_sharpness) * weights(u[:, None], params.flow_sharpness)
            matrix = np.diag((~np.isnan(f)).astype(float))
            for (i, j), weight in zip(edges, params.smoothness * w, strict=True):
                matrix[[i, j], [i, j]] += weight
                matrix[[i, j], [j, i]] -= weight
            u = np.linalg.solve(matrix, np.nan_to_num(f))
        flow[:, axis] = u
    return flow.reshape(known.shape)


@pytest.mark.parametrize("regularised", [True, False])
def test_a_picture_on_itself_does_not_move(regularised):
    a = picture()
    flow = dense_flow(a, BOXES, BOXES, np.eye(3), params=WarpParams(regularise=regularised))
    assert np.abs(flow).max() < 1e-9
    assert np.array_equal(warp(a, flow), a)


def test_boxes_that_all_moved_alike_give_that_flow_where_known():
    moved = BOXES[1:] + np.array([-3, 1, -3, 1])
    known = box_flow(BOXES[1:], moved, np.eye(2), shape=(30, 40))
    is_known = ~np.isnan(known[..., 0])
    expected = np.zeros((30, 40), bool)
    expected[5:25, 5:25] = expected[8:29, 20:39] = True
    assert np.array_equal(is_known, expected)
    assert np.all(known[is_known] == [-3, 1])
    assert np.allclose(dense_flow(picture(), BOXES[1:], moved, np.eye(2)), [-3, 1], atol=1e-6)


def test_a_translated_picture_comes_back():
    b = picture()
    a = np.roll(b, (-1, 3), axis=(0, 1))
    box = np.array([[5, 5, 24, 24]])
    back = warp(b, dense_flow(a, box, box + [-3, 1, -3, 1], np.ones((1, 1))))
    assert np.array_equal(back[5:25, 5:25], a[5:25, 5:25])


def test_the_more_confident_box_is_laid_first():
    boxes = np.array([[0, 0, 9, 9], [5, 5, 14, 14]])
    targets = np.array([[20, 0, 29, 9], [25, 15, 34, 24]])
    flow = box_flow(boxes, targets, np.diag([0.5, 0.9]), shape=(30, 40))
    assert np.all(flow[5:10, 5:10] == [20, 10])
    assert np.all(flow[:5, :10] == [20, 0])


def test_of_pixels_that_land_on_one_place_only_the_most_confident_stays_known():
    boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9]])
    both_to = np.array([[10, 15, 19, 24]])
    flow = box_flow(boxes, both_to, np.array([[0.2], [0.7]]), shape=(30, 40))
    assert np.isnan(flow[:10, :10]).all()
    assert np.all(flow[:10, 20:30] == [-10, 15])


def test_a_box_that_shrinks_keeps_one_pixel_for_each_place():
    flow = box_flow(np.array([[0, 0, 19, 19]]), np.array([[0, 0, 9, 9]]), np.ones((1, 1)), shape=(30, 40))
    y, x = np.nonzero(~np.isnan(flow[..., 0]))
    places = {(int(a + u), int(b + v)) for a, b, (u, v) in zip(x, y, flow[y, x], strict=True)}
    assert len(places) == len(x) == 100


def test_a_row_without_confidence_lays_nothing():
    flow = box_flow(BOXES, BOXES, np.zeros((3, 3)), shape=(30, 40))
    assert np.isnan(flow).all()
    assert not dense_flow(picture(), BOXES, BOXES, np.zeros((3, 3))).any()


def test_the_solve_agrees_with_a_dense_one():
    rng = np.random.default_rng(3)
    guide = picture(4, 9, 12)
    guide[:, 6:] //= 4
    known = np.round(rng.normal(0, 3, (9, 12, 2)))
    known[rng.random((9, 12)) < 0.5] = np.nan
    params = WarpParams()
    assert np.allclose(regularise(known, guide, params=params), dense_solve(known, guide, params), atol=1e-3)


def test_a_hole_is_filled_smoothly_and_stays_within_the_known_values():
    guide = np.full((30, 40, 3), 90, np.uint8)
    known = np.full((30, 40, 2), np.nan)
    known[:, :5], known[:, -5:] = 0.0, 4.0
    flow = regularise(known, guide, params=WarpParams(iterations=1))
    assert flow.min() >= -1e-9 and flow.max() <= 4 + 1e-9
    steps = np.diff(flow[15, :, 0])
    assert np.all(steps > 0) and steps.max() < 0.2


def test_the_flow_may_jump_where_the_guide_has_an_edge():
    guide = np.zeros((20, 20, 3), np.uint8)
    guide[:, 10:] = 255
    known = np.full((20, 20, 2), np.nan)
    known[:, :3], known[:, -3:] = 0.0, 4.0
    flow = regularise(known, guide)
    assert np.abs(flow[:, :10]).max() < 0.01 and np.abs(flow[:, 10:] - 4).max() < 0.01


def test_without_regularisation_a_hole_takes_the_nearest_known_flow():
    box = np.array([[5, 5, 24, 24]])
    flow = dense_flow(picture(), box, box + 2, np.ones((1, 1)), params=WarpParams(regularise=False))
    assert np.all(flow == 2)


def test_places_outside_take_the_published_grey_and_a_mask_what_is_asked():
    flow = np.zeros((30, 40, 2))
    flow[:, :10, 0] = -20
    warped = warp(picture(), flow)
    assert np.all(warped[:, :10] == 153) and np.array_equal(warped[:, 10:], picture()[:, 10:])
    field = np.ones((30, 40), np.float32)
    assert np.all(warp(field, flow)[:, :10] == np.float32(0.6))
    assert not warp(field, flow, outside=0)[:, :10].any()


def test_sampling_between_pixels_is_exact_on_a_quadratic():
    x = np.arange(40) / 40
    field = np.tile(x**2, (30, 1))
    flow = np.zeros((30, 40, 2))
    flow[..., 0] = 0.3
    assert np.allclose(warp(field, flow)[:, 2:-3], ((np.arange(40) + 0.3) / 40)[2:-3] ** 2, atol=1e-6)


def test_boxes_outside_the_picture_and_a_foreign_confidence_are_refused():
    with pytest.raises(Refusal, match="outside the picture"):
        box_flow(BOXES, BOXES + 5, np.eye(3), shape=(30, 40))
    with pytest.raises(Refusal, match="shape"):
        box_flow(BOXES, BOXES, np.eye(2), shape=(30, 40))
