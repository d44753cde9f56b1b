"""The planted checks: the guess floor by decoys, self-consistency by repeats, attention by gold."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from study import naming
from study.agreement import LAYERS
from study.agreement.codes import MISSING
from study.findings.estimates import share
from study.findings.table import Table
from study.models import Stimulus

NO_DECOYS = "nobody answered a decoy"
NO_REPEATS = "nobody answered both a summary and its repeat"
NO_GOLD = "nobody answered gold"


def floor(table: Table) -> dict[str, Any]:
    """How often a name was given where nothing was in common."""
    codes = table.codes("raw", units=table.units(Stimulus.Kind.DECOY))
    given = codes != MISSING
    return _counted("decoys", given) | {"named": share(codes >= 0, given, NO_DECOYS)}


def consistency(table: Table) -> dict[str, Any]:
    """How often the same person answered a summary and its repeat alike; a pair is one person's."""
    place = {one.pk: index for index, one in enumerate(table.stimuli)}
    repeats = [one for one in table.units(Stimulus.Kind.REPEAT) if table.stimuli[one].source_id in place]
    sources = [place[table.stimuli[one].source_id] for one in repeats]
    same, pairs = {}, 0
    for layer in LAYERS:
        first, again = table.codes(layer, units=sources), table.codes(layer, units=repeats)
        both = (first != MISSING) & (again != MISSING)
        same[layer], pairs = share(first == again, both, NO_REPEATS), int(both.sum())
    return {"pairs": pairs, "same": same}


def attention(table: Table, layers: naming.Layers) -> dict[str, Any]:
    """How often gold was given an accepted name, both in their mechanical form."""
    gold = table.units(Stimulus.Kind.GOLD)
    codes = table.codes("mechanical", units=gold)
    number = {label: index for index, label in enumerate(table.labels["mechanical"])}
    right = np.zeros(codes.shape, bool)
    for row, one in enumerate(gold):
        right[row] = np.isin(codes[row], _numbers(table.stimuli[one].accepted, number, layers))
    given = codes != MISSING
    return _counted("gold", given) | {"right": share(right, given, NO_GOLD)}


def _numbers(accepted: Iterable[str], number: dict[str, int], layers: naming.Layers) -> list[int]:
    names = {layers.mechanical(name) for name in accepted}
    return [number[name] for name in names if name in number]


def _counted(name: str, given: NDArray[np.bool_]) -> dict[str, int]:
    """How many of these stimuli were answered, and how often."""
    return {name: int(given.any(1).sum()), "answers": int(given.sum())}
