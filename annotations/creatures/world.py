"""What stands around an animal: a scene with its clutter, and the stamp that a photographer leaves."""

from collections.abc import Callable

import numpy as np

from annotations.creatures.canvas import PICTURE, SIDE, Brush, Canvas
from annotations.creatures.outlines import box, curve, disc, ellipse, polygon, ribbon, star
from annotations.creatures.palette import NAMES, Colour, plain, shade_of
from annotations.creatures.plan import PARTS, Plan

THINGS = ("flower", "mushroom", "rock", "bush", "cloud", "ball", "cactus", "crate", "star", "stamp")
SCENES = {
    "meadow": (("blue", 1.6), ("green", 1.15), ("flower", "mushroom", "bush", "rock"), ("cloud",)),
    "desert": (("orange", 1.9), ("yellow", 0.85), ("cactus", "rock", "cactus"), ("cloud",)),
    "beach": (("blue", 1.25), ("yellow", 1.25), ("ball", "rock", "ball", "bush"), ("cloud",)),
    "night": (("blue", 0.4), ("purple", 0.6), ("mushroom", "bush", "rock"), ("star",)),
    "snow": (("grey", 1.6), ("white", 0.95), ("bush", "rock", "crate"), ("cloud",)),
    "room": (("pink", 1.3), ("brown", 1.15), ("crate", "ball", "crate", "flower"), ()),
}
"""Scene -> colours of wall and floor with their light, what stands on the floor, what hangs above."""
MOST_CLUTTER = 9


def owner_of(thing: str) -> int:
    return len(PARTS) + 1 + THINGS.index(thing)


def draw_world(canvas: Canvas, plan: Plan) -> None:
    rng = np.random.default_rng(plan.world)
    (wall, wall_light), (floor, floor_light), standing, hanging = SCENES[plan.scene]
    horizon = rng.uniform(62, 88)
    _draw_backdrop(canvas, rng, shade_of(wall, rng).shaded(wall_light), 0, horizon)
    if plan.scene != "room":
        _draw_hills(canvas, rng, shade_of(floor, rng), horizon)
    _draw_backdrop(canvas, rng, shade_of(floor, rng).shaded(floor_light), horizon, SIDE)
    for _ in range(rng.integers(1, 4) if hanging else 0):
        _draw_thing(canvas, rng, str(rng.choice(hanging)), rng.uniform(6, 45))
    feet = np.sort(rng.uniform(horizon, SIDE + 4, rng.integers(5, MOST_CLUTTER + 1)))
    for y in feet:
        _draw_thing(canvas, rng, str(rng.choice(standing)), y)


def draw_stamp(canvas: Canvas, plan: Plan) -> None:
    """A red seal with white letters in the lower left corner, in front of everything."""
    if not plan.stamped:
        return
    rng = np.random.default_rng(plan.world + 1)
    place = PICTURE.moved(17 + rng.uniform(-1.5, 1.5), 117 + rng.uniform(-1.5, 1.5), tilt=rng.uniform(-4, 4))
    brush = Brush(canvas, owner_of("stamp"), place, plain("red"), plain("white"))
    brush.fill(box(0, 0, 14, 7.5), edge=0.6)
    brush.mark(box(0, 0, 12.6, 6.2))
    brush.fill(box(0, 0, 11.6, 5.2), edge=0)
    letter = curve((-9, -3), (-7.5, 3), (-6, -1), (-4.5, 3), (-3, -3))
    brush.mark(
        ribbon(letter, (1.6, 1.6)), ribbon(curve((0, 3), (2, -3), (4, 3)), (1.6, 1.6)), disc(7.5, 0, 2.6)
    )


def _draw_backdrop(
    canvas: Canvas, rng: np.random.Generator, colour: Colour, top: float, bottom: float
) -> None:
    """Bands from lighter to darker with a scatter of blots, stripes or dots."""
    bands = np.linspace(top, bottom, 9)
    for band, y in enumerate(bands[:-1]):
        stripe = polygon((-2, y), (SIDE + 2, y), (SIDE + 2, bottom + 2), (-2, bottom + 2))
        canvas.fill([stripe], colour.shaded(1.12 - 0.03 * band), 0)
    pattern = rng.choice(["blots", "dots", "dashes"])
    step = rng.uniform(9, 15)
    light = rng.choice([0.82, 0.9, 1.25])
    for y in np.arange(top + 3, bottom, step * 0.7):
        for x in np.arange(rng.uniform(0, step), SIDE, step):
            _draw_mark(canvas, rng, pattern, x, y, colour.shaded(light))


