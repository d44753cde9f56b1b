"""The names of a study as one coder sees them: groups with their names, spellings and proposals."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from study import lexicon
from study.display import visible
from study.models import Study
from study.naming.layers import Layers
from study.naming.vocabulary import Used, Vocabulary, propose, vocabulary

MOST_PROPOSALS = 3
"""Beside one group."""
LEAST = 0.25
"""The score below which a proposal is not worth the room."""
MOST_SPELLINGS = 4


@dataclass(frozen=True)
class Beside:
    """Another group that may be the same."""

    group: str
    words: str
    """What speaks for it, and how many people gave it."""
    pair: str
    """Both groups as JSON, as the page sends them."""

    @property
    def called(self) -> str:
        return visible(self.group)


@dataclass
class Row:
    """One group: often of a single name. Told in whole sentences, since a page has a thousand of them."""

    group: str
    code: str = ""
    names: list[Used] = field(default_factory=list)
    """The most frequent first."""
    people: int = 0
    answers: int = 0
    proposals: list[Beside] = field(default_factory=list)

    @property
    def called(self) -> str:
        return visible(self.group)

    @property
    def counted(self) -> str:
        answers = "answer" if self.answers == 1 else "answers"
        return f"{self.answers} {answers}, {_people(self.people)}"

    @property
    def spellings(self) -> list[tuple[str, int]]:
        """As typed, the most frequent first; none where all typed what the group is called."""
        found = [each for used in self.names for each in used.spellings.items()]
        told = sorted(found, key=lambda each: (-each[1], each[0]))
        return [] if [words for words, _ in told] == [self.group] else told

    @property
    def typed(self) -> str:
        found = self.spellings
        told = ", ".join(f"“{visible(words)}” {count}" for words, count in found[:MOST_SPELLINGS])
        more = len(found) - MOST_SPELLINGS
        return f"{told} and {more} more" if more > 0 else told

    @property
    def is_group(self) -> bool:
        return [used.name for used in self.names] != [self.group]

    @property
    def sought(self) -> str:
        """What a search looks in."""
        told = [self.group, self.code, *(used.name for used in self.names)]
        told += [typed.casefold() for typed, _ in self.spellings]
        return visible(" ".join(dict.fromkeys(each for each in told if each)))

    @property
    def kinds(self) -> str:
        told = {"proposed": self.proposals, "grouped": self.is_group, "uncoded": not self.code}
        return " ".join(kind for kind, fits in told.items() if fits)


@dataclass(frozen=True)
class Sheet:
    rows: list[Row]
    """The most frequent first."""
    layers: Layers
    distinct: int
    """Names of the mechanical layer."""

    @property
    def answers(self) -> int:
        return sum(row.answers for row in self.rows)


def sheet(study: Study, layers: Layers) -> Sheet:
    known = vocabulary(study)
    rows = _rows(known, layers)
    for row, found in _by_group(propose(study, known, layers.lexicon), rows).items():
        rows[row].proposals = found
    ranked = sorted(rows.values(), key=lambda row: (-row.answers, row.group))
    return Sheet(ranked, layers, len(known.names))


def evidence(study: Study, layers: Layers, groups: set[str]) -> dict[str, Any]:
    """What speaks for these groups being one, to be kept beside the decision. It holds no names but those
    that its sentences quote."""
    known = vocabulary(study)
    own = {name: used for name, used in known.names.items() if layers.merged(name) in groups}
    best: dict[str, lexicon.Evidence] = {}
    for proposal in propose(study, Vocabulary(own, known.repeats), layers.lexicon):
        for each in proposal.evidence:
            if each.kind not in best or each.score > best[each.kind].score:
                best[each.kind] = each
    return {kind: {"score": round(each.score, 3), "words": each.words} for kind, each in sorted(best.items())}


def _rows(known: Vocabulary, layers: Layers) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    people: dict[str, set[int]] = defaultdict(set)
    for used in sorted(known.names.values(), key=lambda used: (-used.answers, used.name)):
        group = layers.merged(used.name)
        row = rows.setdefault(group, Row(group, layers.code(group)))
        row.names.append(used)
        row.answers += used.answers
        people[group] |= used.people
    for group, row in rows.items():
        row.people = len(people[group])
    return rows


def _by_group(proposals: list[lexicon.Proposal], rows: dict[str, Row]) -> dict[str, list[Beside]]:
    """Each group's strongest; of two groups several names may speak, and the strongest of them is told."""
    group = {used.name: row.group for row in rows.values() for used in row.names}
    found: dict[str, dict[str, Beside]] = defaultdict(dict)
    for proposal in takewhile(lambda each: each.score >= LEAST, proposals):
        for own, other in (proposal.names, proposal.names[::-1]):
            mine, theirs = found[group[own]], group[other]
            if len(mine) < MOST_PROPOSALS and theirs not in mine:
                told = [*(each.words for each in proposal.evidence), _people(rows[theirs].people)]
                mine[theirs] = Beside(theirs, visible("; ".join(told)), json.dumps([group[own], theirs]))
    return {own: list(others.values()) for own, others in found.items()}


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
