"""Intervals of agreement: to other people and summaries, and to other summaries for these people."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, t

from study.agreement import coefficients
from study.agreement.codes import MISSING, Tally, tally
from study.agreement.coefficients import NO_ANSWERS, Estimate
from study.agreement.deletions import Deletions, delete

FEW = 10
ONE_PERSON = "one person alone cannot show how much people differ"
ONE_UNIT = "one summary alone cannot show how much summaries differ"


@dataclass(frozen=True)
class Interval:
    low: float | None
    high: float | None
    level: float
    reason: str = ""
    """Why there is none; "" where there is one."""
    warning: str = ""


@dataclass(frozen=True)
class Pair:
    two_way: Interval
    """To other people and other summaries."""
    same_people: Interval
    """To other summaries, as the same people would name them."""
    estimate: Estimate = Estimate(None, NO_ANSWERS)


def intervals(
    measure: str, codes: ArrayLike, *, level: float = 0.95, distance: ArrayLike | None = None
) -> Pair:
    """Both intervals of one of `deletions.MEASURES` over a table of codes (units by raters)."""
    table = np.asarray(codes)
    given = table != MISSING
    table = table[given.any(1)][:, given.any(0)]
    counted = tally(table)
    estimate = _estimate(measure, table, counted, distance)
    if estimate.value is None:
        nothing = Interval(None, None, level, estimate.reason)
        return Pair(nothing, nothing, estimate)
    return _combine(delete(measure, counted, distance), RANGES.get(measure, (0, 1)), level, estimate)


def jackknife(
    statistic: Callable[[NDArray[np.bool_], NDArray[np.bool_]], float | None],
    units: int,
    people: int,
    *,
    level: float = 0.95,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> Pair:
    """Both intervals of any statistic of the units and people that are kept (boolean masks)."""
    all_units, all_people = np.ones(units, bool), np.ones(people, bool)
    value = statistic(all_units, all_people)
    if value is None:
        nothing = Interval(None, None, level, NO_ANSWERS)
        return Pair(nothing, nothing, Estimate(None, NO_ANSWERS))
    without_units = [statistic(all_units & (np.arange(units) != each), all_people) for each in range(units)]
    without_people = [
        statistic(all_units, all_people & (np.arange(people) != each)) for each in range(people)
    ]
    left = Deletions(value, np.array(without_units, float), np.array(without_people, float))
    return _combine(left, within, level, Estimate(value))


def share(count: int, answers: int, level: float = 0.95) -> Interval:
    """Wilson's interval of a share of one summary's answers."""
    if not answers:
        return Interval(None, None, level, NO_ANSWERS)
    z, p = float(norm.ppf((1 + level) / 2)), count / answers
    middle = (p + z * z / (2 * answers)) / (1 + z * z / answers)
    half = z / (1 + z * z / answers) * sqrt(p * (1 - p) / answers + z * z / (4 * answers**2))
    return Interval(max(0.0, middle - half), min(1.0, middle + half), level)


RANGES: dict[str, tuple[float, float]] = {
    "alpha": (-1, 1),
    "alpha_distance": (-1, 1),
    "ac1": (-1, 1),
    "fleiss": (-1, 1),
    "h": (0, np.inf),
}

DIRECT = {
    "ac1": coefficients.gwet_ac1,
    "fleiss": coefficients.fleiss_kappa,
    "percent": coefficients.percent_agreement,
}


def _estimate(measure: str, table: NDArray[np.int64], counted: Tally, distance: ArrayLike | None) -> Estimate:
    if measure in ("alpha", "alpha_distance"):
        return coefficients.krippendorff_alpha(table, distance)
    if measure in DIRECT:
        return DIRECT[measure](table)
    if not len(counted.labels):
        return Estimate(None, NO_ANSWERS)
    value = delete(measure, counted, distance).value
    return Estimate(None, UNNAMED[measure]) if np.isnan(value) else Estimate(value)


UNNAMED = {
    "h": "nobody gave a name",
    "jaccard": "no summary was given names by two people",
    "name_agreement": NO_ANSWERS,
    "nothing": NO_ANSWERS,
    "cannot_tell": NO_ANSWERS,
}


def _combine(left: Deletions, within: tuple[float, float], level: float, estimate: Estimate) -> Pair:
    units, people = _variance(left.units), _variance(left.people)
    warning = f"fewer than {FEW} people: the interval may be too short" if len(left.people) < FEW else ""
    return Pair(
        _interval(left, units + people, min(len(left.units), len(left.people)), within, level, warning),
        _interval(left, units, len(left.units), within, level, ""),
        estimate,
    )


def _variance(values: NDArray[np.float64]) -> float:
    if len(values) < 2 or np.isnan(values).any():
        return float("nan")
    return float((len(values) - 1) * np.var(values))


def _interval(
    left: Deletions, variance: float, number: int, within: tuple[float, float], level: float, warning: str
) -> Interval:
    if np.isnan(variance):
        return Interval(None, None, level, ONE_PERSON if len(left.people) < 2 else ONE_UNIT)
    half = float(t.ppf((1 + level) / 2, number - 1)) * sqrt(variance)
    return Interval(max(within[0], left.value - half), min(within[1], left.value + half), level, "", warning)
