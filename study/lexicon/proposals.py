"""Pairs of names that may mean the same, with what speaks for each. Nothing is merged by it. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import prod

import numpy as np

from study.lexicon.spelling import letters, slips

WORDS, WRITTEN, SPELLING, HEAD = "words", "written", "spelling", "head"
REPEATS, SYNONYMS, COMPANY = "repeats", "synonyms", "company"
LINKS = frozenset({"of", "on", "in", "at", "from", "with", "and", "the", "a", "an", "its"})
"""Words that tell nothing apart: "tip of the wing" is the "wing tip"."""
FEWEST = 3
"""Answers below which nothing is said of the pictures on which a name was used."""
FEWEST_PICTURES = 5
"""Pictures below which every name is given to about all of them."""
ALIKE = 0.7
"""Cosine of two names' counts over the pictures from which on it is told."""
MOST_COMPANY = 3
"""Names proposed for a name by their pictures alone."""
Pair = tuple[str, str]


@dataclass(frozen=True)
class Entry:
    """A name of the mechanical layer, and who used it where."""

    name: str
    answers: int
    people: int
    stimuli: Mapping[int, int] = field(default_factory=dict)
    """Answers by stimulus; a repeat counts as what it repeats."""


@dataclass(frozen=True)
class Evidence:
    kind: str
    score: float
    """From 0 to 1, how much it says by itself; set by hand, to sort by."""
    words: str


@dataclass(frozen=True)
class Proposal:
    names: Pair
    """The one that more people gave first."""
    people: tuple[int, int]
    """How many gave each."""
    evidence: tuple[Evidence, ...]
    """The strongest first."""

    @property
    def score(self) -> float:
        """1 less the product of what each leaves open."""
        return 1 - prod(1 - each.score for each in self.evidence)


def propose(
    entries: Iterable[Entry],
    *,
    lemmas: Callable[[str], Sequence[str]],
    known: Callable[[str], bool] = lambda name: True,
    synonyms: Iterable[Sequence[str]] = (),
    repeats: Mapping[Pair, int] | None = None,
) -> list[Proposal]:
    """Every pair for which something speaks, the strongest first.

    `lemmas`: base forms of a name's words. `known`: the name is in a dictionary, so hardly a slip.
    `synonyms`: names that a vocabulary of parts holds to be the same. `repeats`: how many people gave the two
    names, in alphabetical order, to one picture shown twice.
    """
    entry = {each.name: each for each in entries}
    found: dict[Pair, list[Evidence]] = defaultdict(list)
    sources = (
        _same_words(entry, lemmas),
        _written_alike(entry),
        _misspelt(entry, known),
        _with_the_same_head(entry),
        _synonymous(entry, synonyms),
        _on_repeats(entry, repeats or {}),
        _in_company(entry),
    )
    for source in sources:
        for one, other, evidence in source:
            found[min(one, other), max(one, other)].append(evidence)
    made = [_proposal(entry, pair, evidence) for pair, evidence in found.items()]
    return sorted(made, key=lambda each: (-each.score, -sum(each.people), each.names))


Found = Iterator[tuple[str, str, Evidence]]


def _proposal(entry: Mapping[str, Entry], pair: Pair, evidence: list[Evidence]) -> Proposal:
    first, second = sorted(pair, key=lambda name: (-entry[name].people, len(name), name))
    ranked = tuple(sorted(evidence, key=lambda each: (-each.score, each.kind)))
    return Proposal((first, second), (entry[first].people, entry[second].people), ranked)


def _same_words(entry: Mapping[str, Entry], lemmas: Callable[[str], Sequence[str]]) -> Found:
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in entry:
        if base := sorted(word for word in lemmas(name) if word not in LINKS):
            groups[tuple(base)].append(name)
    yield from _each_pair(groups.values(), Evidence(WORDS, 0.9, "the same words in another form or order"))


def _written_alike(entry: Mapping[str, Entry]) -> Found:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in entry:
        if bare := letters(name):
            groups[bare].append(name)
    alike = Evidence(WRITTEN, 0.9, "written alike but for spaces, hyphens or accents")
    yield from _each_pair(groups.values(), alike)


def _misspelt(entry: Mapping[str, Entry], known: Callable[[str], bool]) -> Found:
    """Of two words of the language only those that are one letter apart: "colour" and "color"."""
    for one, other, distance in slips(entry):
        if not (known(one) and known(other)):
            slip = "one letter apart" if distance == 1 else f"{distance} letters apart"
            yield one, other, Evidence(SPELLING, 0.8 if distance == 1 else 0.6, slip)
        elif distance == 1:
            yield one, other, Evidence(SPELLING, 0.2, "one letter apart, though both are words")


def _with_the_same_head(entry: Mapping[str, Entry]) -> Found:
    """ "left wing" has the head "wing", and "tip of wing" the head "tip"."""
    for name in entry:
        words = name.split()
        heads = {" ".join(words[start:]) for start in range(1, len(words))}
        if "of" in words[1:]:
            heads = {" ".join(words[: words.index("of")])}
        for head in sorted(heads & entry.keys()):
            yield name, head, Evidence(HEAD, 0.4, f"“{head}” more closely described")


def _synonymous(entry: Mapping[str, Entry], synonyms: Iterable[Sequence[str]]) -> Found:
    groups = [sorted(set(group) & entry.keys()) for group in synonyms]
    yield from _each_pair(groups, Evidence(SYNONYMS, 0.8, "synonyms in the vocabulary of parts"))


def _on_repeats(entry: Mapping[str, Entry], repeats: Mapping[Pair, int]) -> Found:
    for (one, other), people in sorted(repeats.items()):
        if one != other and one in entry and other in entry:
            who = "one person" if people == 1 else f"{people} people"
            said = f"{who} gave both to one picture shown twice"
            yield one, other, Evidence(REPEATS, people / (people + 2), said)


def _in_company(entry: Mapping[str, Entry]) -> Found:
    """Names of the same part are given to the same pictures, and so are names of neighbouring parts."""
    names = sorted(name for name, each in entry.items() if sum(each.stimuli.values()) >= FEWEST)
    places = {key: place for place, key in enumerate(sorted({k for n in names for k in entry[n].stimuli}))}
    if len(places) < FEWEST_PICTURES:
        return
    counts = np.zeros((len(names), len(places)))
    for row, name in enumerate(names):
        for key, count in entry[name].stimuli.items():
            counts[row, places[key]] = count
    lengths = np.linalg.norm(counts, axis=1)
    cosine = counts @ counts.T / np.outer(lengths, lengths)
    np.fill_diagonal(cosine, 0)
    nearest = np.argsort(-cosine, axis=1, kind="stable")[:, :MOST_COMPANY]
    near = {tuple(sorted((row, place))) for row, found in enumerate(nearest.tolist()) for place in found}
    for row, place in sorted(near):
        if row != place and (alike := float(cosine[row, place])) >= ALIKE:
            yield (
                names[row],
                names[place],
                Evidence(COMPANY, alike / 3, f"on the same pictures ({alike:.2f})"),
            )


def _each_pair(groups: Iterable[Sequence[str]], evidence: Evidence) -> Found:
    seen: Counter[Pair] = Counter()
    for group in groups:
        for one, other in combinations(sorted(group), 2):
            if not seen[one, other]:
                yield one, other, evidence
            seen[one, other] += 1
