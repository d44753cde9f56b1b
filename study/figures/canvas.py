"""Paper, type and colours of the figures, and their bytes: no dates, no random names, text as text.

matplotlib's object interface alone: there is no current figure that two requests could share. What it caches
is not made for threads, so one figure is drawn at a time.
"""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from threading import Lock
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image as Pillow
from PIL import ImageOps

INK, SOFT, LINE, GROUND = "#1c2024", "#565d66", "#dddad3", "#ffffff"
COLOURS = ("#0072b2", "#d55e00", "#007a5a", "#a3487c", "#8a6100", "#2f7fb5")
"""Told apart by those who confuse colours (after Okabe and Ito), dark enough for text on white."""
MARKERS = ("o", "s", "^", "D", "v", "P")
CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
SMALL, NORMAL, LARGE = 7, 8.5, 10.5
WIDTH = 7.0
"""Inches: the width of a page's text."""
SHARPNESS, MOST_PIXELS = 200, 30_000
THUMBNAIL = 96

logging.getLogger("fontTools").setLevel(logging.WARNING)  # else the log tells every letter that was drawn
_drawing = Lock()
_format: ContextVar[str] = ContextVar("format", default="svg")

_known = {font.name for font in font_manager.fontManager.ttflist}
FONTS = ["DejaVu Sans", *(name for name in CHINESE if name in _known)]
matplotlib.rcParams.update(
    {
        "font.family": "sans-serif",
        "font.sans-serif": FONTS,
        "font.size": NORMAL,
        "text.parse_math": False,  # a name such as $x$ is a name
        "text.color": INK,
        "axes.edgecolor": SOFT,
        "axes.labelcolor": INK,
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "svg.fonttype": "none",
        "svg.hashsalt": "meronym",
        "pdf.fonttype": 42,
    }
)


@contextmanager
def alone(format: str) -> Iterator[None]:
    """Nothing else is drawn meanwhile."""
    with _drawing, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of characters that no font has: see `text`
        token = _format.set(format)
        try:
            yield
        finally:
            _format.reset(token)


def sheet(height: float, width: float = WIDTH) -> Figure:
    return Figure(figsize=(width, height), facecolor=GROUND)


def axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Measured in inches, with a line below and on no other side."""
    whole = figure.get_size_inches()
    made = figure.add_axes(
        (left / whole[0], bottom / whole[1], width / whole[0], height / whole[1]), facecolor="none"
    )
    made.spines[["top", "right", "left"]].set_visible(False)
    made.tick_params(labelsize=SMALL, length=2.5)
    return made


def paper(figure: Figure) -> Axes:
    """All of the figure, measured in inches from its lower left corner."""
    width, height = figure.get_size_inches()
    made = figure.add_axes((0, 0, 1, 1), facecolor="none")
    made.set(xlim=(0, width), ylim=(0, height))
    made.axis("off")
    return made


def text(axes: Axes, x: float, y: float, words: str, **how: Any) -> None:
    """Characters that no font at hand has are written out by number, except where a browser may have one."""
    shown = words if _format.get() == "svg" else "".join(map(_drawable, words))
    axes.text(x, y, shown, **{"fontsize": SMALL, "va": "center", "parse_math": False} | how)


def mark(figure: Figure, words: str) -> None:
    """A few words in the lower left corner."""
    if words:
        width, height = figure.get_size_inches()
        figure.text(
            0.08 / width, 0.04 / height, words, fontsize=6.5, color=SOFT, va="bottom", parse_math=False
        )


def in_words(sentence: str) -> Figure:
    """In place of a figure that has nothing to show."""
    figure = sheet(1.2)
    where = paper(figure)
    where.text(WIDTH / 2, 0.6, sentence, ha="center", va="center", color=SOFT, fontsize=NORMAL, wrap=True)
    return figure


def small(data: bytes) -> np.ndarray | None:
    """A square picture for the margin; None for bytes that are no picture."""
    try:
        with Pillow.open(io.BytesIO(data)) as picture:
            side = (THUMBNAIL, THUMBNAIL)
            return np.asarray(ImageOps.fit(picture.convert("RGB"), side, Pillow.Resampling.LANCZOS))
    except (OSError, ValueError, Pillow.DecompressionBombError):
        return None


def colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def marker(place: int) -> str:
    return MARKERS[place % len(MARKERS)]


def save(figure: Figure, format: str, title: str, description: str) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format=format, dpi=_sharpness(figure), metadata=_metadata(format, title, description))
    return _with_words(out.getvalue(), title, description) if format == "svg" else out.getvalue()


def _metadata(format: str, title: str, description: str) -> dict[str, str | None]:
    if format == "pdf":
        return {"CreationDate": None, "Producer": None, "Creator": "Meronym", "Title": title}
    if format == "png":
        return {"Software": None, "Title": title}
    return {"Date": None, "Creator": None, "Format": None, "Type": None}


def _with_words(data: bytes, title: str, description: str) -> bytes:
    """An SVG that says what it shows to whoever does not see it."""
    start = data.index(b">", data.index(b"<svg")) + 1
    told = f"\n <title>{escape(title)}</title>\n <desc>{escape(description)}</desc>"
    return data[: start - 1] + b' role="img">' + told.encode() + data[start:]


def _sharpness(figure: Figure) -> float:
    return min(SHARPNESS, MOST_PIXELS / max(figure.get_size_inches()))


@lru_cache(maxsize=10_000)
def _drawable(character: str) -> str:
    if any(font.get_char_index(ord(character)) for font in _faces()):
        return character
    return f"[U+{ord(character):04X}]"


@lru_cache(maxsize=1)
def _faces() -> list[Any]:
    return [font_manager.get_font(font_manager.findfont(name)) for name in FONTS]