def _draw_mark(
    canvas: Canvas, rng: np.random.Generator, pattern: str, x: float, y: float, colour: Colour
) -> None:
    x, y = x + rng.uniform(-2, 2), y + rng.uniform(-1.5, 1.5)
    mark = {
        "blots": lambda: ellipse(x, y, rng.uniform(1, 5), rng.uniform(0.6, 2)),
        "dots": lambda: disc(x, y, 1.3),
        "dashes": lambda: ribbon(np.array([(x - 2, y + 1.5), (x + 2, y - 1.5)]), (1.1, 1.1)),
    }[pattern]
    canvas.fill([mark()], colour, 0)


def _draw_hills(canvas: Canvas, rng: np.random.Generator, colour: Colour, horizon: float) -> None:
    for light in (1.5, 0.8):
        knots = [(x, horizon - rng.uniform(2, 18)) for x in range(-10, SIDE + 40, 30)]
        ridge = np.concatenate([curve(*knots), polygon((SIDE + 10, SIDE), (-10, SIDE))])
        canvas.fill([ridge], colour.shaded(light), 0)


def _draw_thing(canvas: Canvas, rng: np.random.Generator, thing: str, y: float) -> None:
    """One piece of clutter whose foot is at height y; nearer things are larger."""
    size = 0.6 + 0.5 * y / SIDE + rng.uniform(-0.15, 0.25)
    place = PICTURE.moved(rng.uniform(0, SIDE), y, tilt=rng.uniform(-8, 8), size=size)
    main, accent = (shade_of(str(name), rng) for name in rng.choice(NAMES, 2, replace=False))
    DRAWINGS[thing](Brush(canvas, owner_of(thing), place, main, accent))


def flower(brush: Brush) -> None:
    brush.ink(ribbon(curve((0, 0), (1, -6), (0, -12)), (1.6, 1.6)), colour="green")
    turn = np.radians(np.arange(0, 360, 72))
    brush.fill(*(disc(4 * np.cos(a), -13 + 4 * np.sin(a), 3) for a in turn), edge=0.5)
    brush.mark(disc(0, -13, 2.6))


def mushroom(brush: Brush) -> None:
    brush.ink(box(0, -4, 3, 5, power=3), colour="white", edge=0.7)
    brush.fill(polygon((-10, -7), (-8, -13), (-3, -17), (3, -17), (8, -13), (10, -7)), edge=0.7)
    brush.mark(disc(-4, -11, 1.8), disc(3, -13, 1.6), disc(5, -9, 1.3))


def rock(brush: Brush) -> None:
    stone = polygon((-11, 0), (-9, -7), (-3, -11), (5, -9), (11, -3), (11, 0))
    brush.ink(stone, colour="grey", edge=0.7)
    brush.ink(polygon((-7, -6), (-3, -9), (2, -8), (-3, -5)), colour="white")


def bush(brush: Brush) -> None:
    brush.ink(disc(-7, -5, 6), disc(7, -5, 6), disc(0, -9, 7.5), colour="green", edge=0.7)
    brush.mark(*(disc(x, y, 1.5) for x, y in ((-7, -7), (-1, -11), (5, -4), (0, -4), (8, -7))))


def cloud(brush: Brush) -> None:
    brush.ink(ellipse(-9, 0, 9, 5), ellipse(8, 0, 10, 5), ellipse(0, -4, 9, 7), colour="white", edge=0.4)


def ball(brush: Brush) -> None:
    brush.fill(disc(0, -8, 8), edge=0.7)
    brush.mark(ellipse(0, -8, 3, 7.6), box(0, -8, 7.6, 1.3))


def cactus(brush: Brush) -> None:
    arms = (curve((0, -9), (-8, -10), (-8, -16)), curve((0, -6), (7, -7), (7, -14)))
    stem = ribbon(np.array([(0.0, 0.0), (0.0, -24.0)]), (7, 7))
    brush.ink(*(ribbon(arm, (4, 4)) for arm in arms), stem, colour="green", edge=0.7)
    brush.mark(disc(0, -26, 2.4))


def crate(brush: Brush) -> None:
    brush.fill(box(0, -8, 9, 8, power=12), edge=0.8)
    brush.mark(ribbon(np.array([(-7, -2), (7, -14)]), (2, 2)), ribbon(np.array([(-7, -14), (7, -2)]), (2, 2)))


def night_star(brush: Brush) -> None:
    brush.ink(star(0, 0, 1.6, 4, 5), colour="yellow")


DRAWINGS: dict[str, Callable[[Brush], None]] = {
    "flower": flower,
    "mushroom": mushroom,
    "rock": rock,
    "bush": bush,
    "cloud": cloud,
    "ball": ball,
    "cactus": cactus,
    "crate": crate,
    "star": night_star,
}
