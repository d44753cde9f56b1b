"""The eleven basic colour terms of English, by a rule: which name a pixel has.

Space: OKLab (B. Ottosson, "A perceptual color space for image processing", 2020). Centres: what people chose
for each term in the XKCD colour survey (R. Munroe, 2010; 222,500 people before their own screens; dedicated
to the public domain). Terms: B. Berlin and P. Kay, "Basic Color Terms", 1969.

The rule: a pixel too dark to show a hue is black; one of little chroma is black, grey or white, whichever
centre has the nearest lightness; any other has the chromatic name whose centre is nearest in hue, chroma and
lightness, each divided by how far a name reaches along it. The reaches are ours: hue tells names apart,
lightness hardly (a dark and a light blue are both blue), but brown from orange and pink from red.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

CENTRES: Mapping[str, int] = {
    "black": 0x000000,
    "grey": 0x929591,
    "white": 0xFFFFFF,
    "red": 0xE50000,
    "orange": 0xF97306,
    "yellow": 0xFFFF14,
    "green": 0x15B01A,
    "blue": 0x0343DF,
    "purple": 0x7E1E9C,
    "pink": 0xFF81C0,
    "brown": 0x653700,
}
NAMES = tuple(CENTRES)
NEUTRAL = 3
"""So many of them, from the first, have no hue."""
DARK, DULL = 0.22, 0.035
"""Lightness below which all is black; chroma below which a colour has no hue."""
REACH_HUE, REACH_CHROMA, REACH_LIGHTNESS = np.deg2rad(20), 0.12, 0.3


def oklab(rgb: NDArray) -> NDArray[np.float64]:
    """sRGB (..., 3), 0 to 255, as lightness 0 to 1 and the axes a (green to red) and b (blue to yellow)."""
    values = np.asarray(rgb, float) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    opponents = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.cbrt(linear @ cones.T) @ opponents.T


def name_pixels(rgb: NDArray[np.uint8]) -> NDArray[np.int_]:
    """The place in NAMES of each pixel's colour; (..., 3) -> (...)."""
    lightness, chroma, hue = _polar(oklab(rgb))
    centre = _polar(oklab(_rgb(list(CENTRES.values()))))
    by_light = np.abs(lightness[..., None] - centre[0][:NEUTRAL]).argmin(-1)
    turn = np.angle(np.exp(1j * (hue[..., None] - centre[2][NEUTRAL:])))
    distance = (
        (turn / REACH_HUE) ** 2
        + ((chroma[..., None] - centre[1][NEUTRAL:]) / REACH_CHROMA) ** 2
        + ((lightness[..., None] - centre[0][NEUTRAL:]) / REACH_LIGHTNESS) ** 2
    )
    named = np.where(chroma < DULL, by_light, distance.argmin(-1) + NEUTRAL)
    return np.where(lightness < DARK, 0, named)


def shares(rgb: NDArray[np.uint8]) -> dict[str, float]:
    """What share of the pixels (n, 3) has each name; names that none has are left out."""
    counts = np.bincount(name_pixels(rgb).ravel(), minlength=len(NAMES))
    return {name: float(count / counts.sum()) for name, count in zip(NAMES, counts, strict=True) if count}


def _polar(lab: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray]:
    """Lightness, chroma and hue in radians."""
    return lab[..., 0], np.hypot(lab[..., 1], lab[..., 2]), np.arctan2(lab[..., 2], lab[..., 1])


def _rgb(codes: list[int]) -> NDArray[np.int_]:
    return np.array([(code >> 16, code >> 8 & 255, code & 255) for code in codes])
