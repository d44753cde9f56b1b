"""How each variant of each part is drawn, in coordinates of its joint; about 20 to 40 pixels a side."""

from collections.abc import Callable

import numpy as np

from annotations.creatures.canvas import Brush, Canvas, Frame
from annotations.creatures.outlines import box, curve, disc, ellipse, polygon, ribbon, star
from annotations.creatures.plan import PARTS, Plan

JOINTS = {
    "body": (0, 0),
    "head": (25, -23),
    "crest": (24, -37),
    "eyes": (28, -27),
    "tail": (-25, -3),
    "legs": (0, 12),
    "wings": (-6, -12),
}
"""Where parts are fixed, relative to the middle of the body, for an animal that looks to the right."""
ORDER = ("tail", "legs", "body", "wings", "crest", "head", "eyes")
"""From back to front."""


def owner_of(kind: str) -> int:
    """The mark of a part's pixels; 0 is nobody."""
    return PARTS.index(kind) + 1


def draw_creature(canvas: Canvas, plan: Plan, *, without: str | None = None) -> None:
    """All parts of the plan but one; the pose stays that of the whole animal."""
    mirror = -1.0 if plan.flipped else 1.0
    base = Frame(np.array([[mirror, 0, 0], [0, 1, 0]]))
    x, y = plan.centre
    base = Frame(base.matrix + [[0, 0, 128 - x if plan.flipped else x], [0, 0, y]])
    base = base.moved(0, 0, tilt=plan.tilt, size=plan.scale)
    for part in sorted(plan.parts, key=lambda part: ORDER.index(part.kind)):
        if part.kind != without:
            joint = base.moved(*JOINTS[part.kind], tilt=part.tilt, size=part.size)
            brush = Brush(canvas, owner_of(part.kind), joint, part.main, part.accent)
            DRAWINGS[part.name](brush, np.random.default_rng(part.detail))


def spotted_body(brush: Brush, rng: np.random.Generator) -> None:
    brush.fill(ellipse(0, 0, 28, 20))
    brush.fill(ellipse(0, 9, 19, 9), light=1.35, edge=0)
    for x, y in ((-19, -5), (-9, -12), (-8, 3), (3, -8), (12, 2), (17, -8), (1, 12), (-17, 7)):
        brush.mark(disc(x + rng.uniform(-1.5, 1.5), y + rng.uniform(-1.5, 1.5), rng.uniform(3.0, 4.6)))


def striped_body(brush: Brush, rng: np.random.Generator) -> None:
    brush.fill(box(0, 0, 31, 16, power=3))
    for x in (-22, -11, 0, 11, 22):
        x, half = x + rng.uniform(-1, 1), rng.uniform(2.2, 3.2)
        edge = np.linspace(x - half, x + half, 5)
        height = 16 * (1 - np.abs(edge / 31) ** 3) ** (1 / 3) - 0.4
        top, bottom = np.stack([edge, -height], 1), np.stack([edge + 3, height], 1)
        brush.mark(np.concatenate([top, bottom[::-1]]))


def plated_body(brush: Brush, rng: np.random.Generator) -> None:
    brush.fill(polygon((-27, -9), (-17, -20), (17, -20), (28, -8), (28, 9), (18, 18), (-18, 18), (-28, 8)))
    for row, y in enumerate((-12, -1, 10)):
        for x in np.arange(-18, 20, 11) + (row % 2) * 5 - 2:
            size = rng.uniform(4.0, 5.2)
            diamond = polygon((x - size, y), (x, y - size), (x + size, y), (x, y + size))
            brush.mark(diamond, edge=0.5)


def round_head(brush: Brush, rng: np.random.Generator) -> None:
    brush.fill(disc(0, 0, 17))
    brush.ink(disc(13, 6, 3.2), colour="pink")
    brush.ink(ribbon(curve((-2, 8), (4, 11 + rng.uniform(0, 1.5)), (11, 8)), (1.2, 1.8, 1.2)))


def snouted_head(brush: Brush, rng: np.random.Generator) -> None:
    reach = 25 + rng.uniform(-1, 2)
    brush.fill(ellipse(0, -1, 15, 14), ribbon(curve((2, 4), (13, 7), (reach, 8)), (18, 15, 13)))
    brush.mark(ellipse(reach + 4, 7, 4, 5.5), edge=0.7)
    brush.ink(disc(reach + 3.5, 5, 1.2), disc(reach + 4.5, 8.5, 1.2))
    brush.ink(ribbon(curve((8, 12), (16, 12.5), (reach - 1, 12)), (0.8, 1.4, 0.8)))


