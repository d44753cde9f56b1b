"""Which first automatic tag stands beside which name of people, in counts of summaries."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from study.figures import canvas, reading, words
from study.figures.choices import Choice

MOST, OTHER, CELL = 18, "others", 0.26
MOST_TAGGERS = 4
Row = Mapping[str, Any]


def draw(content: Row, choice: Choice) -> Figure:
    tables = [(tagger, table) for tagger, table in tables_of(content, choice) if table]
    if not tables:
        return canvas.in_words("No summary of this study has automatic tags.")
    shapes = [(_kept(table, 0), _kept(table, 1)) for _, table in tables]
    heights = [0.75 + _slant(columns) + CELL * len(rows) for rows, columns in shapes]
    widest = max(len(columns) for _, columns in shapes)
    figure = canvas.sheet(sum(heights), max(canvas.WIDTH, 2.4 + CELL * widest))
    bottom = sum(heights)
    for (tagger, table), shape, height in zip(tables, shapes, heights, strict=True):
        bottom -= height
        _panel(figure, tagger, table, shape, bottom)
    return figure


def tables_of(content: Row, choice: Choice) -> list[tuple[str, Counter[tuple[str, str]]]]:
    """For each tagger, how many summaries have which (name, tag). Summaries without either are left out."""
    tagged = (reading.analysis(content, choice).get("tags") or {}).get("stimuli") or {}
    found: dict[str, Counter[tuple[str, str]]] = {}
    for row in reading.summaries(content, choice):
        names = row["layers"][choice.layer]["modal"]
        for tagger, tags in tagged.get(str(row["id"]), {}).items():
            if names and tags:
                found.setdefault(tagger, Counter())[(names[0], str(tags[0][0]))] += 1
    return sorted(found.items())[:MOST_TAGGERS]


def _kept(table: Counter[tuple[str, str]], side: int) -> list[str]:
    """The most frequent ones, in that order; the rest are told together."""
    totals: Counter[str] = Counter()
    for pair, count in table.items():
        totals[pair[side]] += count
    ranked = sorted(totals, key=lambda word: (-totals[word], word))
    return ranked if len(ranked) <= MOST else [*ranked[: MOST - 1], OTHER]


def _panel(
    figure: Figure, tagger: str, table: Counter, shape: tuple[list[str], list[str]], bottom: float
) -> None:
    names, tags = shape
    width, height = CELL * len(tags), CELL * len(names)
    made = canvas.axes(figure, 2.1, bottom + 0.25, width, height)
    made.spines["bottom"].set_visible(False)
    cells: Counter[tuple[int, int]] = Counter()
    for (name, tag), count in table.items():
        cells[(_place(names, name), _place(tags, tag))] += count
    most = max(cells.values())
    grid = [[cells[(y, x)] / most for x in range(len(tags))] for y in range(len(names))]
    made.imshow(grid, cmap="Blues", vmin=0, vmax=1.15, aspect="auto", interpolation="none")
    for (y, x), count in cells.items():
        ink = canvas.GROUND if count > 0.7 * most else canvas.INK
        canvas.text(made, x, y, str(count), ha="center", color=ink)
    made.set(xticks=[], yticks=[])
    _labels(made, names, tags)
    paper = canvas.paper(figure)
    told = f"{words.plain(tagger, 40)}: {sum(table.values())} summaries"
    top = bottom + 0.25 + height
    canvas.text(paper, 0.08, top + _slant(tags) + 0.3, told, fontsize=canvas.NORMAL, fontweight="bold")
    canvas.text(paper, 2.0, top + 0.12, "people’s name ↓  first tag →", color=canvas.SOFT, ha="right")


def _labels(where: Any, names: list[str], tags: list[str]) -> None:
    for y, name in enumerate(names):
        canvas.text(where, -0.65, y, words.plain(name, 30), ha="right")
    for x, tag in enumerate(tags):
        told = words.plain(tag, 22)
        how = {"rotation": 55, "ha": "left", "va": "bottom", "rotation_mode": "anchor"}
        canvas.text(where, x - 0.1, -0.65, told, **how)


def _slant(tags: list[str]) -> float:
    """How far the slanting tags reach up, in inches."""
    return 0.15 + 0.048 * max(words.width(words.plain(tag, 22)) for tag in tags)


def _place(known: list[str], word: str) -> int:
    return known.index(word) if word in known else len(known) - 1
