"""Intervals of agreement: to other people and other summaries, and to other summaries for the same people.

Participants are a sample as the summaries are, so the first interval adds the delete-one jackknife's variance
over people to that over summaries (the interaction of both, which is in each, is not taken off again: that
errs to the safe side). Its quantile is Student's t with Satterthwaite's degrees of freedom (1946), and Hall's
transformation (1992) follows the skewness over summaries. With very few summaries Satterthwaite's degrees may
be so many more than theirs alone that both variances gave less than the one: then the wider limit stands.

What resampling of any kind cannot see is the careless person who by chance is not among ten. So one further
person is imagined, one of those who agree with nobody, and on the side to which they would move the measure
the variance over people is that with them. The estimate itself stays as it is. `benchmarks/coverage.py` holds
what this does to coverage and width against the plain jackknife.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log2, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit
from scipy.stats import norm

from study.agreement import coefficients
from study.agreement.codes import MISSING, Tally, tally
from study.agreement.coefficients import NO_ANSWERS, Estimate
from study.agreement.deletions import Deletions, delete

FEW = 10
FEW_PEOPLE = f"fewer than {FEW} people answered, so that who happened to take part weighs heavily"
ONE_PERSON = "one person alone cannot show how much people differ"
ONE_UNIT = "one summary alone cannot show how much summaries differ"
ALL_SAME = "the estimate is the same without any of the summaries, so how much they differ cannot be judged"
RESTS_ON_PERSON = "without one of the people there is no estimate, so how much people differ cannot be judged"
RESTS_ON_UNIT = (
    "without one of the summaries there is no estimate, so how much summaries differ cannot be judged"
)
UNDEFINED = "the measure is not defined for these answers"
NO_VALUE = {
    "h": "nobody gave a name",
    "jaccard": "no summary was given names by two people",
}
RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("alpha", "alpha_distance", "ac1", "fleiss"), (-1.0, 1.0)),
    "h": (0.0, inf),
}
"""Of all others: 0 to 1."""
TINY = 1e-18
OF_PAIRS = ("alpha", "alpha_distance", "ac1", "fleiss", "percent", "jaccard")
DIRECT = {
    "ac1": coefficients.gwet_ac1,
    "fleiss": coefficients.fleiss_kappa,
    "percent": coefficients.percent_agreement,
}


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


@dataclass(frozen=True)
class _Way:
    """One source of variation: the variance of the estimate that it causes, and its degrees of freedom."""

    variance: float
    freedom: float


def intervals(
    measure: str, codes: ArrayLike, *, level: float = 0.95, distance: ArrayLike | None = None
) -> Pair:
    """The estimate and both intervals of one of `deletions.MEASURES` over a table of codes.

    Units and people without any answer do not count. `distance` as `krippendorff_alpha` takes it; for
    "jaccard" it is that of `distances.jaccard`.
    """
    table = np.asarray(codes, dtype=np.int64)
    given = table != MISSING
    table = table[given.any(1)][:, given.any(0)]
    counted = tally(table)
    estimate = _estimate(measure, table, counted, distance)
    if estimate.value is None:
        return _none(estimate.reason, level)
    imagined = _imagine(measure, estimate.value, table.shape[1])
    return _combine(delete(measure, counted, distance), imagined, RANGES.get(measure, (0.0, 1.0)), level)


def jackknife(
    statistic: Callable[[NDArray[np.bool_], NDArray[np.bool_]], float | None],
    units: int,
    people: int,
    *,
    level: float = 0.95,
    within: tuple[float, float] = (-inf, inf),
    imagined: tuple[float, ...] = (),
) -> Pair:
    """Both intervals of any statistic of the units and the people that are kept (boolean masks).

    `imagined` are pseudo-values of one further, careless person, whichever moves the estimate further to a
    side: for a mean over people their own value, for a mean over pairs of people twice their pairs' less the
    estimate. Without any, nobody is imagined.
    """
    kept = [np.ones(number, dtype=bool) for number in (units, people)]
    value = statistic(*kept)
    if value is None:
        return _none(UNDEFINED, level)
    without = [np.full(number, np.nan) for number in (units, people)]
    for way, left in zip(kept, without, strict=True):
        for each in range(len(way)):
            way[each] = False
            found = statistic(kept[0].copy(), kept[1].copy())
            way[each] = True
            left[each] = np.nan if found is None else found
    return _combine(Deletions(float(value), *without), imagined, within, level)


def share(count: int, answers: int, level: float = 0.95) -> Interval:
    """Wilson's interval (1927) of a share of one summary's answers: to other people."""
    if not answers:
        return Interval(None, None, level, NO_ANSWERS)
    z, p = float(norm.ppf((1 + level) / 2)), count / answers
    middle = (p + z * z / (2 * answers)) / (1 + z * z / answers)
    half = z / (1 + z * z / answers) * sqrt(p * (1 - p) / answers + z * z / (4 * answers**2))
    return Interval(max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half)), level)


def _none(reason: str, level: float) -> Pair:
    nothing = Interval(None, None, level, reason)
    return Pair(nothing, nothing, Estimate(None, reason))


def _estimate(measure: str, table: NDArray[np.int64], counted: Tally, distance: ArrayLike | None) -> Estimate:
    if measure in ("alpha", "alpha_distance"):
        return coefficients.krippendorff_alpha(table, distance)
    if measure in DIRECT:
        return DIRECT[measure](table)
    if not len(counted.labels):
        return Estimate(None, NO_ANSWERS)
    value = delete(measure, counted, distance).value
    return Estimate(None, NO_VALUE[measure]) if np.isnan(value) else Estimate(value)


def _imagine(measure: str, value: float, people: int) -> tuple[float, ...]:
    """The pseudo-value of one further person who agrees with nobody. Of who saw nothing in common, or could
    not tell: of one who always says so, and of one who never does."""
    if measure in OF_PAIRS:
        return (-value,)
    if measure == "h":  # whose names nobody else gives
        return (log2(people + 1) + people * log2((people + 1) / people),)
    return (0.0,) if measure == "name_agreement" else (0.0, 1.0)


def _combine(left: Deletions, imagined: tuple[float, ...], within: tuple[float, float], level: float) -> Pair:
    units, people = _way(left.units), _way(left.people)
    skewness = _third_moment(left)
    low, high = _limits(left.value, [units, people], skewness, level)
    for one in imagined:
        wide = _limits(left.value, [units, _way_with(left, one)], skewness, level)
        low, high = (min(low, wide[0]), high) if one < left.value else (low, max(high, wide[1]))
    no_units = _lacks(left.units, ONE_UNIT, RESTS_ON_UNIT)
    nothing = _lacks(left.people, ONE_PERSON, RESTS_ON_PERSON) or no_units
    alone = _limits(left.value, [units], skewness, level)
    low, high = min(low, alone[0]), max(high, alone[1])
    warning = FEW_PEOPLE if len(left.people) < FEW else ""
    return Pair(
        _interval((low, high), within, level, nothing, warning),
        _interval(alone, within, level, no_units),
        Estimate(left.value),
    )


def _way(without: NDArray[np.float64]) -> _Way:
    """From the values without each: the jackknife's variance."""
    number = len(without)
    return _Way((number - 1) * float(without.var()) if number > 1 else np.nan, number - 1)


