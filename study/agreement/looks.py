"""Looks at an estimate while answers still come: what was declared beforehand, and which level each look has.

Who looks often enough sees chance pass any bound. So the looks are declared, and the chance of a false claim
at any of them together stays within the declared level: each look spends a share of it, by the participants
at hand (Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials"), so that a look a little
later than planned stays valid. The interval of a look is wider than the usual one by what it may spend.

The boundaries take a look's estimate to be as closely tied to the one before as the means of independent
participants are. The summaries, which are the same at every look, tie them closer still, which can only make
false claims rarer.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import e, log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from study.agreement.intervals import FEW, Interval

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
SHARING = {
    BONFERRONI: "Bonferroni's correction",
    OBRIEN_FLEMING: "a spending function of the O'Brien-Fleming type",
    POCOCK: "a spending function of the Pocock type",
}
GO_ON, REACHED, FUTILE = "go on", "reached", "futile"

POINTS = 401
"""Of the grid on which the paths that have not crossed are followed: boundaries are right to four digits."""
FARTHEST = 8.0
"""Standard errors beyond which nothing is left."""


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


def written(declaration: Declaration) -> dict[str, Any]:
    """For JSON."""
    return asdict(declaration) | {"at": list(declaration.at)}


def words(declaration: Declaration) -> list[str]:
    """The declaration in sentences."""
    aims = {
        PRECISION: f"half the width of its interval is at most {declaration.value:g}",
        BOUND: f"its interval lies above {declaration.value:g}",
    }
    at = ", ".join(map(str, declaration.at))
    return [
        f"Looks at the estimate are taken at {at} participants who completed the study and are not excluded, "
        "or a little later. In between it is hidden.",
        f"What is looked at is {MEASURES[declaration.measure]} of the {LAYER_WORDS[declaration.layer]}, over "
        "participants and summaries. The aim is that " + aims[declaration.aim] + ".",
        f"All looks together keep a confidence of {1 - declaration.level:.0%}; they share what may go wrong "
        f"by {SHARING[declaration.correction]}.",
    ]


def warnings(declaration: Declaration) -> list[str]:
    """What researchers may regret of a declaration, in sentences."""
    told = []
    if declaration.at[0] < FEW:
        told.append(
            f"The first look is at {declaration.at[0]} participants; under {FEW} an interval may be too "
            "short, so that look may claim too much."
        )
    if declaration.aim == PRECISION and declaration.correction == OBRIEN_FLEMING and len(declaration.at) > 1:
        told.append(
            "O'Brien-Fleming makes the intervals of early looks very wide, so that a precision is hardly "
            "reached before the last look."
        )
    return told


def number_at(declaration: Declaration, participants: int) -> int:
    """The last declared look that so many participants suffice for; 0 for none."""
    return bisect_right(declaration.at, participants)


def level_at(declaration: Declaration, taken: Sequence[int]) -> float:
    """What the last of these looks may spend: its interval has the level 1 less this, both sides together.

    `taken`: the participants at each declared look so far, this one last, ascending. A look that was left
    out spends nothing, and what it had goes to the next.
    """
    one_sided = [each / 2 for each in increments(declaration, taken)]
    if declaration.correction == BONFERRONI:
        return 2 * one_sided[-1]
    return float(2 * norm.sf(boundaries(one_sided, taken)[-1]))


def increments(declaration: Declaration, taken: Sequence[int]) -> list[float]:
    """What each look spends, both sides together; over all declared looks they sum to the level."""
    until = [_spent(declaration, participants) for participants in taken]
    return [after - before for before, after in zip([0.0, *until], until, strict=False)]


def boundaries(spends: Sequence[float], times: Sequence[float]) -> list[float]:
    """By how many standard errors the estimate has to lie above the bound at each look, so that without any
    effect the chance to do so first at look k is `spends[k]`. `times`: information, in any unit, ascending.

    By recursive numerical integration (Armitage, McPherson and Rowe 1969): the density of the score at look
    k, among those that have crossed none of the boundaries before, is carried to look k + 1.
    """
    found: list[float] = []
    scores, weights = np.zeros(1), np.ones(1)
    before = 0.0
    for spend, time in zip(spends, times, strict=True):
        step = sqrt(time - before)
        edge = _edge(spend, scores, weights, step, time)
        found.append(edge / sqrt(time))
        scores, weights = _carry(scores, weights, step, edge, time)
        before = time
    return found


def crossing(levels: Sequence[float], times: Sequence[float]) -> float:
    """The chance that a score without any effect lies above these boundaries (in standard errors) at one of
    the looks or more."""
    scores, weights = np.zeros(1), np.ones(1)
    before = 0.0
    for level, time in zip(levels, times, strict=True):
        scores, weights = _carry(scores, weights, sqrt(time - before), level * sqrt(time), time)
        before = time
    return float(1 - weights.sum())


def decide(declaration: Declaration, interval: Interval) -> str:
    """What the declared aim says of the interval of a look: GO_ON, REACHED or FUTILE."""
    if interval.low is None or interval.high is None:
        return GO_ON
    if declaration.aim == PRECISION:
        return REACHED if (interval.high - interval.low) / 2 <= declaration.value else GO_ON
    if interval.low > declaration.value:
        return REACHED
    return FUTILE if interval.high < declaration.value else GO_ON


def _spent(declaration: Declaration, participants: int) -> float:
    """What all looks up to so many participants spend together."""
    if declaration.correction == BONFERRONI:
        return declaration.level * number_at(declaration, participants) / len(declaration.at)
    fraction = min(participants / declaration.at[-1], 1.0)
    if declaration.correction == POCOCK:
        return declaration.level * log(1 + (e - 1) * fraction)
    return float(4 * norm.sf(norm.isf(declaration.level / 4) / sqrt(fraction)))


def _edge(
    spend: float, scores: NDArray[np.float64], weights: NDArray[np.float64], step: float, time: float
) -> float:
    """The score above which lies `spend` of those that came so far."""
    top = FARTHEST * sqrt(time)

    def excess(edge: float) -> float:
        return float(weights @ norm.sf((edge - scores) / step)) - spend

    return top if excess(top) >= 0 else float(brentq(excess, -top, top, xtol=1e-10))


def _carry(
    scores: NDArray[np.float64], weights: NDArray[np.float64], step: float, edge: float, time: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The scores below the edge after one more step, and their weights, by Simpson's rule."""
    low = -FARTHEST * sqrt(time)
    grid = np.linspace(low, max(edge, low + 1e-9), POINTS)
    simpson = np.where(np.arange(POINTS) % 2, 4.0, 2.0)
    simpson[[0, -1]] = 1
    density = norm.pdf((grid[:, None] - scores) / step) @ weights / step
    return grid, density * simpson * (grid[1] - grid[0]) / 3
