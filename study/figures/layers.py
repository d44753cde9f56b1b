"""What merging names did to the numbers: the same measures at the raw, mechanical and merged layer."""

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.figures import canvas, reading
from study.figures.choices import Choice

LAYERS = {"raw": "as typed", "mechanical": "mechanical", "merged": "merged"}
MEASURES = (("alpha", "Krippendorff’s α"), ("ac1", "Gwet’s AC1"), ("percent", "pairs that agree"))
HEIGHT, BOTTOM, PANEL = 2.9, 0.55, 1.85
Row = Mapping[str, Any]


def draw(content: Row, choice: Choice) -> Figure:
    rows = reading.summaries(content, choice)
    if not rows:
        return canvas.in_words("There are no summaries to show.")
    figure = canvas.sheet(HEIGHT)
    overall = reading.analysis(content, choice)["overall"]
    agreement = _panel(figure, 0.4, 1.55, "Name agreement", (0, 1))
    for row in rows:
        _line(agreement, [reading.share(row, layer) for layer in LAYERS], canvas.LINE, 0.6)
    _estimates(agreement, [overall[layer]["name_agreement"] for layer in LAYERS], 0)
    coefficients = _panel(figure, 2.3, 1.55, "Agreement of pairs", _span(overall))
    for place, (measure, _) in enumerate(MEASURES):
        _estimates(coefficients, [overall[layer][measure] for layer in LAYERS], place, 0.07 * (place - 1))
    _label(coefficients, overall)
    _distinct(_panel(figure, 5.3, 1.6, "Different names", None), rows)
    return figure


def _distinct(where: Axes, rows: list[Row]) -> None:
    means = [fmean(row["layers"][layer]["distinct"] for row in rows) for layer in LAYERS]
    _line(where, means, canvas.colour(0), 1.5, "o")
    for place, mean in enumerate(means):
        where.text(place, mean + 0.07 * max(means), f"{mean:.1f}", ha="center", fontsize=canvas.SMALL)
    where.set_ylim(0, max(1.0, *means) * 1.2)
    where.set_ylabel("per summary, on average", fontsize=canvas.SMALL)


def _panel(figure: Figure, left: float, width: float, title: str, limits: tuple | None) -> Axes:
    made = canvas.axes(figure, left, BOTTOM, width, PANEL)
    made.spines["left"].set_visible(True)
    made.set_title(title, fontsize=canvas.NORMAL, fontweight="bold", loc="left", pad=8)
    made.set_xticks(range(len(LAYERS)), list(LAYERS.values()), fontsize=canvas.SMALL)
    made.set_xlim(-0.35, len(LAYERS) - 0.65)
    if limits:
        made.set_ylim(*limits)
    return made


def _estimates(where: Axes, estimates: list[Row], place: int, shift: float = 0) -> None:
    colour = canvas.colour(place)
    for at, each in enumerate(estimates):
        if each["value"] is not None and (found := reading.interval(each)):
            where.plot([at + shift] * 2, found, color=colour, lw=1.2)
    known = [(at + shift, each["value"]) for at, each in enumerate(estimates) if each["value"] is not None]
    if known:
        where.plot(*zip(*known, strict=True), color=colour, lw=1.4, marker=canvas.marker(place), ms=4.5)


def _label(where: Axes, overall: Row) -> None:
    """Names beside the lines' ends, moved apart where they would touch."""
    low, high = where.get_ylim()
    known = [(overall["merged"][key]["value"], place, name) for place, (key, name) in enumerate(MEASURES)]
    at = low
    for value, place, name in sorted(each for each in known if each[0] is not None):
        at = max(value, at + 0.075 * (high - low))
        canvas.text(where, len(LAYERS) - 0.72, at, name, color=canvas.colour(place))


def _line(where: Axes, values: list[float | None], colour: str, thick: float, marker: str = "") -> None:
    known = [(at, value) for at, value in enumerate(values) if value is not None]
    if known:
        where.plot(*zip(*known, strict=True), color=colour, lw=thick, marker=marker or None, ms=4.5, zorder=1)


def _span(overall: Row) -> tuple[float, float]:
    """From 0, or below where a coefficient or its interval is."""
    ends = [
        end
        for layer in LAYERS
        for measure, _ in MEASURES
        for end in (reading.interval(overall[layer][measure]) or (0.0,))
    ]
    return max(-1.0, min(0.0, *ends)), 1.0
