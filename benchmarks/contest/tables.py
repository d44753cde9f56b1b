"""Rows of results: means, intervals, and a table that people read."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.contest.methods import CONTROLS, PEERS

FIGURES = {
    "miou": "mIoU",
    "recall30": "recall .3",
    "recall50": "recall .5",
    "leak": "leak",
    "unused": "unused",
    "per_part": "per part",
    "nmi": "NMI",
    "ari": "ARI",
    "clusters": "clusters",
    "stamp": "stamp",
    "passes": "passes",
    "seconds": "CPU s",
}
"""Column of a row -> its heading; `stamp` is the share of trials in which it has a cluster of its own."""
DRAWS = 10_000
NOTHING: dict[str, list] = {"rows": [], "worth": []}


@dataclass(frozen=True)
class Interval:
    mean: float
    low: float
    high: float


def average(rows: Sequence[dict]) -> dict[str, dict[str, float]]:
    """Method -> mean of each figure over its networks and classes, and how many those are."""
    table = {}
    for method in sorted({row["method"] for row in rows}, key=place_of):
        own = [row for row in rows if row["method"] == method]
        means = {name: mean(row[name] for row in own) for name in FIGURES}
        table[method] = means | {"cases": len(own)}
    return table


def place_of(method: str) -> tuple:
    """Ours first, then the peers, then the controls, then what else there is."""
    order = ["standard", "paper", *PEERS, *CONTROLS]
    return (order.index(method), "") if method in order else (len(order), method)


def mean(values: Iterable[float | bool | None]) -> float | None:
    there = [float(value) for value in values if value is not None]
    return round(float(np.mean(there)), 4) if there else None


def best_peer(table: dict[str, dict]) -> str | None:
    """The peer with the largest matched IoU."""
    there = [name for name in PEERS if name in table]
    return max(there, key=lambda name: table[name]["miou"], default=None)


def compare(rows: Sequence[dict], ours: str, other: str, figure: str, *, seed: int = 0) -> Interval | None:
    """Mean of ours - other over the cases that both have, and its 95 % interval by a paired bootstrap."""
    pairs = [{row["method"]: row[figure] for row in group} for group in by_case(rows)]
    differences = np.array([pair[ours] - pair[other] for pair in pairs if {ours, other} <= pair.keys()])
    if not len(differences):
        return None
    drawn = np.random.default_rng(seed).integers(len(differences), size=(DRAWS, len(differences)))
    low, high = np.quantile(differences[drawn].mean(1), [0.025, 0.975])
    return Interval(float(differences.mean()), float(low), float(high))


def against_best(rows: Sequence[dict]) -> str | None:
    """`standard` against the peer with the largest matched IoU where both took part, in words."""
    shared = [
        row for case in by_case(rows) if any(row["method"] == "standard" for row in case) for row in case
    ]
    table = average(shared)
    peer = best_peer(table)
    if peer is None:
        return None
    lines = [f"standard - {peer} (paired bootstrap over networks and classes, 95 %):"]
    for figure in ("miou", "recall30", "leak", "unused"):
        found = compare(shared, "standard", peer, figure)
        if found:
            lines.append(f"  {FIGURES[figure]}: {found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]")
    lines.append(f"  ratio of mIoU: {table['standard']['miou'] / max(table[peer]['miou'], 1e-9):.2f}")
    return "\n".join(lines)


def by_case(rows: Sequence[dict]) -> list[list[dict]]:
    """Rows of the same network and class."""
    cases: dict[tuple, list[dict]] = {}
    for row in rows:
        cases.setdefault((row["network"], row["label"]), []).append(row)
    return list(cases.values())


def merge(kept: dict[str, list], new: dict[str, list]) -> dict[str, list]:
    """Results with the new rows; each takes the place of the kept one of its method, network and class."""
    merged = {}
    for name in kept:
        rows = [*kept[name], *new[name]]
        places = {(row.get("method"), row["network"], row["label"]): row for row in rows}
        merged[name] = [places[place] for place in sorted(places, key=str)]
    return merged


def dump(results: dict[str, list]) -> str:
    """JSON with a row a line."""
    lists = {name: ",\n".join(json.dumps(row) for row in rows) for name, rows in results.items()}
    return "{" + ",\n".join(f'"{name}": [\n{rows}\n]' for name, rows in lists.items()) + "}\n"


def write(table: dict[str, dict]) -> str:
    """Aligned by columns, a line for each method."""
    lines = [["", *FIGURES.values(), "cases"]]
    for method, means in table.items():
        lines.append([method, *("-" if means[name] is None else f"{means[name]:.2f}" for name in FIGURES)])
        lines[-1].append(str(means["cases"]))
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )
