"""Name agreement of each summary with its interval, next to its picture, in blocks by condition."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.figures import canvas, reading, words
from study.figures.choices import Choice

ROW, HEAD, TOP, BOTTOM = 0.42, 0.34, 0.3, 0.62
LEFT, AXIS = 2.85, 3.35
Row = Mapping[str, Any]


def draw(content: Row, choice: Choice) -> Figure:
    rows = reading.shown(content, choice)
    if not rows:
        return canvas.in_words("There are no summaries to show.")
    blocks = reading.blocks(rows)
    height = TOP + BOTTOM + ROW * len(rows) + HEAD * len(blocks)
    figure = canvas.sheet(height)
    scale = canvas.axes(figure, LEFT, BOTTOM, AXIS, height - TOP - BOTTOM)
    paper = canvas.paper(figure)
    _axis(scale, height, choice)
    _floor(scale, paper, content, choice, height)
    order = reading.conditions(reading.summaries(content, choice))
    at = height - TOP
    for condition, own in blocks:
        place = order.index(condition)
        _mean(scale, paper, content, choice, condition, at - HEAD / 2, place)
        at -= HEAD
        for row in own:
            _summary(scale, paper, row, choice, at - ROW / 2, place)
            at -= ROW
    return figure


def _axis(scale: Axes, height: float, choice: Choice) -> None:
    scale.set(xlim=(0, 1), ylim=(BOTTOM, height - TOP), yticks=[])
    ticks = [0, 0.25, 0.5, 0.75, 1]
    scale.set_xticks(ticks, [words.percent(tick) for tick in ticks])
    scale.set_xlabel(
        "share of answers that gave the most frequent name, with 95 % interval", fontsize=canvas.SMALL
    )
    for tick in ticks:
        scale.axvline(tick, color=canvas.LINE, lw=0.6, zorder=0)


def _floor(scale: Axes, paper: Axes, content: Row, choice: Choice, height: float) -> None:
    floor = reading.floor(content, choice)
    if floor is not None:
        scale.axvline(floor, color=canvas.SOFT, lw=1.1, ls=":", zorder=1)
        told = f"decoys: {words.percent(floor)}"
        where = LEFT + AXIS * floor
        side = "left" if floor < 0.5 else "right"
        canvas.text(paper, where, height - TOP / 2, told, color=canvas.SOFT, ha=side)


def _mean(
    scale: Axes, paper: Axes, content: Row, choice: Choice, condition: str, y: float, place: int
) -> None:
    """The heading of a block, with the mean over its summaries."""
    name = words.plain(condition, 34) if condition else "All summaries"
    canvas.text(paper, 0.08, y, name, fontsize=canvas.NORMAL, fontweight="bold", color=canvas.colour(place))
    measures = reading.overall(content, choice, condition)
    if not measures or measures["name_agreement"]["value"] is None:
        return
    estimate = measures["name_agreement"]
    _whisker(scale, estimate, y, canvas.colour(place), 2)
    scale.plot(estimate["value"], y, marker="D", ms=6, color=canvas.colour(place), mec=canvas.GROUND, mew=0.6)
    told = f"mean {words.percent(estimate['value'])}"
    canvas.text(paper, LEFT + AXIS + 0.12, y, told, fontweight="bold", color=canvas.colour(place))


def _summary(scale: Axes, paper: Axes, row: Row, choice: Choice, y: float, place: int) -> None:
    _picture(paper, choice.pictures.get(row["id"]), y)
    found = row["layers"][choice.layer]
    estimate = found["share"]
    text = 0.56 if choice.pictures else 0.08
    most = 38 if choice.pictures else 46
    name = reading.modal(row, choice.layer)
    canvas.text(paper, text, y + 0.085, words.plain(name or "no name", most - 4), fontsize=canvas.NORMAL)
    canvas.text(paper, text, y - 0.085, words.ends(row["title"], most), fontsize=6.5, color=canvas.SOFT)
    if estimate["value"] is None:
        reason = words.plain(estimate["reason"] or "undefined", 40)
        canvas.text(paper, LEFT + 0.05, y, reason, color=canvas.SOFT, fontstyle="italic")
        return
    _whisker(scale, estimate, y, canvas.colour(place), 1.2)
    scale.plot(estimate["value"], y, marker=canvas.marker(place), ms=4.5, color=canvas.colour(place))
    told = f"{found['count']} of {row['answers']}" + (" · stopped" if row.get("stopped") else "")
    canvas.text(paper, LEFT + AXIS + 0.12, y, told)


def _whisker(scale: Axes, estimate: Row, y: float, colour: str, thick: float) -> None:
    if found := reading.interval(estimate):
        low, high = max(0, found[0]), min(1, found[1])
        scale.plot([low, high], [y, y], color=colour, lw=thick, solid_capstyle="butt")


def _picture(paper: Axes, data: bytes | None, y: float) -> None:
    picture = canvas.small(data) if data else None
    if picture is not None:
        half = ROW / 2 - 0.02
        extent = (0.08, 0.08 + 2 * half, y - half, y + half)
        paper.imshow(picture, extent=extent, aspect="auto", interpolation="none")
        width, height = paper.figure.get_size_inches()
        paper.set(xlim=(0, width), ylim=(0, height))
