"""What people answered to each summary: shares of the modal name, other names and no name."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.figures import canvas, reading, words
from study.figures.choices import Choice

ROW, HEAD, TOP, BOTTOM = 0.3, 0.3, 0.5, 0.5
LEFT, AXIS = 2.5, 3.9
PARTS = (
    ("most frequent name", "#0072b2", "#ffffff", ""),
    ("other names", "#a8d3ee", canvas.INK, ""),
    ("nothing in common", "#e69f00", canvas.INK, "////"),
    ("can’t tell", "#c9c7c1", canvas.INK, "...."),
)
"""Each with its colour, the colour of words on it, and a hatch for who sees no colours."""
Row = Mapping[str, Any]


def draw(content: Row, choice: Choice) -> Figure:
    rows = reading.shown(content, choice)
    if not rows:
        return canvas.in_words("There are no summaries to show.")
    blocks = reading.blocks(rows)
    height = TOP + BOTTOM + ROW * len(rows) + HEAD * len(blocks)
    figure = canvas.sheet(height)
    scale, paper = canvas.axes(figure, LEFT, BOTTOM, AXIS, height - TOP - BOTTOM), canvas.paper(figure)
    scale.set(xlim=(0, 1), ylim=(BOTTOM, height - TOP), yticks=[])
    scale.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    scale.set_xlabel("share of all answers", fontsize=canvas.SMALL)
    _legend(paper, height)
    at = height - TOP
    for condition, own in blocks:
        name = words.plain(condition, 40) if condition else "All summaries"
        canvas.text(paper, 0.08, at - HEAD / 2, name, fontsize=canvas.NORMAL, fontweight="bold")
        at -= HEAD
        for row in own:
            _summary(scale, paper, row, choice, at - ROW / 2)
            at -= ROW
    return figure


def _legend(paper: Axes, height: float) -> None:
    x = LEFT
    for name, colour, _, hatch in PARTS:
        paper.bar(x + 0.08, 0.14, 0.16, height - 0.32, color=colour, hatch=hatch, ec=canvas.GROUND, lw=0)
        canvas.text(paper, x + 0.21, height - 0.25, name)
        x += 0.42 + 0.052 * len(name)


def _summary(scale: Axes, paper: Axes, row: Row, choice: Choice, y: float) -> None:
    canvas.text(paper, 0.08, y, words.ends(row["title"], 40), color=canvas.SOFT, fontsize=6.5)
    canvas.text(paper, LEFT + AXIS + 0.1, y, f"n = {row['answers']}")
    if not row["answers"]:
        canvas.text(scale, 0.01, y, "no answers yet", color=canvas.SOFT, fontstyle="italic")
        return
    left = 0.0
    for (_, colour, ink, hatch), share, label in zip(PARTS, *_parts(row, choice), strict=True):
        scale.barh(y, share, ROW * 0.78, left=left, color=colour, hatch=hatch, ec=canvas.GROUND, lw=0.6)
        _label(scale, label, left, share, y, ink)
        left += share


def _parts(row: Row, choice: Choice) -> tuple[list[float], list[str]]:
    found, answers = row["layers"][choice.layer], row["answers"]
    nothing, cannot = row["nothing"] or 0, row["cannot_tell"] or 0
    modal = found["count"] / answers
    others = max(0.0, 1 - nothing - cannot - modal)
    distinct = max(0, found["distinct"] - 1)
    told = f"{distinct} more" if distinct else ""
    name = found["modal"][0] if found["modal"] else ""
    return [modal, others, nothing, cannot], [name, told, "", ""]


def _label(scale: Axes, label: str, left: float, share: float, y: float, ink: str) -> None:
    """Only where it fits into its part."""
    room = int(share * AXIS / 0.068) - 1
    if label and room >= 4:
        canvas.text(scale, left + 0.01, y, words.plain(label, room), color=ink)
