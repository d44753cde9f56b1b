"""Each measure with every unit left out in turn, and every person: what a jackknife is made of.

Counts are updated instead of counted anew, so all the values together cost little more than one. They equal
the measure of the table without that row or column; a value that is undefined there is NaN here, and only
here. The measures of one summary (modal share, H, ...) are taken as means over summaries.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from study.agreement.codes import CANNOT, NOTHING, Tally, choose

Floats = NDArray[np.float64]
Chance = Callable[[Floats, NDArray[np.bool_]], Floats]


@dataclass(frozen=True)
class Deletions:
    value: float
    units: Floats
    """(U,) the measure without each unit."""
    people: Floats
    """(R,) the measure without each person."""


def delete(measure: str, counted: Tally, distance: ArrayLike | None = None) -> Deletions:
    """Of one of MEASURES; `distance` as `study.agreement.coefficients.krippendorff_alpha` takes it."""
    if measure in ("alpha", "alpha_distance"):
        return _delete_from_alpha(counted, distance)
    if measure in CHANCES:
        return _delete_beyond_chance(counted, CHANCES[measure])
    if measure == "jaccard":
        return _delete_from_mean(counted, *_words_shared(counted, distance))
    return _delete_from_mean(counted, *OF_ONE_UNIT[measure](counted))


def _delete_from_alpha(counted: Tally, distance: ArrayLike | None) -> Deletions:
    paired = counted.answers > 1
    counts, answers = counted.counts * paired[:, None], counted.answers * paired
    given = counted.given & paired[:, None]
    apart = None if distance is None else choose(distance, counted.labels)
    far = answers[:, None] - counts if apart is None else csr_array(counts) @ apart
    pairs = (far * counts).sum(1)
    observed = _divide(pairs, answers - 1, 0)
    left = _divide(pairs[:, None] - 2 * _at(far, counted), answers[:, None] - 2, 0)
    changed = np.where(given, left - observed[:, None], 0).sum(0)
    two = (answers == 2) & paired
    lone = given[two].T.astype(float) @ counts[two]
    lost = _of_people(counted, given & ~two[:, None]) + lone

    totals, nobody = counts.sum(0), np.zeros((1, counts.shape[1]))
    whole = _alpha(totals, nobody, observed.sum(keepdims=True), apart)
    units = _alpha(totals, counts, observed.sum() - observed, apart)
    people = _alpha(totals, lost, observed.sum() + changed, apart)
    return Deletions(float(whole[0]), units, people)


def _alpha(totals: Floats, gone: Floats, observed: Floats, apart: Floats | None) -> Floats:
    """Of the totals of each answer (L,) less what is `gone` in each row (.., L), and the observed
    disagreement that is left in each, summed over units."""
    number = totals.sum() - gone.sum(1)
    if apart is None:
        expected = number**2 - ((totals - gone) ** 2).sum(1)
    else:  # rows hold few of the answers, so only what they change is reckoned
        far, few = apart @ totals, csr_array(gone)
        expected = totals @ far - 2 * (few @ far) + few.multiply(few @ apart).sum(1)
    return 1 - _divide(observed * (number - 1), np.where(expected > 1e-9, expected, 0))


def _delete_beyond_chance(counted: Tally, chance: Chance) -> Deletions:
    same = _delete_from_mean(counted, *_pairs_that_agree(counted))
    answers, given = counted.answers[:, None], counted.given
    shares = _divide(counted.counts, answers, 0)
    fewer = _divide(counted.counts, answers - 1, 0)
    own = np.where(given, _divide(np.ones_like(answers), answers - 1, 0), 0)
    totals, some = counted.counts.sum(0), (counted.answers > 0).astype(float)
    alone = (given & (answers == 1)).sum(0)

    def beyond(agreeing: Floats, summed: Floats, units: Floats, left: Floats) -> Floats:
        by_chance = chance(_divide(summed, units[:, None]), left > 0)
        return _divide(agreeing - by_chance, np.where(by_chance < 1, 1 - by_chance, 0))

    summed = shares.sum(0)
    whole = beyond(np.array([same.value]), summed[None], some.sum(keepdims=True), totals[None])
    units = beyond(same.units, summed - shares, some.sum() - some, totals - counted.counts)
    without = summed + given.T.astype(float) @ (fewer - shares) - _of_people(counted, given, own)
    people = beyond(same.people, without, some.sum() - alone, totals - _of_people(counted, given))
    return Deletions(float(whole[0]), units, people)


def _gwet(shares: Floats, used: NDArray[np.bool_]) -> Floats:
    return _divide((shares * (1 - shares)).sum(1), used.sum(1) - 1.0)


def _fleiss(shares: Floats, used: NDArray[np.bool_]) -> Floats:
    squares: Floats = (shares**2).sum(1)
    return np.where(used.sum(1) > 1, squares, 1)


CHANCES: dict[str, Chance] = {"ac1": _gwet, "fleiss": _fleiss}


def _delete_from_mean(counted: Tally, own: Floats, without: Floats) -> Deletions:
    """Of a mean over units, from each unit's value (U,) and its value without each person (U, R)."""
    here, given = ~np.isnan(own), counted.given
    values, number = np.where(here, own, 0), here.sum()
    still = given & here[:, None] & ~np.isnan(without)
    changed = np.where(given, np.where(still, without, 0) - values[:, None], 0).sum(0)
    lost = (given & here[:, None] & ~still).sum(0)
    total = values.sum()
    value = float(total / number) if number else np.nan
    return Deletions(value, _divide(total - values, number - here), _divide(total + changed, number - lost))


