"""Pictures of summaries for people: the layers of a member, its tile, the grid of a summary.

What the participants of the paper saw, rebuilt from the published rendering: everything that is not evidence
flat grey, the hull of the evidence inside the region red, the mask components that it touches outlined in
cyan. A region that has pixels of its own is outlined in red along them instead. Line widths are typographic
points at 96 pixels to the inch.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.measure import approximate_polygon, find_contours

from summaries.engine import Refusal

GREY = 64
RED = (255, 0, 0)
CYAN = (0, 255, 255)
HULL_POINTS = 3.0
OUTLINE_POINTS = 2.0
TILE_SIDE = 320

_PIXELS_PER_POINT = 96 / 72
_FINE = 4
_EIGHT_CONNECTED = np.ones((3, 3), int)
# Shorter than half a pixel: drops the points along straight runs and keeps the shape.
_OUTLINE_TOLERANCE = 0.3


@dataclass(frozen=True, eq=False)
class Layers:
    """One member, ready to be drawn.

    picture: uint8 (H, W, 3) RGB. hull: float (k, 2), corners x y of the convex hull, no corner repeated; one
    or two corners when the evidence is a pixel or a line, none when there is none. outlines: closed polygons
    (k, 2) around the touching components, holes included, first corner repeated at the end; region: the same
    around the region's own pixels, where it has some. Coordinates are of pixel centres: (0, 0) is the middle
    of the first pixel. keep: bool (H, W), False is dimmed.
    """

    picture: np.ndarray
    hull: np.ndarray
    outlines: tuple[np.ndarray, ...]
    keep: np.ndarray
    region: tuple[np.ndarray, ...] = ()


def layers(picture: np.ndarray, mask: np.ndarray, box: np.ndarray, *, threshold: int = 1) -> Layers:
    """Layers of a member: a region (box) of a picture with the mask of its evidence.

    picture: uint8 (H, W, 3). mask: uint8 (H, W), 255 = evidence. box: inclusive x1 y1 x2 y2. Mask pixels
    above the threshold count. The hull is that of the mask pixels inside the box; the components
    (8-connected) are those with a pixel inside it; kept is the union of hull and components. Without a mask
    pixel inside the box nothing is kept. Source: the published rendering and its threshold of 1.
    """
    if mask.shape != picture.shape[:2]:
        raise Refusal(f"A mask of {mask.shape} does not fit a picture of {picture.shape[:2]} pixels.")
    evidence = mask > threshold
    components = _touching(evidence, box)
    hull = _hull(evidence, box)
    keep = components.copy()
    if len(hull):
        keep |= cv2.fillPoly(np.zeros(mask.shape, np.uint8), [hull], 1).astype(bool)
    return Layers(picture, hull.astype(float), _outlines(components), keep)


def layers_of_region(picture: np.ndarray, region: np.ndarray) -> Layers:
    """Layers of a member that has pixels of its own: region uint8 (H, W), above 0 where it lies.

    These pixels are kept and outlined, each piece of them, and nothing else: no hull, which would take in
    what lies between the pieces. Both reach beyond them by half the line's width, so that the line hides
    nothing of a small region.
    """
    if region.shape != picture.shape[:2]:
        raise Refusal(f"A region of {region.shape} does not fit a picture of {picture.shape[:2]} pixels.")
    keep = _reached(region)
    return Layers(picture, np.zeros((0, 2)), (), keep, region=_outlines(keep))


def dimmed(picture: np.ndarray, region: np.ndarray) -> np.ndarray:
    """The picture (H, W, 3) with all but the region dimmed, as in its tile, and without any line."""
    return tile(Layers(picture, np.zeros((0, 2)), (), _reached(region)), side=picture.shape[1])


def tile(
    member: Layers, *, side: int = TILE_SIDE, hull: bool = True, outlines: bool = True, dimmed: bool = True
) -> np.ndarray:
    """One member as a picture, uint8 (side', side, 3) RGB, its width scaled to `side` by Lanczos.

    What is not kept is exactly GREY; the grey never mixes into the picture beyond the edge of the kept
    pixels, where half a source pixel is blended against jagged edges. Lines are anti-aliased and lie above.
    """
    height, width = member.keep.shape
    scale = side / width
    size = (side, max(1, round(height * scale)))
    rgb = np.asarray(Image.fromarray(member.picture).resize(size, Image.Resampling.LANCZOS), float)
    if dimmed:
        rgb = _blend(rgb, (GREY, GREY, GREY), 1 - _smooth_keep(member.keep, size))
    if outlines:
        cover = _line_cover(member.outlines, size, scale, OUTLINE_POINTS)
        rgb = _blend(rgb, CYAN, cover)
    around = [*member.region, *([member.hull] if len(member.hull) else [])]
    if hull and around:
        rgb = _blend(rgb, RED, _line_cover(around, size, scale, HULL_POINTS))
    return np.rint(rgb).astype(np.uint8)


def grid(tiles: Sequence[np.ndarray], *, gap: int = 8, background: int = 255) -> np.ndarray:
    """The picture of a summary: tiles of one size in ceil(sqrt(n)) rows and columns, row by row.

    Cells without a tile stay in the background colour. Refuses an empty list and tiles of several sizes.
    """
    if not tiles or len({one.shape for one in tiles}) > 1:
        raise Refusal("A grid needs at least one tile, and all tiles of one size.")
    cells = math.isqrt(len(tiles) - 1) + 1
    height, width = tiles[0].shape[:2]
    extent = (cells * (height + gap) + gap, cells * (width + gap) + gap, 3)
    sheet = np.full(extent, background, np.uint8)
    for place, one in enumerate(tiles):
        row, column = divmod(place, cells)
        y, x = gap + row * (height + gap), gap + column * (width + gap)
        sheet[y : y + height, x : x + width] = one
    return sheet


def dimming(member: Layers) -> np.ndarray:
    """The dimming as a layer of its own: uint8 (H, W, 4) RGBA, GREY and opaque outside, clear inside."""
    layer = np.full((*member.keep.shape, 4), GREY, np.uint8)
    layer[..., 3] = np.where(member.keep, 0, 255)
    return layer


def polygons(member: Layers) -> dict:
    """Hull, outlines and region for JSON; x y from the picture's corner, so that a pixel spans i to i + 1."""
    height, width = member.keep.shape
    return {
        "width": width,
        "height": height,
        "hull": _from_corner(member.hull),
        "outlines": [_from_corner(one) for one in member.outlines],
        "region": [_from_corner(one) for one in member.region],
    }


def svg(member: Layers) -> str:
    """Hull and outlines as an SVG to lay over the picture; groups of class `outlines` and `hull`.

    The hull's group holds the region's own outlines too.
    """
    shapes = polygons(member)
    outlines = " ".join(_path(one) for one in shapes["outlines"])
    around = " ".join(filter(None, map(_path, [shapes["hull"], *shapes["region"]])))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {shapes["width"]} {shapes["height"]}" '
        'fill="none" stroke-linejoin="round" stroke-linecap="round" aria-hidden="true">'
        + _svg_group("outlines", outlines, CYAN, OUTLINE_POINTS)
        + _svg_group("hull", around, RED, HULL_POINTS)
        + "</svg>"
    )


