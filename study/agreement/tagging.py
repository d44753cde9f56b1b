"""How far the names that people give are the tags that a machine gives.

Names and tags stand in one numbering of (merged) names. Of each summary the modal name is looked for among
the ranked tags: hit@k says whether it is one of the first k, the reciprocal rank 1 / rank, 0 where it is none
of them. Where several names tie for modal, both are expected values: the mean over the tied names, as if one
of them were drawn. A summary that nobody named has no modal name, and is left out.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from study.agreement.codes import MISSING, NOTHING
from study.agreement.coefficients import Estimate
from study.agreement.intervals import ONE_UNIT, Interval, Pair, jackknife
from study.agreement.shares import bounded

EXACT_UP_TO = 50
"""Differences that are not 0: up to so many the signed-rank test is exact."""
GIVEN_BY = 2
"""So many people make a name the people's in `confusion`: a name given once may be a slip."""

NOBODY_NAMED = "no tagged summary was given a name"
ALWAYS_THE_SAME = "people and tagger say one and the same everywhere, so agreement beyond chance is undefined"
NO_PAIRS = "nothing can be compared in pairs"
NO_DIFFERENCE = "no pair differs"


@dataclass(frozen=True)
class Scores:
    """One value for each summary; NaN where nobody gave a name."""

    hit1: NDArray[np.float64]
    hit5: NDArray[np.float64]
    reciprocal: NDArray[np.float64]


@dataclass(frozen=True)
class Confusion:
    """Pairs of a summary and a name that occurs anywhere: who gave it there."""

    both: int
    human_only: int
    tag_only: int
    neither: int


@dataclass(frozen=True)
class Paired:
    """Wilcoxon's signed-rank test of paired values, two-sided."""

    difference: float | None
    """The mean of the first less the second."""
    p: float | None
    effect: float | None
    """Matched-pairs rank-biserial correlation, -1 to 1: ranks in favour less ranks against, of all ranks."""
    n: int
    """Pairs."""
    reason: str = ""
    """Why there is no p; "" where there is one."""


def ranks(tags: Sequence[Sequence[Collection[int]]], names: int) -> NDArray[np.int64]:
    """(U, L) at which rank, from 1, each name stands among each summary's tags; 0 where it is none of them.

    A tag may carry several names, its synonyms; numbers outside 0..names-1 are of tags that nobody gave.
    """
    table = np.zeros((len(tags), names), dtype=np.int64)
    for row, ranked in zip(table, tags, strict=True):
        for place in range(len(ranked), 0, -1):
            row[[name for name in ranked[place - 1] if 0 <= name < names]] = place
    return table


def modal(codes: ArrayLike, names: int) -> NDArray[np.float64]:
    """(U, L) the chance of each name to be the modal one: 1, or 1/n where n tie; a row of 0 without names."""
    counts = _count(np.asarray(codes, dtype=np.int64), names)
    top = (counts == counts.max(1, keepdims=True, initial=0)) & (counts > 0)
    shares: NDArray[np.float64] = top / np.maximum(top.sum(1, keepdims=True), 1)
    return shares


