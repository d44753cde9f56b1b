"""Dense alignment of one picture to another from matched boxes.

Boxes give a piecewise affine flow with holes (`box_flow`), a guided filter fills the holes and smooths the
seams (`regularise`), and sampling along the flow lays picture B over picture A (`warp`).

Sources: the flow field generation of proposal flow (Ham, Cho, Schmid and Ponce, 2016) and the static/dynamic
guidance filter (Ham, Cho and Ponce, 2015), both with the constants of the published code.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.linalg import splu
from skimage.color import rgb2lab

from summaries.engine import Refusal

_LEAF_PIXELS = 16
_FLAT = 1e-9
_BORDER_SLACK = 1e-3


@dataclass(frozen=True)
class WarpParams:
    """Constants of the flow; the defaults are the published ones.

    regularise: False keeps the piecewise box maps, each hole taking the flow of its nearest known pixel.
    smoothness: lambda, the weight of the Laplacian against the known flow.
    guide_sharpness, flow_sharpness: s in W = exp(-s d) + floor, for picture A and for the flow itself.
    iterations: solves; the first has a constant flow weight.
    """

    regularise: bool = True
    smoothness: float = 20.0
    guide_sharpness: float = 30.0
    flow_sharpness: float = 15.0
    iterations: int = 2
    floor: float = 1e-5


def dense_flow(
    picture_a: np.ndarray,
    boxes_a: np.ndarray,
    boxes_b: np.ndarray,
    confidence: np.ndarray,
    *,
    params: WarpParams | None = None,
) -> np.ndarray:
    """Flow that leads every pixel of picture A to its place in picture B, both of one size.

    picture_a: uint8 (H, W, 3) RGB. boxes_a (nA, 4), boxes_b (nB, 4): inclusive x1 y1 x2 y2.
    confidence: (nA, nB), how well each pair of boxes matches; rows without a positive value are left out.
    Returns float64 (H, W, 2), x then y, in pixels: pixel p of A shows the same as p + flow[p] of B. With no
    match at all the flow is zero. Refuses boxes outside the picture and a confidence of another shape.
    """
    params = params or WarpParams()
    known = box_flow(boxes_a, boxes_b, confidence, shape=picture_a.shape[:2])
    if np.isnan(known).all():
        return np.zeros(known.shape)
    if not params.regularise:
        return _nearest_known(known)
    return regularise(known, picture_a, params=params)


def box_flow(
    boxes_a: np.ndarray, boxes_b: np.ndarray, confidence: np.ndarray, *, shape: tuple[int, int]
) -> np.ndarray:
    """Piecewise affine flow of matched boxes; float64 (H, W, 2), NaN where nothing is known.

    Each A-box takes its best B-box (the first of equals). In order of decreasing confidence a box fills its
    still empty pixels with the map of its rectangle onto the other, rounded and clamped to the picture. Then
    the map is made one-to-one: of several A-pixels that land on one B-pixel only the one of the most
    confident box (within a box: the first in reading order) stays known.
    """
    _check_boxes(boxes_a, boxes_b, confidence, shape)
    flow = np.full((*shape, 2), np.nan)
    rank = np.full(shape, len(boxes_a))
    partner, best = confidence.argmax(axis=1), confidence.max(axis=1)
    order = np.argsort(-best, kind="stable")
    for place, box in enumerate(order[best[order] > 0]):
        x1, y1, x2, y2 = boxes_a[box]
        inside = np.s_[y1 : y2 + 1, x1 : x2 + 1]
        empty = np.isnan(flow[inside][..., 0])
        if empty.any():
            flow[inside][empty] = _rectangle_map(boxes_a[box], boxes_b[partner[box]], shape)[empty]
            rank[inside][empty] = place
    return _one_to_one(flow, rank)


def regularise(known: np.ndarray, guide: np.ndarray, *, params: WarpParams | None = None) -> np.ndarray:
    """Fill and smooth a flow with holes, along the edges of the guide picture and of the flow itself.

    known: float (H, W, 2), NaN where unknown, at least one pixel known. guide: uint8 (H, W, 3) RGB.
    For each component u solves (D_known + smoothness * L) u = D_known f on the 4-neighbour grid, L the
    Laplacian of the edge weights W = W_guide * W_u, each exp(-s d) + floor, d the distance of the two pixels
    in Lab colour (in u), scaled to 0..1 over all edges. u starts constant, so the first solve has one matrix
    for both components. Returns float64 (H, W, 2). Source: static/dynamic guidance filter.
    """
    params = params or WarpParams()
    edges = _edges(known.shape[:2])
    lab = rgb2lab(guide).reshape(-1, 3)
    still = _edge_weights(lab, edges, params.guide_sharpness, params.floor)
    is_known = ~np.isnan(known[..., 0]).ravel()
    values = np.nan_to_num(known).reshape(-1, 2)
    flow = _solve(still * (1 + params.floor), is_known, values, known.shape[:2], params.smoothness)
    for _ in range(params.iterations - 1):
        for axis in range(2):
            weights = still * _edge_weights(flow[:, [axis]], edges, params.flow_sharpness, params.floor)
            flow[:, axis] = _solve(weights, is_known, values[:, axis], known.shape[:2], params.smoothness)
    return flow.reshape(known.shape)


def warp(field: np.ndarray, flow: np.ndarray, *, outside: float = 0.6) -> np.ndarray:
    """Sample a picture, mask or field of B at pixel + flow, so that it lies over A.

    field: (H, W) or (H, W, C), uint8 or float in 0..1. flow: (H, W, 2). Cubic convolution (a = -0.5, Keys
    1981), border pixels repeated; results are clipped to the range of the type. Places outside B take
    `outside`, a share of that range (0.6 in the published code; 0 suits a mask). Returns the type and shape
    of field.
    """
    height, width = field.shape[:2]
    x = np.arange(width)[None, :] + flow[..., 0]
    y = np.arange(height)[:, None] + flow[..., 1]
    columns, column_weights = _cubic_taps(x, width)
    rows, row_weights = _cubic_taps(y, height)
    source = field.reshape(height * width, -1).astype(np.float32)
    sampled = np.zeros((*flow.shape[:2], source.shape[1]), np.float32)
    for row, row_weight in zip(rows, row_weights, strict=True):
        for column, column_weight in zip(columns, column_weights, strict=True):
            sampled += (row_weight * column_weight)[..., None] * source[row * width + column]
    full = 1.0 if np.issubdtype(field.dtype, np.floating) else 255.0
    # A solve that should give a whole number may miss it by rounding and must not lose the border for that.
    slack = _BORDER_SLACK
    lost = (x < -slack) | (x > width - 1 + slack) | (y < -slack) | (y > height - 1 + slack)
    sampled[lost] = outside * full
    sampled = sampled.clip(0, full)
    return (sampled if full == 1.0 else np.rint(sampled)).astype(field.dtype).reshape(field.shape)


def _check_boxes(
    boxes_a: np.ndarray, boxes_b: np.ndarray, confidence: np.ndarray, shape: tuple[int, int]
) -> None:
    if confidence.shape != (len(boxes_a), len(boxes_b)) or not confidence.size:
        raise Refusal(
            f"The confidence of {len(boxes_a)} x {len(boxes_b)} boxes must have that shape and at least one "
            f"value, but its shape is {confidence.shape}."
        )
    edge = np.array([shape[1], shape[0], shape[1], shape[0]])
    for boxes in (boxes_a, boxes_b):
        if (boxes < 0).any() or (boxes >= edge).any():
            raise Refusal(f"A box reaches outside the picture of {shape[1]} x {shape[0]} pixels.")


def _rectangle_map(box_a: np.ndarray, box_b: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Flow (h, w, 2) of the pixels of box A, corner pixels onto corner pixels."""
    x = np.arange(box_a[0], box_a[2] + 1)
    y = np.arange(box_a[1], box_a[3] + 1)
    to_x = np.rint(np.interp(x, box_a[[0, 2]], box_b[[0, 2]])).clip(0, shape[1] - 1)
    to_y = np.rint(np.interp(y, box_a[[1, 3]], box_b[[1, 3]])).clip(0, shape[0] - 1)
    return np.stack(np.meshgrid(to_x - x, to_y - y), axis=-1)


