"""Outlines as (N, 2) arrays: x to the right, y down, angles in degrees clockwise from the right."""

from collections.abc import Sequence

import numpy as np

CORNERS = 36


def ellipse(x: float, y: float, rx: float, ry: float, tilt: float = 0.0) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    return turned(np.stack([rx * np.cos(turn), ry * np.sin(turn)], 1), tilt) + (x, y)


def disc(x: float, y: float, radius: float) -> np.ndarray:
    return ellipse(x, y, radius, radius)


def box(x: float, y: float, rx: float, ry: float, power: float = 5.0) -> np.ndarray:
    """A rectangle with round corners around (x, y), half sides rx and ry: |x/rx|^p + |y/ry|^p = 1."""
    turn = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    return np.sign(circle) * np.abs(circle) ** (2 / power) * (rx, ry) + (x, y)


def polygon(*corners: tuple[float, float]) -> np.ndarray:
    return np.array(corners, float)


def star(x: float, y: float, inner: float, outer: float, points: int) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 2 * points, endpoint=False)
    radius = np.where(np.arange(2 * points) % 2, inner, outer)[:, None]
    return radius * np.stack([np.cos(turn), np.sin(turn)], 1) + (x, y)


def curve(*knots: tuple[float, float]) -> np.ndarray:
    """A smooth line through the knots (Catmull-Rom), 8 points a stretch."""
    points = np.array([knots[0], *knots, knots[-1]], float)
    t = np.linspace(0, 1, 8, endpoint=False)[:, None]
    stretches = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(points, points[1:], points[2:], points[3:], strict=False)
    ]
    return np.concatenate([*stretches, points[-1:]])


def ribbon(line: np.ndarray, widths: Sequence[float]) -> np.ndarray:
    """The outline of a line of varying width; `widths` are spread evenly over it. Both ends are round."""
    half = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(widths)), widths)[:, None] / 2
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    swing = np.linspace(np.pi / 2, -np.pi / 2, 9)[1:-1, None]
    end = line[-1] + half[-1] * (np.sin(swing) * across[-1] + np.cos(swing) * along[-1])
    start = line[0] - half[0] * (np.sin(swing) * across[0] + np.cos(swing) * along[0])
    return np.concatenate([line + half * across, end, (line - half * across)[::-1], start])


def turned(points: np.ndarray, tilt: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    return points @ np.array([[cos, sin], [-sin, cos]])
