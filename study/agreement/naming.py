"""How far people agree on the name of one summary.

Name agreement is the share of people who gave the most frequent (modal) name, H the spread of the names, in
bits; both as in norms for picture naming (Snodgrass and Vanderwart 1980). What is undefined is None, with
the reason in words; never 0 and never NaN.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from math import log2

NAME = "name"
NOTHING_IN_COMMON = "nothing_in_common"
CANNOT_TELL = "cannot_tell"
SKIPPED = "skipped"

NO_ANSWERS = "no answers yet"
NO_NAMES = "nobody gave a name"


@dataclass(frozen=True)
class NameAgreement:
    answers: int
    named: int
    """How many of the answers are names."""
    distinct: int
    modal_names: tuple[str, ...]
    """The most frequent name; several where they tie, in alphabetical order."""
    modal_count: int
    share: float | None
    """Answers that give the (first) modal name, as a share of all answers."""
    nothing_in_common: float | None
    cannot_tell: float | None
    h: float | None
    """H = sum p log2(1/p) over the distinct names, p of the names given: who gave none is told apart."""
    mean_jaccard: float | None
    """Words in common over words in either, as a mean over pairs of people who gave names."""
    unseen: float | None
    """About how many more names others would give: Chao's estimate (bias-corrected) less those seen."""
    reason: str
    """Why `share` is undefined; "" where it is defined."""

    @property
    def tied(self) -> bool:
        return len(self.modal_names) > 1


def name_agreement(answers: Iterable[tuple[str, str]]) -> NameAgreement:
    """From (kind, normalised name) of each answer; the name counts only where the kind is a name.

    All shares are of all answers, so those who saw nothing in common or could not tell lower the agreement.
    Who skipped has not answered.
    """
    answers = [(kind, name) for kind, name in answers if kind != SKIPPED]
    kinds = Counter(kind for kind, _ in answers)
    names = Counter(name for kind, name in answers if kind == NAME)
    most = max(names.values(), default=0)
    return NameAgreement(
        answers=len(answers),
        named=kinds[NAME],
        distinct=len(names),
        modal_names=tuple(sorted(name for name, count in names.items() if count == most)),
        modal_count=most,
        share=most / len(answers) if most else None,
        nothing_in_common=_share(kinds[NOTHING_IN_COMMON], len(answers)),
        cannot_tell=_share(kinds[CANNOT_TELL], len(answers)),
        h=h_statistic(names),
        mean_jaccard=mean_jaccard(names),
        unseen=count_unseen(names),
        reason="" if most else (NO_NAMES if answers else NO_ANSWERS),
    )


def h_statistic(names: Counter[str]) -> float | None:
    """H in bits: 0 where all agree, log2(n) where n people give n names; None without names."""
    given = names.total()
    return sum(count / given * log2(given / count) for count in names.values()) if given else None


def mean_jaccard(names: Counter[str]) -> float | None:
    """Mean Jaccard of word sets over all pairs of people; None where fewer than two gave a name."""
    given = names.total()
    if given < 2:
        return None
    same = sum(count * (count - 1) // 2 for count in names.values())
    other = sum(names[a] * names[b] * _jaccard(a, b) for a, b in combinations(sorted(names), 2))
    return (same + other) / (given * (given - 1) / 2)


def count_unseen(names: Counter[str]) -> float | None:
    """Chao1 (bias-corrected; Chao 2005) less the names seen: f1 (f1 - 1) / (2 (f2 + 1)), f1 names given once
    and f2 twice, times (n - 1) / n; a lower bound. None without names."""
    given = names.total()
    if not given:
        return None
    once, twice = (sum(count == times for count in names.values()) for times in (1, 2))
    return (given - 1) / given * once * (once - 1) / (2 * (twice + 1))


def _jaccard(one: str, other: str) -> float:
    words, others = set(one.split()), set(other.split())
    return len(words & others) / max(len(words | others), 1)


def _share(count: int, total: int) -> float | None:
    return count / total if total else None
