"""The names of a study as one coder sees them: groups with their names, spellings and proposals."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from study import lexicon
from study.models import Study
from study.naming.layers import Layers
from study.naming.vocabulary import Used, Vocabulary, propose, vocabulary

MOST_PROPOSALS = 3
"""Beside one group."""
MOST_SPELLINGS = 4


@dataclass(frozen=True)
class Beside:
    """Another group that may be the same."""

    group: str
    people: int
    words: str
    """What speaks for it."""
    pair: str
    """Both groups as JSON, as the page sends them."""


@dataclass
class Row:
    """One group: often of a single name."""

    group: str
    code: str = ""
    names: list[Used] = field(default_factory=list)
    """The most frequent first."""
    people: int = 0
    answers: int = 0
    proposals: list[Beside] = field(default_factory=list)

    @property
    def spellings(self) -> list[tuple[str, int]]:
        """As typed, the most frequent first; none where all typed what the group is called."""
        found = [each for used in self.names for each in used.spellings.items()]
        told = sorted(found, key=lambda each: (-each[1], each[0]))
        return [] if [words for words, _ in told] == [self.group] else told

    @property
    def shown_spellings(self) -> list[tuple[str, int]]:
        return self.spellings[:MOST_SPELLINGS]

    @property
    def more_spellings(self) -> int:
        return max(0, len(self.spellings) - MOST_SPELLINGS)

    @property
    def is_group(self) -> bool:
        return [used.name for used in self.names] != [self.group]

    @property
    def sought(self) -> str:
        """What a search looks in."""
        words = [self.group, self.code, *(used.name for used in self.names)]
        return " ".join([*words, *(typed for typed, _ in self.spellings)]).casefold()


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
    for proposal in proposals:
        for own, other in (proposal.names, proposal.names[::-1]):
            mine, theirs = found[group[own]], group[other]
            if len(mine) < MOST_PROPOSALS and theirs not in mine:
                words = "; ".join(each.words for each in proposal.evidence)
                mine[theirs] = Beside(theirs, rows[theirs].people, words, json.dumps([group[own], theirs]))
    return {own: list(others.values()) for own, others in found.items()}