def hit_at_k(ranks: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """(U, L) 1 for each name that is one of the first k tags, else 0."""
    return ((ranks > 0) & (ranks <= k)).astype(float)


def reciprocal_rank(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """(U, L) of each name 1 / rank among the tags, 0 for none."""
    return np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0.0)


VALUES: dict[str, Callable[[NDArray[np.int64]], NDArray[np.float64]]] = {
    "hit1": partial(hit_at_k, k=1),
    "hit5": partial(hit_at_k, k=5),
    "reciprocal": reciprocal_rank,
}
"""What a name is worth, by the fields of Scores."""


def scores(codes: ArrayLike, ranks: NDArray[np.int64]) -> Scores:
    shares = modal(codes, ranks.shape[1])
    return Scores(**{name: _expected(shares, value(ranks)) for name, value in VALUES.items()})


def agreement(modal: NDArray[np.float64], ranks: NDArray[np.int64]) -> Estimate:
    """Cohen's kappa of modal name and first tag: a tagger that says "head" to everything hits by chance."""
    named = modal.sum(1) > 0
    if not named.any():
        return Estimate(None, NOBODY_NAMED)
    first = ranks[named] == 1
    chance = float(modal[named].mean(0) @ first.mean(0))
    if chance >= 1:
        return Estimate(None, ALWAYS_THE_SAME)
    return Estimate((float((modal[named] * first).sum(1).mean()) - chance) / (1 - chance))


def confusion(codes: ArrayLike, ranks: NDArray[np.int64], k: int = 5, least: int = GIVEN_BY) -> Confusion:
    """Names given by at least `least` people against the first k tags, over all summaries and all names that
    either says anywhere."""
    people = _count(np.asarray(codes, dtype=np.int64), ranks.shape[1]) >= least
    tagged = (ranks > 0) & (ranks <= k)
    occurs = people.any(0) | tagged.any(0)
    people, tagged = people[:, occurs], tagged[:, occurs]
    tables = (people & tagged, people & ~tagged, ~people & tagged, ~people & ~tagged)
    return Confusion(*(int(table.sum()) for table in tables))


def mean_of(measure: str, codes: ArrayLike, ranks: NDArray[np.int64], level: float = 0.95) -> Pair:
    """The mean of `hit1`, `hit5` or `reciprocal` over summaries, with intervals to other people and
    summaries, and to other summaries for the same people (see `study.agreement.shares`).

    Variances by leaving out one summary, or one person, who may decide a modal name.
    """
    table = np.asarray(codes, dtype=np.int64)
    value = VALUES[measure](ranks)
    own = _expected(modal(table, ranks.shape[1]), value)
    own = own[~np.isnan(own)]
    mean, count = (Estimate(float(own.mean())) if len(own) else Estimate(None, NOBODY_NAMED)), len(own)
    if mean.value is None or count < 2:
        none = Interval(None, None, level, mean.reason or ONE_UNIT)
        return Pair(none, none, mean)
    summaries, without = float(own.var(ddof=1)) / count, means_without(table, value)
    both = summaries + float((len(without) - 1) * without.var())
    two_way, same_people = (
        bounded(mean.value, variance, count, count - 1, level) for variance in (both, summaries)
    )
    return Pair(two_way, same_people, mean)


def means_without(codes: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over summaries of the modal name's `value` (U, L) without each of the people who answered.

    Without somebody who gave one of several modal names the others are left; without one who gave the only
    one, it stays level with names given once less. Nobody else changes anything.
    """
    codes = codes[:, (codes != MISSING).any(0)]
    counts, names = _count(codes, value.shape[1]), codes > MISSING
    top = counts.max(1, keepdims=True, initial=0)
    best, near = (counts == top) & (top > 0), (counts >= top - 1) & (counts > 0)
    tied = best.sum(1, keepdims=True)
    own = (value * best).sum(1, keepdims=True)
    alone = (value * near).sum(1, keepdims=True) / np.maximum(near.sum(1, keepdims=True), 1)
    left = np.where(tied > 1, (own - value) / np.maximum(tied - 1, 1), np.where(top > 1, alone, np.nan))
    own = own / np.maximum(tied, 1)

    rows = np.arange(len(codes))[:, None]
    decides = names & best[rows, np.where(names, codes, 0)]
    after = np.where(decides, left[rows, np.where(names, codes, 0)], own)
    here = (tied > 0) & ~np.isnan(after)
    number = here.sum(0)
    total: NDArray[np.float64] = np.where(here, after, 0).sum(0)
    return total / np.maximum(number, 1)


def agreement_of(codes: ArrayLike, ranks: NDArray[np.int64], level: float = 0.95) -> Pair:
    """`agreement` with its intervals."""
    table, ranks = _contenders(np.asarray(codes, dtype=np.int64), ranks)
    whole = agreement(modal(table, ranks.shape[1]), ranks)
    shares: dict[bytes, NDArray[np.float64]] = {}

    def statistic(units: NDArray[np.bool_], people: NDArray[np.bool_]) -> float | None:
        key = people.tobytes()
        if key not in shares:
            shares[key] = modal(table[:, people], ranks.shape[1])
        return agreement(shares[key][units], ranks[units]).value

    if whole.value is None:
        none = Interval(None, None, level, whole.reason)
        return Pair(none, none, whole)
    return jackknife(statistic, *table.shape, level=level, within=(-1, 1))


def compare(ours: ArrayLike, theirs: ArrayLike) -> Paired:
    """Wilcoxon's signed-rank test; pairs with NaN are left out, differences of 0 have no rank.

    Up to `EXACT_UP_TO` differences all signs are counted out, with mean ranks where differences tie; beyond
    them the normal distribution with the correction for ties, without one for continuity.
    """
    pairs = np.stack([np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)])
    pairs = pairs[:, ~np.isnan(pairs).any(0)]
    count = pairs.shape[1]
    if not count:
        return Paired(None, None, None, 0, NO_PAIRS)
    differences = np.round(pairs[0] - pairs[1], 12)
    mean, unequal = float(differences.mean()), differences[differences != 0]
    if not len(unequal):
        return Paired(mean, None, None, count, NO_DIFFERENCE)
    placed = _mean_ranks(np.abs(unequal))
    for_us, total = float(placed[unequal > 0].sum()), float(placed.sum())
    p = (_exact_p if len(unequal) <= EXACT_UP_TO else _normal_p)(placed, for_us)
    return Paired(mean, p, 2 * for_us / total - 1, count)


def _count(codes: NDArray[np.int64], names: int) -> NDArray[np.int64]:
    """(U, L) how many people gave each name; what is no name is not counted."""
    units = len(codes)
    cells = (np.arange(units)[:, None] * names + codes)[codes > MISSING]
    counted: NDArray[np.int64] = np.bincount(cells, minlength=units * names).reshape(units, names)
    return counted


def _contenders(
    codes: NDArray[np.int64], ranks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same with those names alone that are modal somewhere, or would be without one person."""
    counts = _count(codes, ranks.shape[1])
    kept = ((counts >= counts.max(1, keepdims=True, initial=0) - 1) & (counts > 0)).any(0)
    number = np.append(np.where(kept, np.cumsum(kept) - 1, NOTHING), [NOTHING, NOTHING, MISSING])
    return number[codes], ranks[:, kept]


def _expected(modal: NDArray[np.float64], value: NDArray) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.where(modal.sum(1) > 0, (modal * value).sum(1), np.nan)
    return found


def _mean_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 1; equal values share the mean of their ranks."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    placed: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[group]
    return placed


def _exact_p(placed: NDArray[np.float64], for_us: float) -> float:
    """Of all ways to give these ranks signs, the share that is as far from the middle or farther."""
    doubled = np.round(2 * placed).astype(int)  # mean ranks may end in one half
    ways = np.zeros(doubled.sum() + 1)
    ways[0] = 1
    for rank in doubled:
        ways[rank:] += ways[:-rank].copy()
    middle = doubled.sum() / 2
    far = np.abs(np.arange(len(ways)) - middle) >= abs(2 * for_us - middle) - 1e-9
    return float(ways[far].sum() / ways.sum())


def _normal_p(placed: NDArray[np.float64], for_us: float) -> float:
    """The sum of squared ranks over 4 is the variance, ties and all."""
    z = (for_us - placed.sum() / 2) / sqrt(float((placed**2).sum()) / 4)
    return float(2 * ndtr(-abs(z)))
