"""What is measured of one stimulus: the names that it was given, and how long that took."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from study.agreement import NO_ANSWERS, NO_NAMES
from study.agreement.codes import CANNOT, NOTHING
from study.agreement.distances import jaccard
from study.agreement.intervals import share
from study.agreement.naming import count_unseen, h_statistic
from study.findings.estimates import LEVEL, estimate
from study.findings.table import NAMED, Table
from study.models import Stimulus


def rows(table: Table) -> list[dict[str, Any]]:
    """Of every stimulus, in the study's order."""
    order = np.argsort(table.unit, kind="stable")
    starts = np.searchsorted(table.unit[order], np.arange(len(table.stimuli) + 1))
    own = [order[start:end] for start, end in zip(starts, starts[1:], strict=False)]
    return [_row(table, stimulus, given) for stimulus, given in zip(table.stimuli, own, strict=True)]


def _row(table: Table, stimulus: Stimulus, given: NDArray[np.intp]) -> dict[str, Any]:
    kinds = Counter(table.kind[given].tolist())
    return {
        "id": stimulus.pk,
        "position": stimulus.position,
        "kind": stimulus.kind,
        "condition": stimulus.condition.name if stimulus.condition else "",
        "group": stimulus.group,
        "title": stimulus.title,
        "exhibit": stimulus.exhibit,
        "answers": len(given),
        "stopped": stimulus.stop_reason if stimulus.stopped_at else "",
        "saved": stimulus.answers_saved,
        "removed": stimulus.removed_at is not None,
        "layers": {layer: _names(table, layer, given) for layer in table.name},
        "nothing": kinds[NOTHING] / len(given) if len(given) else None,
        "cannot_tell": kinds[CANNOT] / len(given) if len(given) else None,
        "seconds": _seconds(table.seconds[given]),
    }


def _names(table: Table, layer: str, given: NDArray[np.intp]) -> dict[str, Any]:
    named = table.name[layer][given[table.kind[given] == NAMED]]
    numbers, counts = np.unique(named, return_counts=True)
    names = Counter(dict(zip((table.labels[layer][one] for one in numbers), counts.tolist(), strict=True)))
    most = max(names.values(), default=0)
    return {
        "modal": sorted(name for name, count in names.items() if count == most),
        "count": most,
        "share": _share(most, len(given)),
        "h": h_statistic(names),
        "jaccard": _jaccard(names),
        "distinct": len(names),
        "unseen": count_unseen(names),
        "names": [[name, count] for name, count in sorted(names.items(), key=lambda one: (-one[1], one[0]))],
    }


def _share(count: int, answers: int) -> dict[str, Any]:
    """With Wilson's interval, which speaks of other people for the same stimulus."""
    if not count:
        return estimate(None, NO_NAMES if answers else NO_ANSWERS)
    told = share(count, answers, LEVEL)
    return estimate(count / answers, two_way=[told.low, told.high], warning=told.warning)


def _jaccard(names: Counter[str]) -> float | None:
    """As `study.agreement.naming.mean_jaccard`, for very many names."""
    given = names.total()
    if given < 2:
        return None
    counts = np.array(list(names.values()), float)
    alike = 1 - jaccard(list(names))[:-2, :-2]
    return float((counts @ alike @ counts - given) / (given * (given - 1)))


def _seconds(seconds: NDArray[np.float64]) -> dict[str, Any]:
    known = seconds[~np.isnan(seconds)]
    if not len(known):
        return {"median": None, "quartiles": None, "n": 0}
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75]).tolist()
    return {"median": middle, "quartiles": [low, high], "n": len(known)}
