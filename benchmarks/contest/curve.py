"""The curve of quality against passes, drawn from the contest's rows."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

from benchmarks.contest.methods import PEERS, VARIANTS
from benchmarks.contest.tables import average, by_case

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

INK, OURS, THEIRS = "#222222", "#b3202a", "#4a6fa5"


def draw(rows: Sequence[dict], to: Path) -> None:
    """Matched IoU over passes an image (logarithmic), means over the cases that ours and all variants share.

    One line joins `standard` and its variants by their passes; each peer is a point.
    """
    ours = {row["method"] for row in rows} & {"standard", *VARIANTS}
    cases = [case for case in by_case(rows) if ours <= {row["method"] for row in case}]
    table = average([row for case in cases for row in case])
    places = {name: (table[name]["passes"], table[name]["miou"]) for name in (*ours, *PEERS) if name in table}
    figure, axes = pyplot.subplots(figsize=(7, 4.2), dpi=150)
    if ours:
        axes.plot(*zip(*sorted(places[name] for name in ours), strict=True), color=OURS)
    for number, (name, place) in enumerate(sorted(places.items(), key=lambda each: each[1])):
        colour = OURS if name in ours else THEIRS
        axes.plot(*place, "o", color=colour, markersize=4)
        # By turns above and below, slanting away: neighbours lie close together.
        turn, offset, hold = (35, (2, 5), "bottom") if number % 2 else (-35, (2, -5), "top")
        axes.annotate(
            name.replace("_", " "),
            place,
            offset,
            textcoords="offset points",
            rotation=turn,
            va=hold,
            color=colour,
            fontsize=7,
        )
    dress(axes)
    axes.set_title(f"means over {len(cases)} pairs of network and class", fontsize=8, color=INK)
    figure.tight_layout()
    figure.savefig(to)
    pyplot.close(figure)


def dress(axes: pyplot.Axes) -> None:
    axes.set(xscale="log", xlim=(0.8, 800), ylim=(0, 1), ylabel="matched part mIoU")
    axes.set_xlabel("passes through the network, an image")
    axes.set_xticks([1, 10, 100], ["1", "10", "100"])
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2, color=INK)
