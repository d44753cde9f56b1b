"""Looks at an estimate while answers still come: what was declared beforehand, and which level each look has.

Who looks often enough sees chance pass any bound. So the looks are declared, and the chance of a false claim
at any of them together stays within the declared level: each look spends a share of it, by the participants
at hand (Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials"). The interval of a look is
wider than the usual one by what it may spend.

The boundaries assume that a look's estimate is as closely tied to the one before as the mean of independent
participants is. The summaries, which are the same at every look, tie them closer, so that less is spent than
these boundaries allow, never more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MEASURES = {
    "alpha": "Krippendorff's alpha",
    "ac1": "Gwet's AC1",
    "percent": "percent agreement",
    "name_agreement": "name agreement",
}
LAYER_WORDS = {"raw": "names as typed", "mechanical": "names in their usual form", "merged": "merged names"}
PRECISION, BOUND = "precision", "bound"
BONFERRONI, OBRIEN_FLEMING, POCOCK = "bonferroni", "obrien-fleming", "pocock"
CORRECTIONS = {BONFERRONI: "Bonferroni", OBRIEN_FLEMING: "O'Brien-Fleming", POCOCK: "Pocock"}


@dataclass(frozen=True)
class Declaration:
    measure: str
    layer: str
    aim: str
    """PRECISION: half the interval's width is at most `value`. BOUND: its lower limit is above `value`."""
    value: float
    at: tuple[int, ...]
    """Participants at each look, ascending."""
    level: float = 0.05
    """Of all looks together, both sides."""
    correction: str = OBRIEN_FLEMING


def read(looks: Mapping[str, Any]) -> Declaration | None:
    """What a study's `looks` declare, as `written` writes it; None where they declare no look."""
    if not looks.get("at"):
        return None
    known = {name: looks[name] for name in Declaration.__dataclass_fields__ if name in looks}
    return Declaration(**known | {"at": tuple(looks["at"])})