def beaked_head(brush: Brush, rng: np.random.Generator) -> None:
    drop = rng.uniform(-1, 2)
    brush.mark(polygon((7, -7), (20, -4), (33, 7 + drop), (20, 6), (8, 6)), edge=1.0)
    brush.mark(polygon((8, 5), (19, 7), (26, 12 + drop), (17, 13), (8, 12)), light=0.75, edge=1.0)
    brush.fill(polygon(*box(0, 0, 14, 16, power=2.4)))
    brush.fill(ellipse(-4, 9, 7, 5), light=1.3, edge=0)


def horns(brush: Brush, rng: np.random.Generator) -> None:
    for side in (-1, 1):
        lean = rng.uniform(-1.5, 1.5)
        line = curve((side * 6, 6), (side * 14, -4), (side * 15, -13), (side * 8 + lean, -21))
        brush.fill(ribbon(line, (9, 7, 5, 1)))
        for at in (7, 12, 17):
            brush.mark(ribbon(line[at : at + 3], (6.2 - at / 6, 6.0 - at / 6)))


def round_ears(brush: Brush, rng: np.random.Generator) -> None:
    for side in (-1, 1):
        x, y = side * 13 + rng.uniform(-1, 1), -3 + rng.uniform(-1, 1)
        brush.fill(disc(x, y, 11))
        brush.mark(disc(x, y, 6.5))


def spiked_crest(brush: Brush, rng: np.random.Generator) -> None:
    spikes = []
    for angle in (-165, -135, -105, -75, -45):
        turn = np.radians(angle + rng.uniform(-3, 3))
        foot, tip = np.array([0, 11]), 30 + rng.uniform(-2, 2)
        left = foot + 14 * np.array([np.cos(turn - 0.28), np.sin(turn - 0.28)])
        right = foot + 14 * np.array([np.cos(turn + 0.28), np.sin(turn + 0.28)])
        spikes.append(np.stack([left, foot + tip * np.array([np.cos(turn), np.sin(turn)]), right, foot]))
    brush.fill(*spikes)
    brush.mark(*(np.stack([s[0] * 0.6 + s[2] * 0.4, s[1], s[2]]) for s in spikes))


def twin_eyes(brush: Brush, rng: np.random.Generator) -> None:
    look = rng.uniform(-1.5, 1.5, 2)
    for x in (-7.5, 6):
        brush.ink(disc(x, 0, 7), colour="white", edge=0.9)
        brush.ink(disc(x + 1 + look[0], 0.5 + look[1], 3.6))
        brush.ink(disc(x + 2.2 + look[0], -0.8 + look[1], 1.1), colour="white")


def single_eye(brush: Brush, rng: np.random.Generator) -> None:
    x, y = rng.uniform(-1.2, 1.2, 2)
    brush.ink(disc(0, 0, 11), colour="white", edge=0.9)
    brush.mark(disc(1 + x, y, 7.2), edge=0.6)
    brush.ink(disc(1.5 + x, y, 3.8))
    brush.ink(disc(3.4 + x, y - 2, 1.5), colour="white")


def goggles(brush: Brush, rng: np.random.Generator) -> None:
    brush.ink(ribbon(curve((-18, 1), (0, 0), (14, 0)), (5, 5, 5)))
    for x in (-7, 7.5):
        brush.ink(box(x, 0, 7.2, 6.6))
        brush.mark(box(x, 0, 5.2, 4.6), light=1.25)
        glare = rng.uniform(-1, 1)
        brush.ink(ribbon(curve((x - 3 + glare, 3), (x + 2 + glare, -3)), (1.5, 1.5)), colour="white")


def spiral_tail(brush: Brush, rng: np.random.Generator) -> None:
    turn = np.linspace(0.35, 3.9 + rng.uniform(-0.2, 0.2), 46) * np.pi
    radius = np.linspace(14.5, 3.2, 46)[:, None]
    coil = radius * np.stack([np.cos(turn), np.sin(turn)], 1) + (-15, -8)
    line = np.concatenate([curve((4, 3), (-3, 6))[:-1], coil])
    brush.fill(ribbon(line, (7, 5.4, 4.6, 4)))
    brush.mark(*(ribbon(line[at : at + 3], (2.6, 2.6)) for at in range(10, 50, 7)))


def fan_tail(brush: Brush, rng: np.random.Generator) -> None:
    for angle in (-215, -145, -198, -162, -180):
        turn = np.radians(angle + rng.uniform(-3, 3))
        reach = np.array([np.cos(turn), np.sin(turn)])
        brush.fill(ellipse(*(15 * reach), 16, 6, np.degrees(turn)), edge=0.9)
        brush.mark(disc(*(24 * reach), 3.8))
        brush.fill(disc(*(24.5 * reach), 1.6), light=1.4, edge=0)


