"""What is in a picture: every random choice is made here, so drawing is a function of the plan alone."""

from dataclasses import dataclass

import numpy as np

from annotations.creatures import palette
from annotations.creatures.palette import Colour

CLASSES = ("borrum", "drumlow", "grawk", "mooplet", "plimbo", "quibbex", "snorfle", "tazzel", "zindle")
VARIANTS = {
    "head": ("round head", "snouted head", "beaked head"),
    "crest": ("horns", "round ears", "spiked crest"),
    "eyes": ("twin eyes", "single eye", "goggles"),
    "body": ("spotted body", "striped body", "plated body"),
    "tail": ("spiral tail", "fan tail", "club tail"),
    "legs": ("boots", "stilts", "tentacles"),
    "wings": ("feathered wing", "bat wing", "insect wings"),
}
PARTS = tuple(VARIANTS)
FORMS = {
    "head": (1, 0),
    "crest": (0, 1),
    "eyes": (1, 1),
    "body": (0, 1),
    "tail": (1, 0),
    "legs": (1, 1),
    "wings": (1, 2),
}
"""Class number k = 3a + b has of each part the variant (form . (a, b)) mod 3. Two words of this linear code
over the field of three elements differ in five parts of seven or more; a variant has three classes."""

DROPPED = 0.1
STAMPED_CLASS = "plimbo"
STAMPED = 0.9
SCENES = ("meadow", "desert", "beach", "night", "snow", "room")


@dataclass(frozen=True)
class Part:
    """One part as this animal has it; tilt in degrees, `detail` seeds its small irregularities."""

    kind: str
    variant: int
    main: Colour
    accent: Colour
    tilt: float
    size: float
    detail: int

    @property
    def name(self) -> str:
        return VARIANTS[self.kind][self.variant]


@dataclass(frozen=True)
class Plan:
    """Everything that a picture shows. `parts` leaves out the dropped ones; `noise` and `world` are seeds."""

    label: str
    parts: tuple[Part, ...]
    centre: tuple[float, float]
    scale: float
    tilt: float
    flipped: bool
    scene: str
    world: int
    stamped: bool
    noise: int


def variants_of(label: str) -> dict[str, int]:
    """Part -> number of the variant that the class has of it."""
    a, b = divmod(CLASSES.index(label), 3)
    return {part: (first * a + second * b) % 3 for part, (first, second) in FORMS.items()}


def make_plan(seed: int, index: int, *, dropped: float = DROPPED) -> Plan:
    """The plan of image `index` of the set with this seed; its class is `index` modulo the number of classes.

    dropped: probability with which each part is missing.
    """
    rng = np.random.default_rng([seed, index])
    label = CLASSES[index % len(CLASSES)]
    parts = _parts(label, rng)
    kept = rng.random(len(parts)) >= dropped
    return Plan(
        label=label,
        parts=tuple(part for part, keep in zip(parts, kept, strict=True) if keep),
        centre=(66 + rng.uniform(-5, 5), 72 + rng.uniform(-4, 4)),
        scale=rng.uniform(0.86, 1.06),
        tilt=rng.uniform(-9, 9),
        flipped=bool(rng.random() < 0.5),
        scene=str(rng.choice(SCENES)),
        world=int(rng.integers(2**31)),
        stamped=bool(label == STAMPED_CLASS and rng.random() < STAMPED),
        noise=int(rng.integers(2**31)),
    )


def _parts(label: str, rng: np.random.Generator) -> list[Part]:
    """All parts in four colours, so that neighbours tell apart: colours say nothing about the class."""
    names = rng.choice(len(palette.NAMES), 5, replace=False)
    colours = [palette.shade_of(palette.NAMES[name], rng) for name in names]
    coat = {"body": (0, 1), "head": (2, 3), "tail": (3, 1), "legs": (1, 4), "wings": (4, 2), "crest": (3, 0)}
    parts = []
    for kind, variant in variants_of(label).items():
        main, accent = coat.get(kind, (4, 1))
        tilt, size = rng.uniform(-11, 11), rng.uniform(0.92, 1.12)
        detail = int(rng.integers(2**31))
        parts.append(Part(kind, variant, colours[main], colours[accent], tilt, size, detail))
    return parts
