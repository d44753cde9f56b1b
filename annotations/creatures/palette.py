"""The eleven basic colours."""

from dataclasses import dataclass

import numpy as np

RGB = {
    "black": (30, 30, 34),
    "white": (244, 243, 238),
    "grey": (138, 141, 146),
    "red": (208, 41, 46),
    "orange": (242, 133, 34),
    "yellow": (247, 210, 54),
    "green": (66, 154, 72),
    "blue": (44, 104, 196),
    "purple": (128, 66, 164),
    "pink": (240, 142, 178),
    "brown": (126, 78, 44),
}
NAMES = tuple(RGB)


@dataclass(frozen=True)
class Colour:
    """A shade of a basic colour."""

    name: str
    rgb: tuple[float, float, float]

    def shaded(self, light: float) -> "Colour":
        """Darker below 1, and above it mixed with white."""
        mixed = [channel * light if light <= 1 else 255 - (255 - channel) / light for channel in self.rgb]
        return Colour(self.name, tuple(mixed))


def shade_of(name: str, rng: np.random.Generator, spread: float = 14.0) -> Colour:
    """The basic colour as one animal has it: each channel off by up to `spread`."""
    return Colour(name, tuple(np.clip(np.array(RGB[name]) + rng.uniform(-spread, spread, 3), 0, 255)))


def plain(name: str) -> Colour:
    return Colour(name, RGB[name])