def _way_with(left: Deletions, imagined: float) -> _Way:
    """Over people, from their pseudo-values and that of one who is imagined beside them."""
    number = len(left.people)
    values = np.append(number * left.value - (number - 1) * left.people, imagined)
    return _Way(float(values.var(ddof=1)) / (number + 1), number - 1)


def _third_moment(left: Deletions) -> float:
    """The third central moment of the estimate over units, from their pseudo-values."""
    number = len(left.units)
    if number < 3:
        return 0.0
    apart = (number - 1) * (left.units.mean() - left.units)
    return float((apart**3).sum()) / ((number - 1) * (number - 2) * number)


def _limits(value: float, ways: list[_Way], third_moment: float, level: float) -> tuple[float, float]:
    """By Hall's transformation, whose inverse is taken at both quantiles of t."""
    variance = sum(way.variance for way in ways)
    if not variance > TINY:
        return value, value
    freedom = variance**2 / sum(way.variance**2 / way.freedom for way in ways)
    quantile, skewness = float(stdtrit(freedom, (1 + level) / 2)), third_moment / variance**1.5
    low, high = (value - sqrt(variance) * _untransform(z, skewness) for z in (quantile, -quantile))
    return low, high


def _untransform(z: float, skewness: float) -> float:
    """x of z = x + s x^2 / 3 + s^2 x^3 / 27 + s / 6."""
    if abs(skewness) < 1e-6:
        return z
    return 3 / skewness * (float(np.cbrt(1 + skewness * (z - skewness / 6))) - 1)


def _lacks(without: NDArray[np.float64], alone: str, rests_on_one: str) -> str:
    if len(without) < 2:
        return alone
    return rests_on_one if np.isnan(without).any() else ""


def _interval(
    limits: tuple[float, float], within: tuple[float, float], level: float, reason: str, warning: str = ""
) -> Interval:
    low, high = limits
    if reason or low == high:
        return Interval(None, None, level, reason or ALL_SAME)
    return Interval(max(within[0], low), min(within[1], high), level, "", warning)