def club_tail(brush: Brush, rng: np.random.Generator) -> None:
    x, y = -22 + rng.uniform(-1, 1), -13 + rng.uniform(-2, 2)
    brush.fill(ribbon(curve((5, 1), (-9, 5), (-18, 1), (x, y)), (11, 8, 6, 5)))
    brush.mark(star(x, y, 7, 13, 8), edge=1.0)
    brush.fill(disc(x, y, 6))


def boots(brush: Brush, rng: np.random.Generator) -> None:
    for x, light in ((-12, 0.72), (18, 0.72), (-20, 1.0), (9, 1.0)):
        x = x + rng.uniform(-1.5, 1.5)
        brush.fill(box(x, 12, 5.2, 13), light=light)
        brush.mark(box(x + 2, 24, 7.8, 4.6, power=3), light=light, edge=0.9)


def stilts(brush: Brush, rng: np.random.Generator) -> None:
    for x, light in ((-8, 0.72), (14, 0.72), (-18, 1.0), (4, 1.0)):
        knee, foot = x - 5 + rng.uniform(-1.5, 1.5), x + rng.uniform(-1.5, 1.5)
        brush.fill(ribbon(np.array([(x, 0), (knee, 14), (foot, 27)], float), (4, 3, 3)), light=light)
        brush.mark(disc(knee, 14, 2.8), light=light, edge=0.6)
        toes = polygon((-3, 25), (9, 26), (11, 30), (4, 29), (-2, 31), (-7, 30)) + (foot, 0)
        brush.mark(toes, light=light, edge=0.8)


def tentacles(brush: Brush, rng: np.random.Generator) -> None:
    for x in (-20, -10, 0, 10, 20):
        sway, wave = rng.uniform(-3, 3), 4.5 * (-1) ** (x // 10)
        knots = ((x, 0), (x + wave, 9), (x - wave + sway / 2, 18), (x + wave + sway, 27))
        brush.fill(ribbon(curve(*knots), (9, 7.5, 5.5, 3)), light=0.8 if x % 20 else 1.0)
        brush.mark(*(disc(px, py, r) for (px, py), r in zip(knots[1:], (1.9, 1.6, 1.2), strict=True)))


def feathered_wing(brush: Brush, rng: np.random.Generator) -> None:
    for number, angle in enumerate((-168, -150, -132, -114, -96)):
        turn = np.radians(angle + rng.uniform(-3, 3))
        length = 21 + 2.2 * number
        reach = np.array([np.cos(turn), np.sin(turn)])
        brush.fill(ellipse(*(length * reach), length * 0.92, 6.2, np.degrees(turn)), edge=0.9)
        brush.mark(ellipse(*(1.55 * length * reach), length * 0.3, 3.4, np.degrees(turn)))
    brush.fill(ellipse(-8, -9, 15, 8, 52), light=1.25)


def bat_wing(brush: Brush, rng: np.random.Generator) -> None:
    tips = [(-38, -3), (-38, -22), (-24, -38), (-4, -41)]
    tips = [(x + rng.uniform(-1.5, 1.5), y + rng.uniform(-1.5, 1.5)) for x, y in tips]
    dents = [(-29, -10), (-25, -23), (-12, -28)]
    edge = [tips[0], dents[0], tips[1], dents[1], tips[2], dents[2], tips[3]]
    brush.fill(polygon((5, 5), *edge, (7, -12)))
    for x, y in tips:
        brush.mark(ribbon(np.array([(2, 0), (x, y)]), (3.6, 1.6)))


def insect_wings(brush: Brush, rng: np.random.Generator) -> None:
    for angle in (-158, -108):
        turn = np.radians(angle + rng.uniform(-5, 5))
        reach, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        brush.fill(ellipse(*(20 * reach), 21, 9.5, np.degrees(turn)), light=1.5)
        for side in (-4.5, 0, 4.5):
            tip = 34 * reach + side * across
            brush.mark(ribbon(np.stack([2 * reach, 20 * reach + 1.2 * side * across, tip]), (1.5, 1.5, 1.2)))


DRAWINGS: dict[str, Callable[[Brush, np.random.Generator], None]] = {
    "round head": round_head,
    "snouted head": snouted_head,
    "beaked head": beaked_head,
    "horns": horns,
    "round ears": round_ears,
    "spiked crest": spiked_crest,
    "twin eyes": twin_eyes,
    "single eye": single_eye,
    "goggles": goggles,
    "spotted body": spotted_body,
    "striped body": striped_body,
    "plated body": plated_body,
    "spiral tail": spiral_tail,
    "fan tail": fan_tail,
    "club tail": club_tail,
    "boots": boots,
    "stilts": stilts,
    "tentacles": tentacles,
    "feathered wing": feathered_wing,
    "bat wing": bat_wing,
    "insect wings": insect_wings,
}
