"""Figures of network dissection for files: an explained photograph, and the curve of the basis experiment."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from summaries.engine.visual.pictures import layers_of_region, tile

INK, SOFT, LINE = "#1c2024", "#565d66", "#0072b2"
ROW, WIDTH = 1.7, 6.2
"""Inches."""
SHARPNESS, TILE, DIM = 150, 256, 0.35
WIDE_FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Zen Hei", "PingFang SC", "Microsoft YaHei")
"""For names that the first font has no letters for, where the machine has one."""
_there = {font.name for font in font_manager.fontManager.ttflist}
FONTS = ["DejaVu Sans", *(name for name in WIDE_FONTS if name in _there)]


def explained(
    photograph: NDArray[np.uint8], heading: Sequence[str], rows: Sequence[tuple[NDArray, Sequence[str]]]
) -> bytes:
    """A PNG: the photograph beside its heading, and below it for each row the photograph with all but the
    segment (H, W) dimmed, beside the row's lines. The first line of each is the largest."""
    figure = Figure(figsize=(WIDTH, ROW * (len(rows) + 1)), dpi=SHARPNESS, facecolor="white")
    pictures = [(photograph, heading)]
    pictures += [(_shown(photograph, segment), lines) for segment, lines in rows]
    for place, (picture, lines) in enumerate(pictures):
        bottom = 1 - (place + 1) / len(pictures)
        height = 0.92 / len(pictures)
        axes = figure.add_axes(
            (0.02, bottom + 0.04 / len(pictures), height * ROW * len(pictures) / WIDTH, height)
        )
        axes.imshow(picture, interpolation="lanczos")
        axes.set_axis_off()
        _write(axes, lines)
    return _png(figure)


def _shown(photograph: NDArray[np.uint8], segment: NDArray) -> NDArray[np.uint8]:
    """The context stays to be seen, so that one knows what the segment is a part of."""
    picture = np.where(segment[..., None], photograph, (photograph * DIM).astype(np.uint8))
    return tile(layers_of_region(picture, segment.astype(np.uint8)), side=TILE, dimmed=False)


def _write(axes: Axes, lines: Sequence[str]) -> None:
    """Beside a picture, below each other, from its upper edge."""
    for place, line in enumerate(lines):
        axes.text(
            1.08, 0.9 - 0.21 * place, line, transform=axes.transAxes, va="top", **_type(first=place == 0)
        )


def _type(*, first: bool) -> dict[str, Any]:
    """A name such as $x$ is a name, not a formula."""
    size, colour = (11, INK) if first else (8.5, SOFT)
    return {"fontsize": size, "color": colour, "family": FONTS, "parse_math": False}


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def curve(
    alphas: Sequence[float],
    thresholds: Sequence[float],
    unique: NDArray,
    by_chance: NDArray,
    heading: str,
) -> bytes:
    """A PNG: for each threshold unique detectors (seeds, alphas, thresholds) against alpha, each seed thin,
    their mean bold, and that of shuffled labels dashed."""
    figure = Figure(
        figsize=(2.6 * len(thresholds), 3.2), dpi=SHARPNESS, facecolor="white", layout="constrained"
    )
    figure.suptitle(heading, x=0.01, ha="left", **_type(first=True))
    for place, (axes, threshold) in enumerate(
        zip(np.atleast_1d(figure.subplots(1, len(thresholds), sharey=True)), thresholds, strict=True)
    ):
        for seed in unique[:, :, place]:
            axes.plot(alphas, seed, color=LINE, linewidth=0.8, alpha=0.45)
        axes.plot(alphas, unique[:, :, place].mean(0), color=LINE, linewidth=2.2, marker="o", label="mean")
        mean = by_chance[:, :, place].mean(0)
        axes.plot(alphas, mean, color=SOFT, linewidth=1.4, linestyle="--", label="shuffled labels")
        axes.set_title(f"IoU above {threshold:g}", loc="left", **_type(first=False))
        axes.set_xlabel("rotation, α", **_type(first=False))
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8, colors=SOFT)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    first = figure.axes[0]
    first.set_ylabel("unique detectors", **_type(first=False))
    first.legend(frameon=False, fontsize=8)
    return _png(figure)