def encode_png(pixels: np.ndarray) -> bytes:
    """PNG of a uint8 picture, grey (H, W), RGB or RGBA, without metadata.

    The same pixels give the same bytes as long as the installed compression library stays the same.
    """
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", compress_level=6)
    return out.getvalue()


def _reached(region: np.ndarray) -> np.ndarray:
    """The region's pixels, and around them half the width of its line."""
    reach = max(1, round(HULL_POINTS * _PIXELS_PER_POINT / 2 * region.shape[1] / TILE_SIDE))
    return ndimage.binary_dilation(region > 0, _EIGHT_CONNECTED, iterations=reach)


def _touching(evidence: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The pixels of all components with a pixel inside the box."""
    labels, count = ndimage.label(evidence, structure=_EIGHT_CONNECTED)
    x1, y1, x2, y2 = box
    touching = np.zeros(count + 1, bool)
    touching[np.unique(labels[y1 : y2 + 1, x1 : x2 + 1])] = True
    touching[0] = False
    return touching[labels]


def _hull(evidence: np.ndarray, box: np.ndarray) -> np.ndarray:
    x1, y1, x2, y2 = box
    y, x = np.nonzero(evidence[y1 : y2 + 1, x1 : x2 + 1])
    if not len(x):
        return np.zeros((0, 2), np.int32)
    points = np.stack([x + x1, y + y1], axis=1).astype(np.int32)
    return cv2.convexHull(points).reshape(-1, 2)


def _outlines(components: np.ndarray) -> tuple[np.ndarray, ...]:
    """Contours half way between the last pixel inside and the first outside, x y."""
    contours = find_contours(np.pad(components, 1).astype(float), 0.5, fully_connected="high")
    return tuple(approximate_polygon(one, _OUTLINE_TOLERANCE)[:, ::-1] - 1 for one in contours)


def _smooth_keep(keep: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Share of the picture in each enlarged pixel: 0 outside the kept pixels, rising to 1 inside them."""
    hard = cv2.resize(keep.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    soft = cv2.resize(keep.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return hard * (2 * soft - 1).clip(0, 1)


def _line_cover(
    shapes: Sequence[np.ndarray], size: tuple[int, int], scale: float, points: float
) -> np.ndarray:
    """How much of each pixel the closed lines cover, 0..1: drawn several times finer, then averaged."""
    fine = np.zeros((size[1] * _FINE, size[0] * _FINE), np.uint8)
    corners = [np.rint((one + 0.5) * scale * _FINE - 0.5).astype(np.int32) for one in shapes]
    cv2.polylines(
        fine, corners, isClosed=True, color=255, thickness=round(points * _PIXELS_PER_POINT * _FINE)
    )
    return cv2.resize(fine, size, interpolation=cv2.INTER_AREA) / 255


def _blend(rgb: np.ndarray, colour: tuple[int, int, int], cover: np.ndarray) -> np.ndarray:
    return rgb + cover[..., None] * (np.array(colour) - rgb)


def _from_corner(corners: np.ndarray) -> list[list[float]]:
    return (corners + 0.5).round(2).tolist()


def _path(corners: list[list[float]]) -> str:
    return "M" + " ".join(f"{x:g},{y:g}" for x, y in corners) + "Z" if corners else ""


def _svg_group(name: str, path: str, colour: tuple[int, int, int], points: float) -> str:
    shape = f'<path d="{path}" vector-effect="non-scaling-stroke"/>' if path else ""
    stroke = "#{:02x}{:02x}{:02x}".format(*colour)
    return f'<g class="{name}" stroke="{stroke}" stroke-width="{points:g}pt">{shape}</g>'
