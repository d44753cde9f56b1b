"""Agreement over summaries: every measure with both intervals, at a layer of the names, for some people."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from study import naming
from study.agreement import NO_ANSWERS
from study.agreement.codes import MISSING, tally
from study.agreement.deletions import delete
from study.agreement.distances import between, jaccard
from study.agreement.intervals import Pair, intervals, jackknife
from study.agreement.shares import share_of
from study.findings.table import Table
from study.models import Stimulus

Codes = NDArray[np.int32]
LEVEL = 0.95
MEASURES = (
    "alpha",
    "alpha_distance",
    "ac1",
    "percent",
    "fleiss",
    "name_agreement",
    "h",
    "jaccard",
    "nothing",
    "cannot_tell",
)
NO_DECOYS = "nobody of these people answered a decoy"
FEW_DECOYS = 5


class Estimates:
    """Of one table. What is the same is measured once: layers that merging does not change, and all people
    where there is one condition."""

    def __init__(self, table: Table, layers: naming.Layers):
        self.table, self.layers = table, layers
        self._known: dict[tuple[Any, ...], dict[str, Any]] = {}

    def measures(self, layer: str, units: Sequence[int], people: Sequence[int]) -> dict[str, Any]:
        """Over these summaries, by the answers of these people (places in the table)."""
        shown = self.table.codes(layer, units=units, people=people)
        decoys = self.table.codes(layer, units=self.table.units(Stimulus.Kind.DECOY), people=people)
        codes, labels = _in_order(shown, self.table.labels[layer])
        found = {name: self._measure(name, layer, codes, labels) for name in MEASURES}
        return found | {"above_floor": above(shown, decoys)}

    def _measure(self, name: str, layer: str, codes: Codes, labels: tuple[str, ...]) -> dict[str, Any]:
        if name == "alpha_distance":
            return self._once(_by_distance, codes, self._apart(layer, labels))
        if name == "jaccard":
            return self._once(_by_words, codes, jaccard(labels))
        return self._once(lambda table: told(intervals(name, table, level=LEVEL)), codes, name=name)

    def _apart(self, layer: str, labels: tuple[str, ...]) -> NDArray[np.float64]:
        """Between names by what the coder decided: a name as typed counts as its mechanical form does."""
        steps = {"raw": (self.layers.mechanical, self.layers.merged), "mechanical": (self.layers.merged,)}

        def merged(label: str) -> str:
            for step in steps.get(layer, ()):
                label = step(label)
            return label

        return between(labels, merged, self.layers.code)

    def _once(self, measure: Any, *tables: NDArray[Any], name: str = "") -> dict[str, Any]:
        key = (name or measure.__name__, *((table.shape, _digest(table)) for table in tables))
        if key not in self._known:
            self._known[key] = measure(*tables)
        return self._known[key]


def _digest(table: NDArray[Any]) -> bytes:
    """Instead of the table, which is large where there are thousands of names."""
    return hashlib.sha256(np.ascontiguousarray(table)).digest()


def estimate(
    value: float | None,
    reason: str = "",
    two_way: list[float] | None = None,
    same_people: list[float] | None = None,
    warning: str = "",
) -> dict[str, Any]:
    """One number as it stands in a snapshot: undefined is None, with the reason in words."""
    return {
        "value": value,
        "reason": reason,
        "two_way": two_way,
        "same_people": same_people,
        "warning": warning,
    }


def told(pair: Pair) -> dict[str, Any]:
    """A number with both intervals; where there is none, the warning says why."""
    if pair.estimate.value is None:
        return estimate(None, pair.estimate.reason)
    spans = [
        None if one.low is None or one.high is None else [one.low, one.high]
        for one in (pair.two_way, pair.same_people)
    ]
    return estimate(pair.estimate.value, "", *spans, pair.two_way.warning or pair.two_way.reason)


def share(right: NDArray[np.bool_], given: NDArray[np.bool_], none: str) -> dict[str, Any]:
    """How many of the answers `given` (units by people) are `right`, with intervals over both; `none` says
    why there is no share where nothing was given."""
    return told(share_of(right, given, level=LEVEL)) if given.any() else estimate(None, none)


def above(codes: Codes, decoys: Codes) -> dict[str, Any]:
    """Name agreement on summaries less that on decoys, by the same people (columns), with intervals over
    summaries and decoys together. The variance is a little too large rather than too small."""
    asked = (codes != MISSING).any(0)
    if not asked.any():
        return estimate(None, NO_ANSWERS)
    codes, decoys = (one[(one[:, asked] != MISSING).any(1)][:, asked] for one in (codes, decoys))
    if not len(decoys):
        return estimate(None, NO_DECOYS)
    of, floor = (delete("name_agreement", tally(one)) for one in (codes, decoys))
    units = np.concatenate([of.units - floor.value, of.value - floor.units])
    people = of.people - floor.people

    def left(rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> float:
        if not rows.all():
            return float(units[np.argmin(rows)])
        return of.value - floor.value if columns.all() else float(people[np.argmin(columns)])

    found = told(jackknife(left, len(units), len(people), level=LEVEL, within=(-1, 1)))
    few = f"fewer than {FEW_DECOYS} decoys: the guess floor is uncertain" if len(decoys) < FEW_DECOYS else ""
    return found | {"warning": found["warning"] or few}


def _in_order(codes: Codes, labels: Sequence[str]) -> tuple[Codes, tuple[str, ...]]:
    """Without people and summaries that have no answers; the names numbered as they first come."""
    given = codes != MISSING
    codes = codes[given.any(1)][:, given.any(0)]
    names, first = np.unique(codes[codes >= 0], return_index=True)
    names = names[np.argsort(first)]
    number = np.zeros(len(labels) + 3, np.int32)
    number[names] = np.arange(len(names))
    return np.where(codes >= 0, number[codes], codes), tuple(labels[one] for one in names)


def _by_distance(codes: Codes, apart: NDArray[np.float64]) -> dict[str, Any]:
    return told(intervals("alpha_distance", codes, level=LEVEL, distance=apart))


def _by_words(codes: Codes, apart: NDArray[np.float64]) -> dict[str, Any]:
    return told(intervals("jaccard", codes, level=LEVEL, distance=apart))
