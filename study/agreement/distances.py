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
    table = np.ones((size + 2, size + 2))
    own = table[:size, :size]
    own[_equal([each or index for index, each in enumerate(codes)])] = declared.same_code
    own[_equal(names)] = declared.synonym
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
    either = sizes[:, None] + sizes
    either -= common
    common /= np.maximum(either, 1, out=either)
    table = np.ones((len(labels) + 2, len(labels) + 2))
    np.subtract(1, common, out=table[:-2, :-2])
    np.fill_diagonal(table, 0)
    return table


def _equal(values: Sequence[object]) -> NDArray[np.bool_]:
    """(L, L) which are equal."""
    numbers: dict[object, int] = {}
    own = np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=int)
    equal: NDArray[np.bool_] = own[:, None] == own
    return equal
