"""How far the tags of a summary's members agree, and how they differ from those of other summaries.

Of each member the first `k` tags count, as a set: T_i. For a summary s with members i, j (method, 6.2):
coherence J(s) = mean over pairs i < j of |T_i & T_j| / |T_i | T_j|; specificity = J(s) - the mean of the same
over pairs of one member of s and one of another summary of the class; the label is the tag that comes first
for the most members, and purity the share of all members for which it does.

A tagger may give fewer than `k` tags: then T_i is what it gave. Two members of which it says nothing share
nothing, so that their overlap counts as 0: silence is no agreement.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ranked = Sequence[tuple[str, float]]
"""Tags with their scores, best first."""


@dataclass(frozen=True)
class Scores:
    """Of one summary. None: not defined, as there are too few members, or no other summary."""

    coherence: float | None
    specificity: float | None
    purity: float | None


def overlaps(members: Sequence[Ranked], k: int = 10) -> NDArray[np.float64]:
    """(n, n): the Jaccard index of the first k tags of each two members; 0 for two without any tag."""
    words = {tag: place for place, tag in enumerate(sorted({tag for one in members for tag, _ in one[:k]}))}
    has = np.zeros((len(members), len(words)))
    for row, one in zip(has, members, strict=True):
        row[[words[tag] for tag, _ in one[:k]]] = 1
    shared, sizes = has @ has.T, has.sum(1)
    either = sizes[:, None] + sizes[None, :] - shared
    return np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)


def measure(members: Sequence[Ranked], groups: NDArray[np.int_], k: int = 10) -> list[Scores]:
    """The scores of each summary of a class, in the order of their numbers 0, 1, ...

    members: the tags of all members of the class; groups (n,): which summary each belongs to.
    """
    alike, firsts = overlaps(members, k), [one[0][0] if one else None for one in members]
    return [_scores(alike, firsts, groups == number) for number in range(int(groups.max(initial=-1)) + 1)]


def _scores(alike: NDArray[np.float64], firsts: list[str | None], mine: NDArray[np.bool_]) -> Scores:
    size = int(mine.sum())
    inside = alike[np.ix_(mine, mine)][~np.eye(size, dtype=bool)]
    across = alike[np.ix_(mine, ~mine)]
    coherence = float(inside.mean()) if inside.size else None
    other = float(across.mean()) if across.size else None
    specificity = None if coherence is None or other is None else coherence - other
    counted = Counter(first for first, own in zip(firsts, mine, strict=True) if own and first is not None)
    purity = max(counted.values(), default=0) / size if size else None
    return Scores(coherence, specificity, purity)


def shuffled(
    members: Sequence[Ranked], groups: NDArray[np.int_], *, k: int = 10, times: int = 100, seed: int = 0
) -> list[Scores]:
    """What is left of the scores when members are dealt anew to the summaries of their class, which keep
    their sizes: the mean over so many shuffles. A class with a single summary has nothing to shuffle."""
    if int(groups.max(initial=-1)) < 1:
        return [Scores(None, None, None) for _ in set(groups.tolist())]
    rng = np.random.default_rng(seed)
    return mean([measure(members, rng.permutation(groups), k) for _ in range(times)])


def mean(draws: Sequence[Sequence[Scores]]) -> list[Scores]:
    """Of each summary the mean over draws, of those in which it is defined."""
    names = ("coherence", "specificity", "purity")
    return [
        Scores(*(_mean([getattr(scores, name) for scores in of_summary]) for name in names))
        for of_summary in zip(*draws, strict=True)
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def rank(members: Sequence[Ranked], k: int = 10) -> list[tuple[str, float]]:
    """The tags of a summary: the one that comes first for the most members, its label, then the others by the
    mean of 1 / rank; equal ones by the mean score. With each its mean score, 0 where a member lacks it."""
    firsts: defaultdict[str, int] = defaultdict(int)
    places: defaultdict[str, float] = defaultdict(float)
    scores: defaultdict[str, float] = defaultdict(float)
    for one in members:
        for place, (tag, score) in enumerate(one[:k]):
            firsts[tag] += place == 0
            places[tag] += 1 / (place + 1)
            scores[tag] += score
    best = sorted(places, key=lambda tag: (-places[tag], -scores[tag], tag))
    label = max(best, key=lambda tag: firsts[tag], default="")
    order = sorted(best, key=lambda tag: tag != label)
    return [(tag, scores[tag] / len(members)) for tag in order[:k]]
