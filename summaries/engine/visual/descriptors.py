"""Descriptors: what a proposal looks like, as whitened histograms of oriented gradients (HOG).

`describe` gives each box 8 x 8 cells of 31 numbers; `estimate_background` learns what such cells look like
anywhere; `whiten` takes the usual out, so that the inner product of two boxes says what they share beyond it.

Sources: the HOG is that of the deformable part model (Felzenszwalb, Girshick, McAllester and Ramanan, 2010),
the whitening that of Hariharan, Malik and Ramanan, "Discriminative decorrelation for clustering and
classification" (2012), the sizes those of the published proposal flow code. The authors' statistics are not
to be had; ours are estimated from the pictures at hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, eigh, solve_triangular

from summaries.engine import Refusal

Picture = NDArray[np.uint8]
Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]

CELL = 8
GRID = 8
"""Cells a side of a descriptor."""
CHANNELS = 31
LENGTH = GRID * GRID * CHANNELS
_SIDE = (GRID + 2) * CELL
_BATCH = 64
_CLIP = 0.2
_EPSILON = 1e-4
_TEXTURE = 0.2357


def describe(picture: Picture, boxes: NDArray) -> Float32s:
    """Descriptors (n, 1984) float32 of the boxes (n, 4) of a picture (H, W, 3) uint8 RGB.

    Boxes are x1, y1, x2, y2, inclusive, inside the picture. Each is widened by an eighth of its width and
    height on every side (one cell; beyond the border the picture's edge repeats), resized bilinearly to
    80 x 80 and described by `hog`; the order is row, column, channel of the cells.
    """
    descriptors = np.empty((len(boxes), LENGTH), np.float32)
    for start in range(0, len(boxes), _BATCH):
        grids = hog(_crops(picture, boxes[start : start + _BATCH]))
        descriptors[start : start + _BATCH] = grids.reshape(-1, LENGTH)
    return descriptors


def _crops(picture: Picture, boxes: NDArray) -> Float32s:
    """The widened, resized boxes, (n, 80, 80, 3), 0 to 255."""
    pad = np.rint((boxes[:, 2:] - boxes[:, :2] + 1) / GRID).astype(np.int64)
    edge = int(pad.max())
    wide = cv2.copyMakeBorder(picture, edge, edge, edge, edge, cv2.BORDER_REPLICATE).astype(np.float32)
    low = boxes[:, :2] - pad + edge
    high = boxes[:, 2:] + pad + edge + 1
    crops = np.empty((len(boxes), _SIDE, _SIDE, 3), np.float32)
    for crop, (x1, y1), (x2, y2) in zip(crops, low, high, strict=True):
        cv2.resize(wide[y1:y2, x1:x2], (_SIDE, _SIDE), dst=crop, interpolation=cv2.INTER_LINEAR)
    return crops


def hog(pictures: Float32s) -> Float32s:
    """Histograms of oriented gradients: (n, 8 r, 8 c, 3) pictures, 0 to 255 -> (n, r - 2, c - 2, 31).

    The gradient of the strongest colour channel votes for the nearest of 18 directions in the four nearest
    cells of 8 pixels, bilinearly. Each cell is divided by the norms of the four 2 x 2 blocks that hold it
    (over the 9 unsigned orientations), each quotient clipped at 0.2. Channels: 18 signed directions and 9
    unsigned ones, each half the sum over the blocks, and per block 0.2357 times the sum over the 18. The
    outermost cells serve the norms only.
    """
    cells = _cell_histograms(pictures)
    unsigned = cells[..., :9] + cells[..., 9:]
    energy = (unsigned**2).sum(-1)
    blocks = energy[:, :-1, :-1] + energy[:, :-1, 1:] + energy[:, 1:, :-1] + energy[:, 1:, 1:]
    norm = 1 / np.sqrt(blocks + _EPSILON)
    inner, inner_unsigned = cells[:, 1:-1, 1:-1], unsigned[:, 1:-1, 1:-1]
    features = np.zeros((*inner.shape[:3], CHANNELS), np.float32)
    corners = (norm[:, 1:, 1:], norm[:, :-1, 1:], norm[:, 1:, :-1], norm[:, :-1, :-1])
    for number, corner in enumerate(corners):
        signed = np.minimum(inner * corner[..., None], _CLIP)
        features[..., :18] += signed / 2
        features[..., 18:27] += np.minimum(inner_unsigned * corner[..., None], _CLIP) / 2
        features[..., 27 + number] = _TEXTURE * signed.sum(-1)
    return features


def _cell_histograms(pictures: Float32s) -> Float32s:
    """Votes of the gradients, (n, rows, columns, 18); the outermost pixels have none."""
    count, height, width, _ = pictures.shape
    rows, columns = height // CELL, width // CELL
    strength, direction = _gradients(pictures)
    above, below_share = _nearest_cells(height)
    left, right_share = _nearest_cells(width)
    # One more cell on every side takes the votes that fall outside.
    cells = np.arange(count)[:, None, None] * (rows + 2) + above[:, None] + 1
    cells = (cells * (columns + 2) + left + 1) * 18 + direction
    total = np.zeros(count * (rows + 2) * (columns + 2) * 18)
    for down, share_y in ((0, 1 - below_share), (1, below_share)):
        for across, share_x in ((0, 1 - right_share), (1, right_share)):
            votes = strength * (share_y[:, None] * share_x)
            places = cells + (down * (columns + 2) + across) * 18
            total += np.bincount(places.ravel(), votes.ravel(), minlength=len(total))
    return total.reshape(count, rows + 2, columns + 2, 18)[:, 1:-1, 1:-1].astype(np.float32)


def _gradients(pictures: Float32s) -> tuple[Float32s, NDArray[np.intp]]:
    """Strength and direction (0 to 17) of the strongest channel at the inner pixels, (n, H - 2, W - 2)."""
    dx = pictures[:, 1:-1, 2:] - pictures[:, 1:-1, :-2]
    dy = pictures[:, 2:, 1:-1] - pictures[:, :-2, 1:-1]
    squares = dx * dx + dy * dy
    strongest = squares.argmax(-1)[..., None]
    dx, dy, squares = (np.take_along_axis(v, strongest, -1)[..., 0] for v in (dx, dy, squares))
    # The nearest direction is the one with the largest dot product.
    direction = np.rint(np.arctan2(dy, dx) * (9 / np.pi)).astype(np.intp) % 18
    return np.sqrt(squares), direction


def _nearest_cells(side: int) -> tuple[NDArray[np.int64], Float32s]:
    """For the inner pixels of a side: the cell before, and the share of the vote for the cell after it."""
    places = (np.arange(1, side - 1) + 0.5) / CELL - 0.5
    before = np.floor(places).astype(np.int64)
    return before, (places - before).astype(np.float32)


@dataclass(frozen=True)
class Background:
    """What descriptors look like anywhere: mean and covariance of HOG cells, the same at every place."""

    mean: Float64s
    """(31,) mu of one cell."""
    covariances: Float64s
    """(15, 15, 31, 31); [7 + dy, 7 + dx]: covariance of a cell with the one dy below and dx to the right."""
    ridge: float
    """lambda, added to the diagonal."""
    factor: Float64s
    """(1984, 1984) lower L with L L^T = Sigma + lambda I."""

    def to_arrays(self) -> dict[str, NDArray]:
        """All that `from_arrays` needs, small enough to store (1.8 MB)."""
        return {"mean": self.mean, "covariances": self.covariances, "ridge": np.array(self.ridge)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> "Background":
        covariances, ridge = arrays["covariances"], float(arrays["ridge"])
        factor = cholesky(_ridged(_covariance(covariances), ridge), lower=True)
        return cls(arrays["mean"], covariances, ridge, factor)


class NoBackground(Refusal):
    """There is nothing from which to estimate a background."""


def estimate_background(pictures: Sequence[Picture], *, seed: int, crops: int = 2000) -> Background:
    """Background from about `crops` random boxes, the same number in each picture (H, W, 3) uint8 RGB.

    The covariance of two cells depends on their offset alone; it is the mean over all pairs of cells with
    that offset in all boxes. Width and height are drawn log-uniformly from 20 pixels (or the picture's side)
    to the picture's side, each box at a random place. lambda is the first of 0.01, 0.02, ... with which
    no eigenvalue of Sigma + lambda I is below 0.005, so even one picture will do. The source asks only that a
    Cholesky factor exist; with a finite pool that may leave an eigenvalue next to zero, and one direction of
    noise would decide every match. It is silent on the pool (its statistics came from other pictures). The
    order of the pictures counts, as each draws its boxes in turn. Raises NoBackground without pictures.
    """
    if not len(pictures):
        raise NoBackground("Without pictures there is no background to compare descriptors with.")
    rng = np.random.default_rng(seed)
    each = -(-crops // len(pictures))
    samples = np.concatenate([describe(picture, _random_boxes(picture, each, rng)) for picture in pictures])
    mean = samples.reshape(-1, CHANNELS).mean(0, dtype=np.float64)
    samples = samples - np.tile(mean, GRID * GRID)
    covariances = _stationary(samples.T @ samples / len(samples))
    ridge, factor = _factorise(_covariance(covariances))
    return Background(mean, covariances, ridge, factor)


def whiten(descriptors: Float32s, background: Background) -> Float32s:
    """Vectors (n, 1984) float32 whose inner products are (h_i - mu)^T (Sigma + lambda I)^-1 (h_j - mu).

    With L the Cholesky factor: v = L^-1 (h - mu). A descriptor equal to mu becomes 0.
    """
    centred = descriptors - np.tile(background.mean, GRID * GRID)
    return solve_triangular(background.factor, centred.T, lower=True).T.astype(np.float32, order="C")


def _random_boxes(picture: Picture, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    sides = np.array(picture.shape[1::-1])
    least = np.minimum(20, sides)
    size = np.exp(rng.uniform(np.log(least), np.log(sides), (count, 2))).astype(np.int64)
    low = rng.integers(0, sides - size + 1)
    return np.concatenate([low, low + size - 1], axis=1)


def _cell_offsets() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each pair of the 64 cells the place of their offset in `covariances`: two arrays (64, 64)."""
    y, x = np.divmod(np.arange(GRID * GRID), GRID)
    return y - y[:, None] + GRID - 1, x - x[:, None] + GRID - 1


def _stationary(moments: Float64s) -> Float64s:
    """Means of the blocks of a (1984, 1984) matrix over the pairs of cells of equal offset."""
    cells, span = GRID * GRID, 2 * GRID - 1
    blocks = moments.reshape(cells, CHANNELS, cells, CHANNELS).transpose(0, 2, 1, 3)
    places = _cell_offsets()
    sums, counts = np.zeros((span, span, CHANNELS, CHANNELS)), np.zeros((span, span))
    np.add.at(sums, places, blocks)
    np.add.at(counts, places, 1)
    return sums / counts[..., None, None]


def _covariance(covariances: Float64s) -> Float64s:
    """Sigma (1984, 1984): the block of each pair of cells is that of their offset."""
    blocks = covariances[_cell_offsets()]
    return blocks.transpose(0, 2, 1, 3).reshape(LENGTH, LENGTH)


def _ridged(sigma: Float64s, ridge: float) -> Float64s:
    return sigma + ridge * np.eye(LENGTH)


def _factorise(sigma: Float64s, step: float = 0.01) -> tuple[float, Float64s]:
    """The first multiple of `step` that leaves no eigenvalue below half a step; the lower Cholesky factor."""
    least = eigh(sigma, eigvals_only=True, subset_by_index=[0, 0])[0]
    ridge = step * max(1, int(np.ceil((step / 2 - least) / step)))
    return ridge, cholesky(_ridged(sigma, ridge), lower=True)
