"""Pictures of summaries: what is dimmed, hulls and outlines in odd cases, the same bytes twice."""

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from scipy.spatial import Delaunay
from skimage.measure import label

from summaries.engine import Refusal
from summaries.engine.visual.pictures import (
    GREY,
    dimmed,
    dimming,
    encode_png,
    grid,
    layers,
    layers_of_region,
    polygons,
    svg,
    tile,
)

SIDE = 48
PICTURE = np.random.default_rng(0).integers(100, 256, (SIDE, SIDE, 3), dtype=np.uint8)
BOX = np.array([10, 10, 30, 25])


def mask_of(*points):
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for x, y in points:
        mask[y, x] = 255
    return mask


def scattered_mask():
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[12:20, 5:16], mask[15:40, 26:29], mask[24, 18] = 255, 200, 2
    mask[40:45, 40:45] = 255
    mask[30:33, 5:8] = 1
    return mask


def inside_hull(points):
    """Every pixel of the frame whose centre lies in the hull of the points, by triangulation."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return Delaunay(points).find_simplex(np.stack([x, y], -1)) >= 0


def expected_keep(mask, box):
    x1, y1, x2, y2 = box
    y, x = np.nonzero(mask[y1 : y2 + 1, x1 : x2 + 1] > 1)
    components = label(mask > 1, connectivity=2)
    touching = set(components[y1 : y2 + 1, x1 : x2 + 1].ravel()) - {0}
    return inside_hull(np.stack([x + x1, y + y1], 1)), np.isin(components, list(touching))


def test_pixels_outside_hull_and_touching_components_are_exactly_grey():
    mask = scattered_mask()
    hull, components = expected_keep(mask, BOX)
    member = layers(PICTURE, mask, BOX)
    drawn = tile(member, side=SIDE, hull=False, outlines=False)
    assert np.all(drawn[~member.keep] == GREY)
    assert np.array_equal(drawn[member.keep], PICTURE[member.keep])
    assert np.all(member.keep[hull | components])
    # A polygon's fill also takes pixels that its edges cross: at most one beyond the centres inside.
    beyond = np.pad(hull, 1)
    near = np.any([np.roll(beyond, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)], axis=0)
    assert not member.keep[~(near[1:-1, 1:-1] | components)].any()


def test_an_enlarged_tile_is_exactly_grey_outside_the_enlarged_pixels():
    member = layers(PICTURE, scattered_mask(), BOX)
    drawn = tile(member, side=SIDE * 4, hull=False, outlines=False)
    outside = ~np.kron(member.keep, np.ones((4, 4), bool))
    assert np.all(drawn[outside] == GREY)
    assert drawn[~outside].mean() > 100


def test_only_components_that_reach_into_the_box_are_outlined():
    member = layers(PICTURE, scattered_mask(), BOX)
    assert len(member.outlines) == 3
    assert not member.keep[40:45, 40:45].any()
    assert member.keep[39, 27], "a component is kept beyond the box"


def test_components_join_over_corners_and_holes_are_outlined_too():
    mask = mask_of((12, 12), (13, 13))
    assert len(layers(PICTURE, mask, BOX).outlines) == 1
    ring = np.zeros((SIDE, SIDE), np.uint8)
    ring[12:20, 12:20], ring[15:17, 15:17] = 255, 0
    assert len(layers(PICTURE, ring, BOX).outlines) == 2


def test_without_evidence_in_the_box_all_is_grey():
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[40:, 40:] = 255
    member = layers(PICTURE, mask, BOX)
    assert member.hull.shape == (0, 2) and member.outlines == () and not member.keep.any()
    assert np.all(tile(member) == GREY)
    assert polygons(member)["hull"] == []
    ElementTree.fromstring(svg(member))


@pytest.mark.parametrize(
    ("points", "corners"),
    [
        ([(15, 15)], 1),
        ([(15, 15), (20, 18)], 2),
        ([(15, 15), (16, 16), (17, 17), (20, 20)], 2),
        ([(15, 15), (20, 15), (15, 20)], 3),
    ],
)
def test_hulls_of_a_pixel_a_pair_a_line_and_a_triangle(points, corners):
    member = layers(PICTURE, mask_of(*points), BOX)
    assert {tuple(corner) for corner in member.hull.astype(int)} <= set(points)
    assert len(member.hull) == corners
    assert all(member.keep[y, x] for x, y in points)
    drawn = tile(member, side=SIDE * 4, outlines=False)
    x, y = points[0]
    assert tuple(drawn[y * 4 + 2, x * 4 + 2]) == (255, 0, 0)


def test_a_box_at_the_border_has_closed_outlines_there():
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    member = layers(PICTURE, mask, np.array([0, 0, SIDE - 1, SIDE - 1]))
    (outline,) = member.outlines
    assert np.array_equal(outline[0], outline[-1])
    assert outline.min() == -0.5 and outline.max() == SIDE - 0.5
    assert member.keep.all()
    shapes = polygons(member)
    assert np.min(shapes["outlines"][0]) == 0 and np.max(shapes["outlines"][0]) == SIDE
    corner = tile(layers(PICTURE, mask_of((47, 47)), np.array([40, 40, 47, 47])))
    assert tuple(corner[-3, -3]) == (255, 0, 0)


def test_a_region_with_pixels_of_its_own_is_kept_and_outlined_in_pieces_and_nothing_between_them():
    region = mask_of((10, 10), (30, 40))
    region[20:30, 20:30], region[23:27, 23:27] = 255, 0
    member = layers_of_region(PICTURE, region)
    assert member.keep[9:12, 9:12].all() and member.keep.sum() == 9 + 9 + 12**2 - 2**2
    assert len(member.region) == len(polygons(member)["region"]) == 4, "three pieces and a hole"
    assert (len(member.hull), member.outlines) == (0, ())
    drawn = tile(member, side=SIDE * 4)
    assert tuple(drawn[4 * 19, 4 * 25]) == (255, 0, 0)
    assert np.all(drawn[4 * 15 : 4 * 17, 4 * 15 : 4 * 17] == GREY)
    assert np.array_equal(tile(member, side=SIDE, hull=False)[region > 0], PICTURE[region > 0])
    ElementTree.fromstring(svg(member))
    with pytest.raises(Refusal, match="does not fit"):
        layers_of_region(PICTURE, region[1:])


def test_lines_and_dimming_can_be_switched_off():
    member = layers(PICTURE, scattered_mask(), BOX)
    bare = tile(member, side=SIDE, hull=False, outlines=False, dimmed=False)
    assert np.array_equal(bare, PICTURE)
    red = tile(member, side=SIDE * 4, outlines=False) == (255, 0, 0)
    cyan = tile(member, side=SIDE * 4, hull=False) == (0, 255, 255)
    both = tile(member, side=SIDE * 4)
    assert red.all(-1).any() and cyan.all(-1).any()
    assert np.all(both[red.all(-1)] == (255, 0, 0)), "the hull lies above the outlines"


def test_a_picture_that_is_not_square_keeps_its_proportions():
    picture, mask = PICTURE[:24], scattered_mask()[:24]
    assert tile(layers(picture, mask, np.array([10, 10, 30, 23])), side=96).shape == (48, 96, 3)


@pytest.mark.parametrize(("count", "cells"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (10, 4)])
def test_a_grid_has_as_many_rows_as_columns(count, cells):
    tiles = [np.full((10, 12, 3), place, np.uint8) for place in range(count)]
    sheet = grid(tiles, gap=2)
    assert sheet.shape == (cells * 12 + 2, cells * 14 + 2, 3)
    assert [int(sheet[2 + 12 * (p // cells), 2 + 14 * (p % cells), 0]) for p in range(count)] == [
        *range(count)
    ]
    assert (sheet == 255).all(-1).sum() == sheet.shape[0] * sheet.shape[1] - 120 * count


def test_the_dimming_layer_over_the_picture_is_the_tile():
    member = layers(PICTURE, scattered_mask(), BOX)
    over = Image.alpha_composite(
        Image.fromarray(PICTURE).convert("RGBA"), Image.fromarray(dimming(member))
    ).convert("RGB")
    assert np.array_equal(np.asarray(over), tile(member, side=SIDE, hull=False, outlines=False))


def test_the_svg_holds_the_polygons_in_two_groups():
    member = layers(PICTURE, scattered_mask(), BOX)
    root = ElementTree.fromstring(svg(member))
    paths = {group.get("class"): group[0].get("d") for group in root}
    assert root.get("viewBox") == "0 0 48 48"
    assert paths["outlines"].count("M") == 3 and paths["hull"].count("M") == 1
    assert all(f"{x:g},{y:g}" in paths["hull"] for x, y in polygons(member)["hull"])


def test_the_same_member_gives_the_same_bytes_without_metadata():
    first, second = (
        encode_png(grid([tile(layers(PICTURE.copy(), scattered_mask(), BOX))] * 3)) for _ in range(2)
    )
    assert first == second
    read = Image.open(io.BytesIO(first))
    assert read.info == {} and read.mode == "RGB"
    assert [first.count(kind) for kind in (b"tIME", b"tEXt", b"pHYs", b"iCCP")] == [0, 0, 0, 0]


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_a_png_gives_its_pixels_back(shape):
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)


def test_a_foreign_mask_and_unlike_tiles_are_refused():
    with pytest.raises(Refusal, match="does not fit"):
        layers(PICTURE, np.zeros((10, 10), np.uint8), BOX)
    with pytest.raises(Refusal, match="one size"):
        grid([])
    with pytest.raises(Refusal, match="one size"):
        grid([np.zeros((4, 4, 3), np.uint8), np.zeros((5, 4, 3), np.uint8)])


def test_a_dimmed_picture_is_the_region_s_tile_without_its_lines():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)
    region = np.zeros((60, 60), np.uint8)
    region[20:31, 15:40] = 255
    told = layers_of_region(picture, region)
    expected = tile(told, side=60, hull=False, outlines=False)
    assert np.array_equal(dimmed(picture, region > 0), expected)
    assert np.array_equal(expected[region > 0], picture[region > 0])
