"""Names that differ by a slip of the finger. Pure."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

SHORTEST = 4
"""Letters of the longer name: shorter ones, such as "ear" and "eat", are one letter apart for no reason."""
LONG = 8
"""From here on two slips are believed."""
MOST_ALIKE = 20
"""Names that share a rest; where more do, it is what they have in common and no slip."""


def apart(one: str, other: str) -> int:
    """How many letters must be put in, left out, changed, or swapped with their neighbour (each place once;
    the optimal string alignment distance of Damerau 1964)."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        here = [row]
        for column, facing in enumerate(other, 1):
            cost = min(above[column] + 1, here[-1] + 1, above[column - 1] + (letter != facing))
            if row > 1 and column > 1 and letter == other[column - 2] and facing == one[row - 2]:
                cost = min(cost, before[column - 2] + 1)
            here.append(cost)
        before, above = above, here
    return above[-1]


def slips(names: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """All pairs of names that are one letter apart, or two where the longer one is long: each pair once, in
    alphabetical order, with its distance.

    Names that are d apart become equal when each loses d letters or fewer, so only such ones are compared.
    Another figure is another name: "leg 1" is not "leg 2".
    """
    shared: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        figures = "".join(letter for letter in name if letter.isdigit())
        for rest in _shortened(name, _most(len(name) + 1)):
            shared[figures, rest].append(name)
    few = (group for group in shared.values() if len(group) <= MOST_ALIKE)
    pairs = {pair for group in few for pair in combinations(group, 2)}
    for one, other in sorted(pairs):
        longer = max(len(one), len(other))
        if longer >= SHORTEST and (distance := apart(one, other)) <= _most(longer):
            yield one, other, distance


def letters(name: str) -> str:
    """The name's letters and figures alone: no spaces, hyphens or accents."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", name) if letter.isalnum())


def _most(length: int) -> int:
    return 2 if length >= LONG else 1


def _shortened(name: str, most: int) -> set[str]:
    """The name without up to so many of its letters."""
    found = {name}
    for _ in range(most):
        found |= {rest[:place] + rest[place + 1 :] for rest in found for place in range(len(rest))}
    return found