def _pairs_that_agree(counted: Tally) -> tuple[Floats, Floats]:
    answers, squares = counted.answers, (counted.counts**2).sum(1)
    left, fewer = (squares[:, None] - 2 * _at(counted.counts, counted) + 1), answers[:, None] - 1
    own = _divide(squares - answers, answers * (answers - 1))
    return own, _divide(left - fewer, fewer * (fewer - 1))


def _modal_share(counted: Tally) -> tuple[Floats, Floats]:
    """A unit with answers of which none is a name has no name agreed on: 0."""
    names, own = counted.counts * counted.named, _at(counted.counts, counted)
    top = names.max(1, initial=0)
    sole = (names == top[:, None]).sum(1) == 1
    falls = _is_name(counted) & (own == top[:, None]) & sole[:, None]
    answers = counted.answers
    return _divide(top, answers), _divide(top[:, None] - falls, answers[:, None] - 1)


def _spread(counted: Tally) -> tuple[Floats, Floats]:
    """H of each unit, in bits; undefined where nobody gave a name."""
    names, own = counted.counts * counted.named, _at(counted.counts, counted)
    named, weight = names.sum(1), _weigh(names).sum(1)
    is_name = _is_name(counted)
    left = np.where(is_name, weight[:, None] - _weigh(own) + _weigh(own - 1), weight[:, None])
    return _bits(named, weight), _bits(named[:, None] - is_name, left)


def _weigh(counts: Floats) -> Floats:
    return counts * np.log2(np.maximum(counts, 1))


def _bits(named: Floats, weight: Floats) -> Floats:
    return np.log2(np.maximum(named, 1)) - _divide(weight, named)


def _words_shared(counted: Tally, distance: ArrayLike | None) -> tuple[Floats, Floats]:
    """The mean Jaccard of each unit, over pairs who gave names, from one less the distance of names."""
    if distance is None:
        raise ValueError("the mean Jaccard needs the distances between the words of names")
    names = counted.counts * counted.named
    named, is_name = names.sum(1), _is_name(counted)
    near = named[:, None] - csr_array(names) @ choose(distance, counted.labels)
    pairs = (near * names).sum(1) - named
    left = pairs[:, None] - np.where(is_name, 2 * (_at(near, counted) - 1), 0)
    fewer = named[:, None] - is_name
    return _divide(pairs, named * (named - 1)), _divide(left, fewer * (fewer - 1))


def _share_of(code: int) -> Callable[[Tally], tuple[Floats, Floats]]:
    def share(counted: Tally) -> tuple[Floats, Floats]:
        chosen = counted.labels == code
        count, answers = counted.counts[:, chosen].sum(1), counted.answers
        is_code = np.append(chosen, False)[counted.place]
        return _divide(count, answers), _divide(count[:, None] - is_code, answers[:, None] - 1)

    return share


OF_ONE_UNIT: dict[str, Callable[[Tally], tuple[Floats, Floats]]] = {
    "percent": _pairs_that_agree,
    "name_agreement": _modal_share,
    "h": _spread,
    "nothing": _share_of(NOTHING),
    "cannot_tell": _share_of(CANNOT),
}
MEASURES = ("alpha", "alpha_distance", "jaccard", *CHANCES, *OF_ONE_UNIT)


def _at(table: Floats, counted: Tally) -> Floats:
    """(U, R) the value of `table` (U, L) for each person's own answer; 0 where there is none."""
    rows = np.arange(len(table))[:, None]
    padded = np.append(table, np.zeros((len(table), 1)), axis=1)
    own: Floats = padded[rows, counted.place]
    return own


def _is_name(counted: Tally) -> NDArray[np.bool_]:
    return np.append(counted.named, False)[counted.place]


def _of_people(counted: Tally, given: NDArray[np.bool_], weights: Floats | None = None) -> Floats:
    """(R, L) how often each person gave each answer, among those `given`."""
    people, width = given.shape[1], len(counted.labels)
    cells = (np.arange(people) * width + counted.place)[given]
    weigh = None if weights is None else weights[given]
    found = np.bincount(cells, weigh, minlength=people * width).reshape(people, width)
    return found.astype(np.float64)


def _divide(over: ArrayLike, under: ArrayLike, undefined: float = np.nan) -> Floats:
    """`over` / `under`; `undefined` where `under` is not above 0."""
    top, bottom = np.broadcast_arrays(np.asarray(over, float), np.asarray(under, float))
    return np.divide(top, bottom, out=np.full(top.shape, float(undefined)), where=bottom > 0)
