"""Which module draws which figure."""

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.figure import Figure

from study.figures import canvas, confusion, flow, forest, layers, names, times
from study.figures.choices import Choice

Draw = Callable[[Mapping[str, Any], Choice], Figure]


def _unless_masked(draw: Draw) -> Draw:
    return lambda content, choice: canvas.in_words(choice.masked) if choice.masked else draw(content, choice)


DRAWINGS: dict[str, Draw] = {
    "forest": _unless_masked(forest.draw),
    "names": _unless_masked(names.draw),
    "layers": _unless_masked(layers.draw),
    "confusion": _unless_masked(confusion.draw),
    "times": times.draw,
    "flow": flow.draw,
}
