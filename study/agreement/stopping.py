"""When one summary needs no further answers: its modal name can hardly lose its lead, or none can be had.

What the answers still to come may be is told by an urn (Blackwell and MacQueen 1973): each answer is like one
given before, in proportion to how often that was given, or a new one, as if NEW answers had been new already.
All new names count as one, so that a lead looks less safe than it is. The chances are exact sums, and the
same answers always give the same decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, lgamma, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEW = 1.0
STOP, FUTILE, GO_ON = "stop", "futile", "go on"


@dataclass(frozen=True)
class Rule:
    """What a study declared."""

    lead: float = 0.99
    """Stop once the modal name keeps its lead with a higher chance than this."""
    share: float = 0.5
    """A name that fewer give is none that people agree on: without a chance of it the rest is futile."""
    least: int = 10
    """Answers before which nothing is judged."""


@dataclass(frozen=True)
class Verdict:
    decision: str
    """STOP, FUTILE or GO_ON."""
    reason: str
    """In one sentence."""
    saved: int = 0
    """Answers short of the target."""


def read(looks: Mapping[str, Any]) -> Rule | None:
    """What a study's `looks` declare of stopping; None for nothing."""
    told = looks.get("stopping")
    return Rule(**told) if told else None


def words(rule: Rule) -> str:
    """The rule in one sentence."""
    return (
        f"A summary with {rule.least} answers or more takes no further ones once its modal name keeps its "
        f"lead among the answers aimed at with a chance above {rule.lead:g}, or once the chance that any "
        f"name is given by a share of {rule.share:g} of them is below {1 - rule.lead:.3g}."
    )


def judge(names: Mapping[str, int], others: int, target: int, rule: Rule) -> Verdict:
    """Of one summary: `names` with how many gave each, `others` who gave no name, answers aimed at."""
    given = sum(names.values()) + others
    left = target - given
    if left <= 0:
        return Verdict(GO_ON, "It has the answers aimed at.")
    if given < rule.least:
        return Verdict(GO_ON, f"It has {given} of the {rule.least} answers before which nothing is judged.")
    counts = sorted(names.values(), reverse=True)
    wanted = ceil(rule.share * target)
    hope = reaching(counts, others, left, wanted)
    if hope < 1 - rule.lead:
        return Verdict(FUTILE, _without_hope(counts, given, wanted, target, hope), left)
    chance = keeping(counts, others, left)
    told = f"After {given} of {target} answers the modal name keeps its lead with a chance of {chance:.4f}."
    return Verdict(STOP, told, left) if chance > rule.lead else Verdict(GO_ON, told)


def keeping(counts: list[int], others: int, left: int) -> float:
    """The chance that the first of `counts` (descending) is above all other answers after `left` more; who
    gives no name counts as a rival."""
    if not counts:
        return 0.0
    first, *rivals = [*counts, others] if others else counts
    total = 0.0
    for more in range(left + 1):
        rooms = [first + more - 1 - count for count in rivals] + [first + more - 1]
        total += _urn(first, more) * _within([*rivals, NEW], rooms, left - more)
    return total / _urn(sum(counts) + others + NEW, left)


def reaching(counts: list[int], others: int, left: int, wanted: int) -> float:
    """The chance that some name is given `wanted` times or more after `left` more answers."""
    if counts and counts[0] >= wanted:
        return 1.0
    weights: list[float] = [*counts, NEW]
    rooms = [wanted - 1 - count for count in counts] + [wanted - 1]
    if others:
        weights, rooms = [*weights, others], [*rooms, left]
    return 1 - _within(weights, rooms, left) / _urn(sum(weights), left)


def entropy(counts: list[int]) -> float:
    """H in bits over the names given."""
    total = sum(counts)
    return sum(count / total * log2(total / count) for count in counts) + 0.0


def _within(weights: Sequence[float], rooms: list[int], left: int) -> float:
    """Weight of all ways to deal `left` answers with at most `rooms[j]` to j: the coefficient of x^left in
    the product of each one's polynomial."""
    if min(rooms, default=0) < 0:
        return 0.0
    ways: NDArray[np.float64] = np.ones(1)
    for weight, room in zip(weights, rooms, strict=True):
        own = np.array([_urn(weight, count) for count in range(min(room, left) + 1)])
        ways = np.convolve(ways, own)[: left + 1]
    return float(ways[left]) if len(ways) > left else 0.0


@lru_cache(maxsize=100_000)
def _urn(weight: float, count: int) -> float:
    """Gamma(weight + count) / (Gamma(weight) count!)."""
    return exp(lgamma(weight + count) - lgamma(weight) - lgamma(count + 1))


def _without_hope(counts: list[int], given: int, wanted: int, target: int, hope: float) -> str:
    return (
        f"After {given} of {target} answers names still differ (H {entropy(counts):.2f} bits): the chance "
        f"that any is given {wanted} times is {hope:.4f}."
    )
