"""What people call summaries against what automatic taggers call them, at the merged layer of the names.

A tag takes the way of a name: without form, then to the name that the coder merged it into. A tag may carry
synonyms, parted by commas. Taggers and people are compared on the summaries that have tags; decoys, gold and
repeats have none. Participants never see a tag.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from study import naming
from study.agreement import tagging
from study.agreement.codes import MISSING
from study.findings.estimates import told
from study.findings.table import Table
from study.models import Stimulus, Study
from summaries import exhibits
from summaries.exhibits import Tags

LAYER = "merged"
MEANS = {"hit1": "hit1", "hit5": "hit5", "mrr": "reciprocal"}
"""Keys of the section, and the scores whose means they are."""
TOLD = 10
"""Tags of each summary that a snapshot keeps."""


@dataclass(frozen=True)
class Tagged:
    """What one tagger says of one network's summaries, beside what people said of them."""

    tagger: str
    version: str
    network: str
    units: tuple[int, ...]
    """Where in the table's stimuli."""
    groups: tuple[str, ...]
    """Of each of these the class."""
    codes: NDArray[np.int32]
    """(U, R) of the people who answered any of them."""
    ranks: NDArray[np.int64]
    """(U, L)."""

    @cached_property
    def reciprocal(self) -> dict[int, float]:
        """Of each summary that was named."""
        found = tagging.scores(self.codes, self.ranks).reciprocal.tolist()
        return {unit: value for unit, value in zip(self.units, found, strict=True) if value == value}

    def by_group(self) -> dict[str, float]:
        """Means over the summaries of each class."""
        own: dict[str, list[float]] = defaultdict(list)
        for unit, group in zip(self.units, self.groups, strict=True):
            if unit in self.reciprocal:
                own[group].append(self.reciprocal[unit])
        return {group: float(np.mean(values)) for group, values in own.items()}


def section(study: Study, table: Table, layers: naming.Layers) -> dict[str, Any]:
    """Of each tagger and network hit rates, reciprocal ranks, agreement and confusion; taggers against each
    other on the same summaries, and networks on the same classes; and the tags of every stimulus."""
    shown = table.units(Stimulus.Kind.SUMMARY)
    told = exhibits.tags_of(table.stimuli[unit].exhibit for unit in shown)
    tags = {unit: own for unit in shown if (own := told[table.stimuli[unit].exhibit])}
    tagged = _tagged(table, layers, tags)
    return {
        "taggers": [_row(one) for one in tagged],
        "pairs": [*_taggers_compared(tagged), *_networks_compared(tagged)],
        "stimuli": {str(table.stimuli[unit].pk): _listed(own) for unit, own in tags.items()},
    }


def _listed(tags: Iterable[Tags]) -> dict[str, list[list[Any]]]:
    return {one.tagger: [[tag, score] for tag, score in one.tags[:TOLD]] for one in tags}


def _tagged(table: Table, layers: naming.Layers, tags: Mapping[int, Sequence[Tags]]) -> list[Tagged]:
    names = _Names(table.labels[LAYER], layers)
    own: dict[tuple[str, str, str], dict[int, list[set[int]]]] = defaultdict(dict)
    for unit, several in tags.items():
        for one in several:
            own[one.tagger, one.version, one.network][unit] = [names.of(tag) for tag, _ in one.tags]
    return [_beside(table, key, ranked, len(names.number)) for key, ranked in sorted(own.items())]


def _beside(
    table: Table, key: tuple[str, str, str], ranked: Mapping[int, list[set[int]]], names: int
) -> Tagged:
    units = tuple(sorted(ranked))
    codes = table.codes(LAYER, units=units)
    return Tagged(
        *key,
        units=units,
        groups=tuple(table.stimuli[unit].group for unit in units),
        codes=codes[:, (codes != MISSING).any(0)],
        ranks=tagging.ranks([ranked[unit] for unit in units], names),
    )


class _Names:
    """The names of a study, numbered as its table has them; tags that nobody gave are numbered after them."""

    def __init__(self, labels: Iterable[str], layers: naming.Layers) -> None:
        self.layers = layers
        self.number = {label: index for index, label in enumerate(labels)}

    def of(self, tag: str) -> set[int]:
        said = {self.layers.merged(self.layers.mechanical(word)) for word in tag.split(",")}
        return {self.number.setdefault(name, len(self.number)) for name in said if name}


def _row(tagged: Tagged) -> dict[str, Any]:
    codes, ranks = tagged.codes, tagged.ranks
    return {
        "tagger": tagged.tagger,
        "version": tagged.version,
        "network": tagged.network,
        "summaries": len(tagged.units),
        **{key: told(tagging.mean_of(measure, codes, ranks)) for key, measure in MEANS.items()},
        "modal_agrees": told(tagging.agreement_of(codes, ranks)),
        "confusion": asdict(tagging.confusion(codes, ranks)),
    }


def _taggers_compared(tagged: Sequence[Tagged]) -> Iterable[dict[str, Any]]:
    """On the summaries of one network that both tagged and people named."""
    for ours, theirs in combinations(tagged, 2):
        if ours.network == theirs.network:
            yield _compared(ours.tagger, theirs.tagger, ours.reciprocal, theirs.reciprocal) | {
                "by": "summary",
                "tagger": "",
                "network": ours.network,
            }


def _networks_compared(tagged: Sequence[Tagged]) -> Iterable[dict[str, Any]]:
    """By one tagger, on the classes of which both networks have summaries that people named."""
    for ours, theirs in combinations(tagged, 2):
        if (ours.tagger, ours.version) == (theirs.tagger, theirs.version):
            yield _compared(ours.network, theirs.network, ours.by_group(), theirs.by_group()) | {
                "by": "class",
                "tagger": ours.tagger,
                "network": "",
            }


def _compared(a: str, b: str, ours: Mapping[Any, float], theirs: Mapping[Any, float]) -> dict[str, Any]:
    """By Wilcoxon's signed-rank test of the reciprocal ranks."""
    both = sorted(ours.keys() & theirs.keys())
    found = tagging.compare([ours[key] for key in both], [theirs[key] for key in both])
    return {"a": a, "b": b, **asdict(found)}
