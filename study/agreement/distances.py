"""How far two names are from each other: a table that is declared before anybody answers.

The values are Krippendorff's delta squared as they stand: the same name 0, synonyms (merged into one) .1,
names with the same code .4, all others 1. "Nothing in common" and "can't tell" are 1 from every name and from
each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Distances:
    synonym: float = 0.1
    same_code: float = 0.4


DECLARED = Distances()


def between(
    labels: Sequence[str],
    merged: Callable[[str], str],
    code: Callable[[str], str],
    *,
    declared: Distances = DECLARED,
) -> NDArray[np.float64]:
    """(L+2, L+2) between `labels`, then NOTHING, then CANNOT.

    `merged` gives the merged name of a label, `code` the code of a merged name ("" for none).
    """
    names = [merged(label) for label in labels]
    codes = [code(name) for name in names]
    size = len(labels)
    table = 1 - np.eye(size + 2)
    coded = _equal([each or index for index, each in enumerate(codes)])
    table[:size, :size] = np.where(_equal(names), declared.synonym, np.where(coded, declared.same_code, 1))
    np.fill_diagonal(table, 0)
    return table


def jaccard(labels: Sequence[str]) -> NDArray[np.float64]:
    """(L+2, L+2) one less the share of words that two labels have in common, of the words in either."""
    sets = [frozenset(label.split()) for label in labels]
    words = sorted(frozenset().union(*sets))
    column = {word: index for index, word in enumerate(words)}
    has = np.zeros((len(labels), len(words)))
    for row, own in enumerate(sets):
        has[row, [column[word] for word in own]] = 1
    common, sizes = has @ has.T, has.sum(1)
    either = sizes[:, None] + sizes - common
    table = 1 - np.eye(len(labels) + 2)
    table[:-2, :-2] = 1 - np.divide(common, either, out=np.zeros_like(common), where=either > 0)
    np.fill_diagonal(table, 0)
    return table


def _equal(values: Sequence[object]) -> NDArray[np.bool_]:
    """(L, L) which are equal."""
    numbers: dict[object, int] = {}
    own = np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=int)
    equal: NDArray[np.bool_] = own[:, None] == own
    return equal
