"""How far two coders, each on their own, made the same of the same names. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from study.agreement.coefficients import Estimate, cohen_kappa
from study.lexicon.replay import Lexicon

NO_NAMES = "there are no names yet"
NO_PAIRS = "with fewer than two names nothing can be put together"
NOTHING_TOGETHER = "neither put any names together"


@dataclass(frozen=True)
class Comparison:
    names: int
    same: Estimate
    """The share of names that both gave the same code; without a code a name's group stands for it."""
    same_weighted: Estimate
    """The same, each name as often as it was given as an answer."""
    kappa: Estimate
    """Cohen's kappa over names."""
    kappa_weighted: Estimate
    """Cohen's kappa, each name as often as it was given as an answer."""
    pairs: Estimate
    """The share of pairs of names on which both decided alike, to put them together or not (Rand 1971)."""
    pairs_together: Estimate
    """Of the pairs that either put together, the share that both did (Jaccard)."""
    pairs_adjusted: Estimate
    """The Rand index less what chance gives (Hubert and Arabie 1985): 1 the same groups, 0 as by chance."""
    differ: tuple[tuple[str, int, str, str], ...]
    """Names that the two coded otherwise, with their answers and what each made of them; the most frequent
    first."""


def compare(answers: Mapping[str, int], one: Lexicon, other: Lexicon) -> Comparison:
    """Over these names of the mechanical layer and how many answers gave each."""
    names = sorted(answers)
    coded = [[_coded(each, name) for name in names] for each in (one, other)]
    groups = [_numbers(each.group(name) for name in names) for each in (one, other)]
    weights = np.array([answers[name] for name in names], int)
    place = {label: index for index, label in enumerate(sorted({*coded[0], *coded[1]}))}
    codes = [np.array([place[label] for label in each], int) for each in coded]
    differ = [
        (name, answers[name], mine, yours)
        for name, mine, yours in zip(names, *coded, strict=True)
        if mine != yours
    ]
    return Comparison(
        len(names),
        _same(codes, np.ones(len(names), int)),
        _same(codes, weights),
        cohen_kappa(*codes) if names else Estimate(None, NO_NAMES),
        cohen_kappa(*(np.repeat(each, weights) for each in codes)) if names else Estimate(None, NO_NAMES),
        *pairs(*groups),
        tuple(sorted(differ, key=lambda row: (-row[1], row[0]))),
    )


def pairs(one: np.ndarray, other: np.ndarray) -> tuple[Estimate, Estimate, Estimate]:
    """Rand index, Jaccard of the pairs put together, adjusted Rand index of two partitions, given as numbers
    of the groups."""
    if len(one) < 2:
        return (Estimate(None, NO_PAIRS),) * 3
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1)
    both, mine, yours = (_twos(counts) for counts in (table, table.sum(1), table.sum(0)))
    total = len(one) * (len(one) - 1) / 2
    rand = Estimate((total + 2 * both - mine - yours) / total)
    if not mine + yours:
        return rand, Estimate(None, NOTHING_TOGETHER), Estimate(None, NOTHING_TOGETHER)
    chance, most = mine * yours / total, (mine + yours) / 2
    adjusted = Estimate((both - chance) / (most - chance)) if most != chance else Estimate(1.0)
    return rand, Estimate(both / (mine + yours - both)), adjusted


def _coded(lexicon: Lexicon, name: str) -> str:
    group = lexicon.group(name)
    return lexicon.codes.get(group) or group


def _numbers(labels: Iterable[str]) -> np.ndarray:
    place: dict[str, int] = {}
    return np.array([place.setdefault(label, len(place)) for label in labels], int)


def _same(codes: list[np.ndarray], weights: np.ndarray) -> Estimate:
    if not weights.sum():
        return Estimate(None, NO_NAMES)
    return Estimate(float(((codes[0] == codes[1]) * weights).sum() / weights.sum()))


def _twos(counts: np.ndarray) -> float:
    """How many pairs there are within groups of these sizes."""
    return float((counts * (counts - 1) / 2).sum())
