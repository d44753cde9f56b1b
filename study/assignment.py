"""Who sees what, and in which order. Pure: standard library only.

All that looks like chance is SHA-256 of a seed and a participant's number, so anybody can repeat it in any
language, for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256

APART = 3
"""So many others stand between a summary and its repeat, where the row is long enough."""


@dataclass(frozen=True)
class Standing:
    """How far one condition has come."""

    people: int
    """Who completed it, and who is at work on it."""
    due: int
    """People who fill all its places."""
    free: bool
    """Whether one of its stimuli lacks answers that nobody is about to give."""


def order(count: int, *, seed: int, number: int) -> list[int]:
    """The indices 0..count-1 in the random order of the participant who arrived as `number`.

    Sorted by SHA-256 of "seed/number/index".
    """
    return sorted(range(count), key=lambda index: _chance(seed, number, index))


def latin_row(count: int, row: int) -> list[int]:
    """Row `row` (from 0, starting again after the last) of a Latin square balanced for carry-over.

    In `count` rows every index stands once in every place; each follows each other one equally often, for an
    odd count in twice as many rows (Williams 1949).
    """
    if not count:
        return []
    rows = count if count % 2 == 0 else 2 * count
    turn, mirrored = row % rows % count, row % rows >= count
    zigzag = [(place + 1) // 2 if place % 2 else (count - place // 2) % count for place in range(count)]
    line = [(index + turn) % count for index in zigzag]
    return line[::-1] if mirrored else line


def open_conditions(standings: Sequence[Standing]) -> list[int]:
    """Those with places left, and those that one more person would leave behind another condition still.

    The latter were filled in part by people who left half-way; else conditions would end unequal by that.
    """
    return [
        index
        for index, one in enumerate(standings)
        if one.free or any((one.people + 1) * other.due < other.people * one.due for other in standings)
    ]


def choose_condition(standings: Sequence[Standing], *, seed: int, number: int) -> int:
    """The open condition that has come least far, by chance among equals; of all, if none is open."""
    among = open_conditions(standings) or range(len(standings))
    share = [Fraction(standing.people, standing.due) for standing in standings]
    return min(among, key=lambda index: (share[index], _chance(seed, number, index)))


def choose_stimuli(taken: Sequence[int], count: int, *, seed: int, number: int) -> list[int]:
    """The `count` indices with the fewest answers given or promised, by chance among equals; ascending."""
    by_need = sorted(range(len(taken)), key=lambda index: (taken[index], _chance(seed, number, index)))
    return sorted(by_need[:count])


def with_repeats(row: Sequence[int], sources: Mapping[int, int], *, seed: int, number: int) -> list[int]:
    """The row with every repeat put in, by chance among the places well after its source.

    In a row too short for that it stands as far from its source as it can, after or before it.
    """
    placed = list(row)
    for repeat, source in sources.items():
        at = placed.index(source)
        farthest = len(placed) if len(placed) - 1 - at >= at else 0
        slots = range(at + 1 + APART, len(placed) + 1) or [farthest]
        placed.insert(slots[int.from_bytes(_chance(seed, number, repeat)) % len(slots)], repeat)
    return placed


def _chance(seed: int, number: int, index: int) -> bytes:
    return sha256(f"{seed}/{number}/{index}".encode()).digest()
