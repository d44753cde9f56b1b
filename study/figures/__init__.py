"""Figures of what a study found, made of the findings' numbers alone: the same numbers give the same bytes.

Nothing here loads matplotlib before something is drawn, so that a web process starts without it.
"""

from collections.abc import Mapping
from typing import Any

from study.figures.captions import alternative_text, caption, footnote
from study.figures.choices import Choice

FIGURES = {
    "forest": "Name agreement of each summary",
    "names": "What people answered",
    "layers": "What merging names did",
    "confusion": "People’s names and automatic tags",
    "times": "Time on a page",
    "flow": "Participant flow",
}
"""By the name in the address, with a heading."""
FORMATS = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}
ESTIMATES = ("forest", "names", "layers", "confusion")
"""Figures that tell what people answered, and so are masked between looks."""

__all__ = ["ESTIMATES", "FIGURES", "FORMATS", "Choice", "alternative_text", "caption", "draw", "pages"]


def draw(name: str, content: Mapping[str, Any], format: str, **choice: Any) -> bytes:
    """One of FIGURES in one of FORMATS. `choice`: see Choice. KeyError for another name or format."""
    from study.figures import canvas, drawings

    title, chosen = FIGURES[name], Choice(**choice)
    if format not in FORMATS:
        raise KeyError(format)
    with canvas.alone(format):
        figure = drawings.DRAWINGS[name](content, chosen)
        canvas.mark(figure, footnote(name, content, chosen))
        return canvas.save(figure, format, title, alternative_text(name, content, chosen))


def pages(name: str, content: Mapping[str, Any], **choice: Any) -> int:
    """On how many printed pages a figure stands, as `page` chooses them."""
    from study.figures import reading

    if name not in ("forest", "names"):
        return 1
    return reading.pages(content, Choice(**choice))
