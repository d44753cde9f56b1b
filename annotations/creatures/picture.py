"""One generated picture with the truth about every pixel."""

from dataclasses import dataclass

import cv2
import numpy as np

from annotations.creatures import anatomy, world
from annotations.creatures.canvas import SIDE, Canvas
from annotations.creatures.plan import DROPPED, PARTS, Plan, make_plan

STAMP = "stamp"
REMOVABLE = (*PARTS, STAMP)
NOISE = 4.0
"""Standard deviation of the noise of each pixel and channel, of 255."""


@dataclass(frozen=True)
class Picture:
    """rgb: uint8 (128, 128, 3). owners, colours: uint8 (128, 128), whom and which colour a pixel shows most.

    colours: the index of a basic colour in `palette.NAMES`.
    owners: 0 is the scene, 1 to 7 the parts in the order of `PARTS`, above them `world.THINGS`.
    shares: uint8 (7, 128, 128), how many sixteenths of each pixel each part covers.
    """

    plan: Plan
    rgb: np.ndarray
    owners: np.ndarray
    colours: np.ndarray
    shares: np.ndarray

    def mask_of(self, part: str) -> np.ndarray:
        """bool (128, 128): the pixels that show mostly this part."""
        return self.owners == anatomy.owner_of(part)


def render(seed: int, index: int, *, without: str | None = None, dropped: float = DROPPED) -> Picture:
    """Image `index` of the set `seed`, whole or with one part, or the stamp, removed and all else as it was.

    Pixels that the part did not share in are equal in both. dropped: see `make_plan`.
    """
    if without is not None and without not in REMOVABLE:
        raise ValueError(f"There is no part '{without}'; the parts are {', '.join(REMOVABLE)}.")
    return draw(make_plan(seed, index, dropped=dropped), without)


def draw(plan: Plan, without: str | None = None) -> Picture:
    canvas = Canvas()
    world.draw_world(canvas, plan)
    anatomy.draw_creature(canvas, plan, without=without)
    if without != STAMP:
        world.draw_stamp(canvas, plan)
    shares = np.stack([canvas.share_of(anatomy.owner_of(part)) for part in PARTS])
    return Picture(plan, _exposed(canvas.picture(), plan), canvas.owners(), canvas.colours(), shares)


def _exposed(paint: np.ndarray, plan: Plan) -> np.ndarray:
    """The paint in the day's light and with the camera's noise, pixel by pixel, whatever was drawn."""
    rng = np.random.default_rng(plan.noise)
    exposure, (right, down) = rng.uniform(0.88, 1.08), rng.uniform(-0.14, 0.14, 2)
    ramp = np.linspace(-1, 1, SIDE)
    light = exposure + right * ramp[None, :] + down * ramp[:, None]
    coarse = rng.normal(0, 0.05, (9, 9)).astype(np.float32)
    light = light + cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, NOISE, paint.shape)
    return np.clip(np.rint(paint * light[..., None] + noise), 0, 255).astype(np.uint8)