def _one_to_one(flow: np.ndarray, rank: np.ndarray) -> np.ndarray:
    width = flow.shape[1]
    known = np.flatnonzero(~np.isnan(flow[..., 0]))
    known = known[np.argsort(rank.ravel()[known], kind="stable")]
    values = flow.reshape(-1, 2)
    y, x = np.divmod(known, width)
    target = ((y + values[known, 1]) * width + x + values[known, 0]).astype(np.int64)
    first = known[np.unique(target, return_index=True)[1]]
    clean = np.full_like(values, np.nan)
    clean[first] = values[first]
    return clean.reshape(flow.shape)


def _nearest_known(flow: np.ndarray) -> np.ndarray:
    y, x = ndimage.distance_transform_edt(np.isnan(flow[..., 0]), return_distances=False, return_indices=True)
    return flow[y, x]


@lru_cache(maxsize=4)
def _edges(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The two ends of every edge of the 4-neighbour grid, as pixel numbers."""
    pixels = np.arange(shape[0] * shape[1]).reshape(shape)
    one = np.concatenate([pixels[:, :-1].ravel(), pixels[:-1].ravel()])
    other = np.concatenate([pixels[:, 1:].ravel(), pixels[1:].ravel()])
    return one, other


def _edge_weights(
    values: np.ndarray, edges: tuple[np.ndarray, np.ndarray], sharpness: float, floor: float
) -> np.ndarray:
    distance = np.linalg.norm(values[edges[0]] - values[edges[1]], axis=1)
    distance -= distance.min()
    span = distance.max()
    return np.exp(-sharpness * (distance / span if span > _FLAT else 0 * distance)) + floor


def _solve(
    weights: np.ndarray, is_known: np.ndarray, values: np.ndarray, shape: tuple[int, int], smoothness: float
) -> np.ndarray:
    """u of (D_known + smoothness * L) u = D_known f; values (H*W,) or (H*W, k), zero where unknown.

    A direct solve, because weights span ten powers of ten, which iterative solvers do not take well. Pixels
    are eliminated by nested dissection of the grid: on a picture of 225 pixels twice as fast as the
    library's own orderings.
    """
    order, place = _dissection(shape)
    one, other = (place[ends] for ends in _edges(shape))
    degree = np.bincount(one, weights, len(order)) + np.bincount(other, weights, len(order))
    diagonal = is_known[order] + smoothness * degree
    own = np.arange(len(order))
    data = np.concatenate([-smoothness * weights, -smoothness * weights, diagonal])
    at = np.concatenate([one, other, own]), np.concatenate([other, one, own])
    matrix = sparse.csc_matrix((data, at), shape=(len(order), len(order)))
    # Plain on purpose: the symmetric mode gains nothing here and, with wide supernodes, damaged the heap.
    factors = splu(matrix, permc_spec="NATURAL")
    solution = np.empty(values.shape)
    solution[order] = factors.solve(values[order])
    return solution


@lru_cache(maxsize=4)
def _dissection(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Elimination order of the pixels of a grid, and the place of each pixel in it."""
    order = np.concatenate(_dissected(np.arange(shape[0] * shape[1]).reshape(shape)))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return order, place


def _dissected(pixels: np.ndarray) -> list[np.ndarray]:
    """Both halves first, the line that parts them last."""
    if pixels.size <= _LEAF_PIXELS:
        return [pixels.ravel()]
    if pixels.shape[0] > pixels.shape[1]:
        pixels = pixels.T
    middle = pixels.shape[1] // 2
    halves = _dissected(pixels[:, :middle]) + _dissected(pixels[:, middle + 1 :])
    return [*halves, pixels[:, middle].ravel()]


def _cubic_taps(position: np.ndarray, size: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The four pixels around each position along one axis, and their weights."""
    start = np.floor(position).astype(np.int64)
    t = (position - start).astype(np.float32)
    weights = [
        ((-0.5 * t + 1) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1,
        ((-1.5 * t + 2) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ]
    return [(start + tap).clip(0, size - 1) for tap in (-1, 0, 1, 2)], weights
