"""Coverage: how often an interval of agreement holds the true value, and how wide it is for that.

    python benchmarks/coverage.py [--quick]

Simulated studies of 30 names, drawn by Zipf's law. Each summary has a modal name and a probability, from a
beta distribution (mean .75), that an attentive person gives it; else they give any name. Some people (8 %)
are careless and give any name to everything. The true value is that of endless people and summaries: over
400,000 summaries, with the exact chances of each name. `grid` is the coverage, as a share, of the two-way
interval of Krippendorff's alpha for a nominal 95 %, by summaries x people; `plain` that of the two-way
delete-one jackknife as it is in books (1.96 standard errors), `summaries_only` that of the interval that
takes the people for fixed, against the same truth. `width`, `plain_width` are mean widths; `oracle_width` is
what somebody would need who knew the estimate's true standard error: 3.92 of them.

Other worlds, under `worlds` (lowest coverage of cells with 10 people or more) and cell by cell in `rows`: no
careless people; 20 % careless; hard summaries (mean .4); each person sees half of the summaries. `measures`:
other measures in the first world. `same_people`: the interval for the same people, against what endless
summaries would give with just these people. `few`: studies with fewer summaries than the grid has.

`ms_100x50`: milliseconds for 100 summaries by 50 people, the estimate and both intervals, a tenth of the
answers missing (the median of 20). The last line is one JSON object. --quick simulates fewer studies of the
first world.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from study.agreement.codes import MISSING, tally  # noqa: E402
from study.agreement.deletions import delete  # noqa: E402
from study.agreement.intervals import FEW, Interval, intervals  # noqa: E402

NAMES = 30
CHANCES = 1 / np.arange(1, NAMES + 1) / (1 / np.arange(1, NAMES + 1)).sum()
CUMULATED = np.cumsum(CHANCES)[:-1]
ENDLESS = 400_000
GRID = ((20, 5), (20, 10), (20, 20), (20, 40), (50, 10), (50, 20), (50, 40))
SMALL = ((5, 20), (10, 10), (10, 20))
MEASURES = ("percent", "ac1", "name_agreement")
Z = 1.959964


@dataclass(frozen=True)
class World:
    mean: float = 0.75
    careless: float = 0.08
    half: bool = False


FIRST = World()
WORLDS = {
    "no careless people": World(careless=0),
    "20 % careless": World(careless=0.2),
    "hard summaries": World(mean=0.4),
    "half of the summaries each": World(half=True),
}


@dataclass(frozen=True)
class Summaries:
    """Of each: the modal name, and the probability that an attentive person gives it outright."""

    modal: np.ndarray
    sure: np.ndarray


@dataclass(frozen=True)
class Seen:
    """One simulated study: the estimate, the intervals of it, and the truth for the same people."""

    value: float
    two_way: tuple[float, float]
    same_people: tuple[float, float]
    plain: tuple[float, float]
    truth_here: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 seconds on two cores")
    quick = parser.parse_args().quick
    sys.stdout.write(json.dumps(report(500 if quick else 2000, full=not quick)) + "\n")


def report(studies: int, full: bool) -> dict:
    first = {cell_name(cell): judge(FIRST, "alpha", cell, studies) for cell in track(GRID, "alpha")}
    found = {
        "grid": {cell: round(share / 100, 3) for cell, share in pick(first, "coverage").items()},
        "ms_100x50": round(time_pair(), 2),
        "plain": pick(first, "plain"),
        "summaries_only": pick(first, "summaries_only"),
        "width": pick(first, "width"),
        "plain_width": pick(first, "plain_width"),
        "oracle_width": pick(first, "oracle_width"),
        "same_people": pick(first, "same_people"),
        "truth": round(tell_truth(FIRST, "alpha"), 3),
        "studies": studies,
    }
    return found | (report_rest(studies) if full else {})


def report_rest(studies: int) -> dict:
    rows = {
        name: {cell_name(cell): judge(world, "alpha", cell, studies) for cell in track(GRID, name)}
        for name, world in WORLDS.items()
    }
    rows |= {
        name: {cell_name(cell): judge(FIRST, name, cell, studies) for cell in track(GRID, name)}
        for name in MEASURES
    }
    few = {cell_name(cell): judge(FIRST, "alpha", cell, studies) for cell in track(SMALL, "few")}
    return {
        "worlds": {name: find_lowest(rows[name]) for name in WORLDS},
        "measures": {name: find_lowest(rows[name]) for name in MEASURES},
        "few": pick(few, "coverage"),
        "rows": rows | {"few": few},
    }


def track(cells: Sequence[tuple[int, int]], words: str) -> Iterator[tuple[int, int]]:
    from tqdm import tqdm

    return iter(tqdm(cells, words))


def cell_name(cell: tuple[int, int]) -> str:
    return f"{cell[0]}x{cell[1]}"


def pick(cells: dict[str, dict], figure: str) -> dict[str, float]:
    return {name: cell[figure] for name, cell in cells.items()}


def find_lowest(cells: dict[str, dict]) -> float:
    return min(cell["coverage"] for name, cell in cells.items() if int(name.split("x")[1]) >= FEW)


def judge(world: World, measure: str, cell: tuple[int, int], studies: int) -> dict:
    rng = np.random.default_rng([2026, *cell])
    truth = tell_truth(world, measure)
    seen = [see(world, measure, cell, rng) for _ in range(studies)]
    here = [each for each in seen if each.truth_here is not None]
    found = {
        "coverage": hold(seen, "two_way", truth),
        "plain": hold(seen, "plain", truth),
        "summaries_only": hold(seen, "same_people", truth),
        "too_high": round(100 * float(np.mean([each.two_way[0] > truth for each in seen])), 1),
        "too_low": round(100 * float(np.mean([each.two_way[1] < truth for each in seen])), 1),
        "width": spread(seen, "two_way"),
        "plain_width": spread(seen, "plain"),
        "oracle_width": round(2 * Z * float(np.std([each.value for each in seen])), 3),
    }
    if here:
        held = [each.same_people[0] <= each.truth_here <= each.same_people[1] for each in here]
        found["same_people"] = round(100 * float(np.mean(held)), 1)
    return found


def hold(seen: Sequence[Seen], which: str, truth: float) -> float:
    limits = np.array([getattr(each, which) for each in seen])
    return round(100 * float(((limits[:, 0] <= truth) & (truth <= limits[:, 1])).mean()), 1)


def spread(seen: Sequence[Seen], which: str) -> float:
    limits = np.array([getattr(each, which) for each in seen])
    return round(float((limits[:, 1] - limits[:, 0]).mean()), 3)


def see(world: World, measure: str, cell: tuple[int, int], rng: np.random.Generator) -> Seen:
    codes, careless = simulate(world, *cell, rng)
    pair, left = intervals(measure, codes), delete(measure, tally(codes))
    variance = sum((len(each) - 1) * each.var() for each in (left.units, left.people))
    half = Z * float(np.sqrt(variance))
    here = measure == "alpha" and not world.half
    return Seen(
        left.value,
        limits_of(pair.two_way),
        limits_of(pair.same_people),
        (left.value - half, left.value + half),
        tell_truth_here(world, cell[1], careless) if here else None,
    )


def limits_of(interval: Interval) -> tuple[float, float]:
    if interval.low is None or interval.high is None:
        raise SystemExit(f"there is no interval: {interval.reason}")
    return interval.low, interval.high


# The world.


def draw_names(rng: np.random.Generator, shape: int | tuple[int, ...]) -> np.ndarray:
    return np.searchsorted(CUMULATED, rng.random(shape), side="right")


def draw_summaries(world: World, count: int, rng: np.random.Generator) -> Summaries:
    return Summaries(draw_names(rng, count), rng.beta(4 * world.mean, 4 * (1 - world.mean), count))


def simulate(world: World, summaries: int, people: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """A table of codes, and how many people were careless."""
    shown = draw_summaries(world, summaries, rng)
    sure = rng.random((summaries, people)) < shown.sure[:, None]
    sure[:, careless := rng.random(people) < world.careless] = False
    codes = np.where(sure, shown.modal[:, None], draw_names(rng, (summaries, people)))
    if world.half:
        unseen = rng.random((summaries, people)).argsort(0) < summaries // 2
        codes[unseen] = MISSING
    return codes, int(careless.sum())


@cache
def endless(world: World) -> Summaries:
    return draw_summaries(world, ENDLESS, np.random.default_rng(1))


@cache
def tell_truth(world: World, measure: str) -> float:
    return reckon(endless(world), 1 - world.careless, measure)


def reckon(all_of: Summaries, attentive: float, measure: str) -> float:
    """The measure of endless people, a share of whom is attentive, on all these summaries."""
    sure = all_of.sure * attentive
    given = shares(all_of, attentive)
    agreeing = agree(all_of.modal, sure, sure)
    if measure == "percent":
        return agreeing
    if measure == "name_agreement":
        modal = sure + (1 - sure) * CHANCES[all_of.modal]
        return float(np.maximum(modal, (1 - sure) * CHANCES[np.where(all_of.modal == 0, 1, 0)]).mean())
    squares = float((given**2).sum())
    chance = squares if measure == "alpha" else (1 - squares) / (NAMES - 1)
    return (agreeing - chance) / (1 - chance)


def shares(all_of: Summaries, attentive: float) -> np.ndarray:
    sure = all_of.sure * attentive
    return np.bincount(all_of.modal, sure, NAMES) / len(sure) + (1 - sure.mean()) * CHANCES


def agree(modal: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """How often two people give the same name who give the modal one outright this often."""
    by_chance = (one + other - 2 * one * other) * CHANCES[modal]
    return float((one * other + by_chance + (1 - one) * (1 - other) * (CHANCES**2).sum()).mean())


@cache
def tell_truth_here(world: World, people: int, careless: int) -> float:
    """Alpha of endless summaries and just these people."""
    all_of, attentive = endless(world), people - careless
    sure, never = all_of.sure, np.zeros_like(all_of.sure)
    pairs = np.array([attentive * (attentive - 1) / 2, attentive * careless, careless * (careless - 1) / 2])
    same = [agree(all_of.modal, *both) for both in ((sure, sure), (sure, never), (never, never))]
    chance = float((shares(all_of, attentive / people) ** 2).sum())
    return (float(pairs @ same) / pairs.sum() - chance) / (1 - chance)


def time_pair() -> float:
    rng = np.random.default_rng(0)
    codes, _ = simulate(FIRST, 100, 50, rng)
    codes[rng.random(codes.shape) < 0.1] = MISSING
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        intervals("alpha", codes)
        taken.append(time.perf_counter() - start)
    return 1000 * median(taken)


if __name__ == "__main__":
    main()
