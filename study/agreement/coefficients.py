"""Coefficients of agreement over a table of codes (units by raters; see `study.agreement.codes`).

Krippendorff's alpha (2011, "Computing Krippendorff's alpha-reliability"), Gwet's AC1 (2008),
Fleiss' kappa (1971), Cohen's kappa (1960) and Scott's pi (1955) of two raters, and the plain share of pairs
that agree. What is undefined is None with the reason in words; never 0 and never NaN.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from study.agreement.codes import Tally, choose, tally

NO_ANSWERS = "no answers yet"
NO_PAIRS = "no summary was answered by two people"
ONE_CATEGORY = (
    "everybody gave one and the same answer everywhere, so agreement beyond chance cannot be judged"
)
NO_DISTANCE = "all answers are at no distance from each other, so agreement beyond chance cannot be judged"
INCOMPLETE = "not every summary has the same number of answers"
NO_COMMON_UNITS = "the two answered no summary in common"


@dataclass(frozen=True)
class Estimate:
    value: float | None
    reason: str = ""
    """Why `value` is undefined; "" where it is defined."""


def percent_agreement(codes: ArrayLike) -> Estimate:
    """The share of equal pairs of answers to a summary, as a mean over summaries with two answers or more."""
    counted = tally(codes)
    if reason := _lacks_pairs(counted):
        return Estimate(None, reason)
    return Estimate(float(_agreeing(counted).mean()))


def krippendorff_alpha(codes: ArrayLike, distance: ArrayLike | None = None) -> Estimate:
    """Alpha: one less observed over expected disagreement; nominal, or by `distance`.

    `distance` (L+2, L+2) holds Krippendorff's delta squared as it stands, for the names 0..L-1, then NOTHING,
    then CANNOT: symmetric, 0 on the diagonal. Only summaries with two or more answers count.
    """
    counted = tally(codes)
    if reason := _lacks_pairs(counted):
        return Estimate(None, reason)
    counts = counted.counts[counted.answers > 1]
    apart = None if distance is None else choose(distance, counted.labels)
    answers, totals = counts.sum(1), counts.sum(0, keepdims=True)
    observed = float((_differences(counts, apart) / (answers - 1)).sum())
    expected = float(_differences(totals, apart)[0]) / (totals.sum() - 1)
    if not expected:
        return Estimate(None, ONE_CATEGORY if (totals > 0).sum() == 1 else NO_DISTANCE)
    return Estimate(float(1 - observed / expected))


def gwet_ac1(codes: ArrayLike) -> Estimate:
    """AC1, for any number of raters and missing answers; its categories are the answers that occur.

    Chance agreement is that of the hard cases alone, so one name that dominates does not bring it down.
    """
    counted = tally(codes)
    if reason := _lacks_pairs(counted):
        return Estimate(None, reason)
    if len(counted.labels) == 1:
        return Estimate(None, ONE_CATEGORY)
    shares = _shares(counted)
    chance = float((shares * (1 - shares)).sum()) / (len(shares) - 1)
    return Estimate((float(_agreeing(counted).mean()) - chance) / (1 - chance))


def fleiss_kappa(codes: ArrayLike) -> Estimate:
    """Fleiss' kappa, defined where every summary has the same number of answers (two or more)."""
    counted = tally(codes)
    if reason := _lacks_pairs(counted):
        return Estimate(None, reason)
    if len(np.unique(counted.answers)) > 1:
        return Estimate(None, INCOMPLETE)
    return _beyond(float(_agreeing(counted).mean()), float((_shares(counted) ** 2).sum()))


def cohen_kappa(one: ArrayLike, other: ArrayLike) -> Estimate:
    """Cohen's kappa of two raters, over the units that both answered; each has chances of their own."""
    counted = _of_two(one, other)
    if not len(counted.answers):
        return Estimate(None, NO_COMMON_UNITS)
    first, second = (np.bincount(column, minlength=len(counted.labels)) for column in counted.place.T)
    same = float((counted.place[:, 0] == counted.place[:, 1]).mean())
    return _beyond(same, float(first @ second) / len(counted.answers) ** 2)


def scott_pi(one: ArrayLike, other: ArrayLike) -> Estimate:
    """Scott's pi of two raters, over the units that both answered; both have the same chances."""
    counted = _of_two(one, other)
    if not len(counted.answers):
        return Estimate(None, NO_COMMON_UNITS)
    same = float((counted.place[:, 0] == counted.place[:, 1]).mean())
    return _beyond(same, float((_shares(counted) ** 2).sum()))


def _differences(counts: NDArray[np.float64], apart: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Of each row of counts, summed over all ordered pairs of its answers."""
    far = counts.sum(1, keepdims=True) - counts if apart is None else csr_array(counts) @ apart
    differences: NDArray[np.float64] = (far * counts).sum(1)
    return differences


def _of_two(one: ArrayLike, other: ArrayLike) -> Tally:
    pairs = np.stack([np.asarray(one), np.asarray(other)], axis=1)
    counted = tally(pairs)
    return tally(pairs[counted.given.all(1)])


def _beyond(agreement: float, chance: float) -> Estimate:
    if chance == 1:
        return Estimate(None, ONE_CATEGORY)
    return Estimate((agreement - chance) / (1 - chance))


def _lacks_pairs(counted: Tally) -> str:
    if not len(counted.labels):
        return NO_ANSWERS
    return "" if (counted.answers > 1).any() else NO_PAIRS


def _agreeing(counted: Tally) -> NDArray[np.float64]:
    """The share of agreeing pairs of each unit with two or more answers."""
    counts, answers = counted.counts[counted.answers > 1], counted.answers[counted.answers > 1]
    agreeing: NDArray[np.float64] = ((counts**2).sum(1) - answers) / (answers * (answers - 1))
    return agreeing


def _shares(counted: Tally) -> NDArray[np.float64]:
    """(L,) how often each answer is given, as a mean over units with an answer."""
    some = counted.answers > 0
    shares: NDArray[np.float64] = (counted.counts[some] / counted.answers[some, None]).mean(0)
    return shares
