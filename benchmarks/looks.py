"""False stops: how often looking again and again claims more agreement than there is, and what looks save.

    python benchmarks/looks.py [--quick]

The first world of benchmarks/coverage.py (30 names by Zipf's law, 8 % careless people), with 20 and with 50
summaries. The bound that a study wants to pass is the true alpha itself, so every claim to lie above it is
false. There is a look every 5 participants from 10 to 40: seven looks, and a study stops at the first whose
interval lies above the bound. A level of 95 % on two sides allows 2.5 % of that.

`false_stops`, in percent, by summaries: `same_people` looks each time at the 95 % interval that takes the
people for fixed, `plain` at the two-way jackknife of books, `two_way` at the platform's; `bonferroni`,
`obrien-fleming` and `pocock` at the platform's, by the level that a declaration with this correction leaves
the look; `one_look` only at the end. `late`: the same corrections where every look but the last comes two
participants late. `error` is the standard error of a rate of 2.5 % with so many studies.

`power`, in percent, and `participants`, the mean number at the stop (40 without one): the same where the
bound lies .25 below the true alpha; what looks save of 40 participants, and what the corrections cost.

`stopping`: single summaries with 40 answers aimed at, judged after each answer from the tenth on as a study
with the usual rule does (chance of the lead above .99). `kept`: in percent, how many of those stopped would
have had the same modal name after 40; `futile_wrong`: how many of those given up would have had a name given
by half; `saved`: of all answers, how many were not needed.

The last line is one JSON object. --quick simulates fewer studies.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from benchmarks.coverage import FIRST, Z, simulate, tell_truth  # noqa: E402
from study.agreement import looks, stopping  # noqa: E402
from study.agreement.codes import CANNOT, NOTHING, tally  # noqa: E402
from study.agreement.deletions import delete  # noqa: E402
from study.agreement.intervals import intervals  # noqa: E402
from study.agreement.looks import Declaration  # noqa: E402

AT = (10, 15, 20, 25, 30, 35, 40)
LATE = (12, 17, 22, 27, 32, 37, 40)
LOWER = 0.25
UNITS = (20, 50)
USUAL = 0.05


@dataclass(frozen=True)
class Plan:
    """Which participants each look sees, and what it may spend, both sides together."""

    at: tuple[int, ...]
    spends: tuple[float, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 seconds on two cores")
    studies = 100 if parser.parse_args().quick else 2000
    sys.stdout.write(json.dumps(report(studies)) + "\n")


def report(studies: int) -> dict:
    found = {f"{units}": watch(units, studies) for units in UNITS}
    return {
        key: {units: each[key] for units, each in found.items()}
        for key in ("false_stops", "late", "power", "participants")
    } | {
        "error": round(100 * float(np.sqrt(0.025 * 0.975 / studies)), 2),
        "studies": studies,
        "truth": round(tell_truth(FIRST, "alpha"), 3),
        "stopping": watch_summaries(max(studies // 40, 2)),
    }


def watch(units: int, studies: int) -> dict[str, dict[str, float]]:
    """All rules over the same simulated studies."""
    from tqdm import tqdm

    rng, truth = np.random.default_rng([2026, units]), tell_truth(FIRST, "alpha")
    on_time = {name: plan(name, AT) for name in looks.CORRECTIONS}
    on_time |= {"two_way": Plan(AT, (USUAL,) * len(AT)), "one_look": Plan(AT[-1:], (USUAL,))}
    late = {name: plan(name, LATE) for name in looks.CORRECTIONS}
    lows: dict[str, list[list[float]]] = {name: [] for name in ("same_people", "plain", *on_time)}
    lows_late: dict[str, list[list[float]]] = {name: [] for name in late}
    for _ in tqdm(range(studies), f"{units} summaries"):
        codes, _ = simulate(FIRST, units, AT[-1], rng)
        for name, each in on_time.items():
            lows[name].append(limits(codes, each))
        for name, each in late.items():
            lows_late[name].append(limits(codes, each))
        lows["same_people"].append([low_of_same_people(codes[:, :people]) for people in AT])
        lows["plain"].append([low_of_books(codes[:, :people]) for people in AT])
    judged = {name: np.array(values) for name, values in lows.items()}
    at = {name: on_time[name].at if name in on_time else AT for name in judged}
    return {
        "false_stops": {name: percent(values > truth) for name, values in judged.items()},
        "late": {name: percent(np.array(values) > truth) for name, values in lows_late.items()},
        "power": {name: percent(judged[name] > truth - LOWER) for name in on_time},
        "participants": {name: spent(judged[name] > truth - LOWER, at[name]) for name in on_time},
    }


def plan(correction: str, at: tuple[int, ...]) -> Plan:
    declaration = Declaration("alpha", "mechanical", looks.BOUND, 0.0, AT, USUAL, correction)
    return Plan(at, tuple(looks.level_at(declaration, at[: look + 1]) for look in range(len(at))))


def limits(codes: np.ndarray, each: Plan) -> list[float]:
    """The lower limit at each look."""
    pairs = zip(each.at, each.spends, strict=True)
    return [
        known(intervals("alpha", codes[:, :people], level=1 - spend).two_way.low) for people, spend in pairs
    ]


def low_of_same_people(codes: np.ndarray) -> float:
    return known(intervals("alpha", codes).same_people.low)


def low_of_books(codes: np.ndarray) -> float:
    left = delete("alpha", tally(codes))
    return left.value - Z * float(
        np.sqrt(sum((len(each) - 1) * each.var() for each in (left.units, left.people)))
    )


def known(low: float | None) -> float:
    return -1.0 if low is None else low


def percent(stops: np.ndarray) -> float:
    return round(100 * float(stops.any(axis=1).mean()), 2)


def spent(stops: np.ndarray, at: Sequence[int]) -> float:
    """Participants at the first stop, on average."""
    first = np.where(stops.any(axis=1), stops.argmax(axis=1), len(at) - 1)
    return round(float(np.asarray(at)[first].mean()), 1)


def watch_summaries(studies: int) -> dict[str, float]:
    rng, rule = np.random.default_rng(2026), stopping.Rule()
    ends = []
    for _ in range(studies):
        codes, _ = simulate(FIRST, 20, AT[-1], rng)
        ends += [follow(row, rule) for row in codes]
    stopped = [kept for decision, kept, _ in ends if decision == stopping.STOP]
    futile = [kept for decision, kept, _ in ends if decision == stopping.FUTILE]
    return {
        "summaries": len(ends),
        "stopped": round(100 * len(stopped) / len(ends), 1),
        "kept": round(100 * float(np.mean(stopped)), 2) if stopped else 100.0,
        "futile": round(100 * len(futile) / len(ends), 1),
        "futile_wrong": round(100 * float(np.mean(futile)), 2) if futile else 0.0,
        "saved": round(100 * sum(saved for *_, saved in ends) / (len(ends) * AT[-1]), 1),
    }


def follow(row: np.ndarray, rule: stopping.Rule) -> tuple[str, bool, int]:
    """The decision on one summary, whether what it foretells came true (for futile: whether it was wrong),
    and the answers saved."""
    for given in range(rule.least, len(row)):
        names, others = told(row[:given])
        verdict = stopping.judge(names, others, len(row), rule)
        if verdict.decision == stopping.STOP:
            return verdict.decision, names.most_common(1)[0][0] == leader(row), verdict.saved
        if verdict.decision == stopping.FUTILE:
            most = max(told(row)[0].values(), default=0)
            return verdict.decision, most >= rule.share * len(row), verdict.saved
    return stopping.GO_ON, True, 0


def told(row: np.ndarray) -> tuple[Counter[str], int]:
    others = int(np.isin(row, (NOTHING, CANNOT)).sum())
    return Counter(str(name) for name in row if name >= 0), others


def leader(row: np.ndarray) -> str:
    names, _ = told(row)
    ranked = names.most_common(2)
    return ranked[0][0] if len(ranked) < 2 or ranked[0][1] > ranked[1][1] else ""


if __name__ == "__main__":
    main()
