"""A canvas four times as fine as the picture, on which every fine pixel knows its owner and colour.

Painting is opaque and hard-edged; averaging blocks of 4 x 4 gives the anti-aliased picture, and counting in
them who owns most gives segments that are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from annotations.creatures.palette import NAMES, Colour, plain

SIDE = 128
FINE = 4
SUBPIXEL_BITS = 4
EDGE = 1.1


@dataclass(frozen=True)
class Frame:
    """A place on the canvas: maps local coordinates (x right, y down, in picture pixels) onto the picture."""

    matrix: np.ndarray  # (2, 3)

    def moved(self, x: float, y: float, *, tilt: float = 0.0, size: float = 1.0) -> "Frame":
        """Its origin at (x, y) of this one, turned clockwise by `tilt` degrees and enlarged."""
        cos, sin = size * np.cos(np.radians(tilt)), size * np.sin(np.radians(tilt))
        inner = np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1]])
        return Frame(self.matrix @ inner)

    def apply(self, points: np.ndarray) -> np.ndarray:
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]


PICTURE = Frame(np.array([[1.0, 0, 0], [0, 1.0, 0]]))


class Canvas:
    def __init__(self) -> None:
        side = SIDE * FINE
        self.paint = np.zeros((side, side, 3), np.uint8)
        self.marks = np.zeros((side, side, 2), np.uint8)  # owner, colour

    def fill(self, outlines: Sequence[np.ndarray], colour: Colour, owner: int, *, edge: float = 0.0) -> None:
        """Polygons ((N, 2), picture pixels) filled one by one, with a dark edge that wide behind them all."""
        shapes = [self._fixed(outline) for outline in outlines]
        if edge:
            width = round(2 * edge * FINE)
            dark = Colour("black", colour.shaded(0.38).rgb)
            self._paint(cv2.polylines, shapes, dark, owner, isClosed=True, thickness=width)
        for shape in shapes:
            self._paint(cv2.fillPoly, [shape], colour, owner)

    def _paint(self, draw, shapes: list[np.ndarray], colour: Colour, owner: int, **options) -> None:
        name = NAMES.index(colour.name)
        draw(self.paint, shapes, color=tuple(map(float, colour.rgb)), shift=SUBPIXEL_BITS, **options)
        draw(self.marks, shapes, color=(owner, name), shift=SUBPIXEL_BITS, **options)

    @staticmethod
    def _fixed(outline: np.ndarray) -> np.ndarray:
        """Picture pixels, whose corners are whole numbers, as OpenCV's fixed-point centres of fine pixels."""
        return np.rint((outline * FINE - 0.5) * 2**SUBPIXEL_BITS).astype(np.int32)

    def picture(self) -> np.ndarray:
        """uint8 (SIDE, SIDE, 3)."""
        return cv2.resize(self.paint, (SIDE, SIDE), interpolation=cv2.INTER_AREA)

    def owners(self) -> np.ndarray:
        """uint8 (SIDE, SIDE): who owns most of each pixel."""
        return _most_frequent(self.marks[..., 0])

    def colours(self) -> np.ndarray:
        """uint8 (SIDE, SIDE): index of the basic colour of most of each pixel."""
        return _most_frequent(self.marks[..., 1])

    def share_of(self, owner: int) -> np.ndarray:
        """uint8 (SIDE, SIDE): how many of each pixel's 16 fine ones the owner has."""
        return _share(np.ascontiguousarray(self.marks[..., 0]), owner)


def _share(marks: np.ndarray, value: int) -> np.ndarray:
    """The mean over a block of FINE^2 for its members and 0 for others is their count, exactly."""
    members = (marks == value).view(np.uint8) * FINE**2
    return cv2.resize(members, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _most_frequent(marks: np.ndarray) -> np.ndarray:
    marks = np.ascontiguousarray(marks)
    values = np.flatnonzero(cv2.calcHist([marks], [0], None, [256], [0, 256]))
    shares = np.stack([_share(marks, value) for value in values])
    return values[shares.argmax(0)].astype(np.uint8)


@dataclass(frozen=True)
class Brush:
    """Draws one thing in its own coordinates and its own two colours."""

    canvas: Canvas
    owner: int
    frame: Frame
    main: Colour
    accent: Colour

    def fill(self, *outlines: np.ndarray, light: float = 1.0, edge: float = EDGE) -> None:
        """In the main colour, with an edge."""
        self._fill(outlines, self.main.shaded(light), edge)

    def mark(self, *outlines: np.ndarray, light: float = 1.0, edge: float = 0.0) -> None:
        """In the accent colour, without one."""
        self._fill(outlines, self.accent.shaded(light), edge)

    def ink(self, *outlines: np.ndarray, colour: str = "black", edge: float = 0.0) -> None:
        self._fill(outlines, plain(colour), edge)

    def _fill(self, outlines: Sequence[np.ndarray], colour: Colour, edge: float) -> None:
        placed = [self.frame.apply(outline) for outline in outlines]
        self.canvas.fill(placed, colour, self.owner, edge=edge)
