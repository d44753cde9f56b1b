"""Seconds on a page: by its place in people's order, and by what kind of stimulus it showed."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.figures import canvas, reading
from study.figures.choices import Choice

KINDS = {"summary": "summaries", "decoy": "decoys", "gold": "gold", "repeat": "repeats"}
HEIGHT, BOTTOM, PANEL = 2.9, 0.55, 2.0
Row = Mapping[str, Any]


def draw(content: Row, choice: Choice) -> Figure:
    stimuli = [row for row in reading.analysis(content, choice)["stimuli"] if row["seconds"]["n"]]
    if not stimuli:
        return canvas.in_words("No browser measured any time yet.")
    figure = canvas.sheet(HEIGHT)
    if choice.positions:
        _by_place(figure, choice.positions)
        _by_kind(figure, stimuli, 5.2, 1.7)
    else:
        _by_kind(figure, stimuli, 0.6, 6.2)
    return figure


def _by_place(figure: Figure, positions: Sequence[Row]) -> None:
    where = _panel(figure, 0.6, 3.9, "By place in people’s order")
    for place, (kind, name) in enumerate(KINDS.items()):
        own = sorted((row for row in positions if row["kind"] == kind), key=lambda row: row["position"])
        if own:
            _kind(where, own, place, name)
    where.xaxis.get_major_locator().set_params(integer=True)
    if len({row["kind"] for row in positions}) > 1:
        where.legend(fontsize=canvas.SMALL, frameon=False, ncols=4, loc="upper right", handletextpad=0.3)
    where.set_xlabel("page", fontsize=canvas.SMALL)
    where.set_ylim(0, 1.15 * where.get_ylim()[1])


def _kind(where: Axes, own: list[Row], place: int, name: str) -> None:
    """Summaries as a line with a band, the few others as marks."""
    colour = canvas.colour(place)
    at, middle = [row["position"] for row in own], [row["median"] for row in own]
    if place == 0:
        low, high = ([row["quartiles"][end] for row in own] for end in (0, 1))
        where.fill_between(at, low, high, color=colour, alpha=0.16, lw=0)
    line = "-" if place == 0 else ""
    where.plot(at, middle, color=colour, ls=line, lw=1.4, marker=canvas.marker(place), ms=3.5, label=name)


def _by_kind(figure: Figure, stimuli: list[Row], left: float, width: float) -> None:
    """One mark a stimulus: its median, with quartiles."""
    where = _panel(figure, left, width, "By stimulus")
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in stimuli)]
    for place, kind in enumerate(kinds):
        own = sorted(
            (row for row in stimuli if row["kind"] == kind), key=lambda row: row["seconds"]["median"]
        )
        colour = canvas.colour(list(KINDS).index(kind))
        for number, row in enumerate(own):
            at = place - 0.35 + 0.7 * (number + 0.5) / len(own)
            where.plot([at, at], row["seconds"]["quartiles"], color=colour, lw=0.8, alpha=0.6)
            where.plot(at, row["seconds"]["median"], marker="o", ms=2.5, color=colour)
    where.set_xticks(range(len(kinds)), [KINDS[kind] for kind in kinds], fontsize=canvas.SMALL)
    where.set_xlim(-0.5, len(kinds) - 0.5)
    where.set_ylim(0)


def _panel(figure: Figure, left: float, width: float, title: str) -> Axes:
    made = canvas.axes(figure, left, BOTTOM, width, PANEL)
    made.spines["left"].set_visible(True)
    made.set_title(title, fontsize=canvas.NORMAL, fontweight="bold", loc="left", pad=8)
    made.set_ylabel("seconds", fontsize=canvas.SMALL)
    return made
