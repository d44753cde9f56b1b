"""How many people came how far, and why the others did not: the flow diagram of trial reports (CONSORT)."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from study.figures import canvas, words
from study.figures.choices import Choice

STEP, LINE_HEIGHT, BOX = 0.62, 0.17, 2.5
MIDDLE, SIDE, SIDE_WIDTH = 1.75, 3.6, 3.2
Row = Mapping[str, Any]
Step = tuple[str, int, Sequence[tuple[str, int]]]


def draw(content: Row, choice: Choice) -> Figure:
    steps = list(choice.flow) or steps_of(content["people"])
    gaps = [max(0.3, _side_height(left) + 0.16) if left else 0.3 for _, _, left in steps[:-1]]
    height = 0.45 + STEP * len(steps) + sum(gaps)
    figure = canvas.sheet(height)
    paper, y = canvas.paper(figure), height - 0.15
    for place, (name, count, left) in enumerate(steps):
        _box(paper, MIDDLE - BOX / 2, y - STEP, BOX, STEP)
        canvas.text(paper, MIDDLE, y - STEP / 2 + 0.1, words.plain(name, 44), ha="center")
        how = {"fontsize": canvas.LARGE, "fontweight": "bold"}
        canvas.text(paper, MIDDLE, y - STEP / 2 - 0.1, f"n = {count:,}", ha="center", **how)
        y -= STEP
        if place < len(gaps):
            _arrow(paper, (MIDDLE, y), (MIDDLE, y - gaps[place]))
            _left(paper, left, y - gaps[place] / 2)
            y -= gaps[place]
    return figure


def steps_of(people: Row) -> list[Step]:
    """From the findings' counts alone."""
    gone = people["arrived"] - people["consented"]
    excluded = [(str(rule), count) for rule, count in people.get("excluded", {}).items()]
    return [
        ("arrived", people["arrived"], [("did not consent", gone)] if gone else []),
        ("consented", people["consented"], excluded),
        ("in the main analysis", people["analysed"], []),
    ]


def _side_height(left: Sequence[tuple[str, int]]) -> float:
    return LINE_HEIGHT * len(left) + 0.16


def _left(paper: Axes, left: Sequence[tuple[str, int]], y: float) -> None:
    if not left:
        return
    height = _side_height(left)
    _box(paper, SIDE, y - height / 2, SIDE_WIDTH, height)
    _arrow(paper, (MIDDLE, y), (SIDE, y))
    for place, (why, count) in enumerate(left):
        at = y + height / 2 - 0.08 - LINE_HEIGHT * (place + 0.5)
        canvas.text(paper, SIDE + 0.1, at, f"{words.plain(why, 44)}: {count:,}")


def _box(paper: Axes, x: float, y: float, width: float, height: float) -> None:
    style = "round,pad=0,rounding_size=0.05"
    box = FancyBboxPatch((x, y), width, height, boxstyle=style, fc=canvas.GROUND, ec=canvas.SOFT, lw=0.9)
    paper.add_patch(box)


def _arrow(paper: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    how = {"arrowstyle": "-|>", "mutation_scale": 9, "color": canvas.SOFT, "lw": 0.9}
    paper.add_patch(FancyArrowPatch(start, end, shrinkA=0, shrinkB=0, **how))
