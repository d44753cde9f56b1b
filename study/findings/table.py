"""The answers of a study as arrays: who said what to which stimulus, at every layer of the names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from study import naming, results
from study.agreement import LAYERS
from study.agreement.codes import CANNOT, MISSING, NOTHING
from study.models import Answer, Exclusion, Participant, Stimulus, Study

NAMED = 0
KINDS = {
    Answer.Kind.NAME.value: NAMED,
    Answer.Kind.NOTHING_IN_COMMON.value: NOTHING,
    Answer.Kind.CANNOT_TELL.value: CANNOT,
}
"""A skipped trial is no answer and stands in no table."""


@dataclass(frozen=True)
class Person:
    pk: int
    code: str
    number: int
    condition: int | None
    """Primary key of their condition."""
    excluded: tuple[str, ...] = ()
    """The rules by which they are excluded now."""


@dataclass(frozen=True)
class Table:
    """Of every answer the last revision, of all who consented: excluded people too, previews never, and bots
    only where nobody else came. The arrays have one entry for each answer, in the order of storing."""

    stimuli: tuple[Stimulus, ...]
    people: tuple[Person, ...]
    unit: NDArray[np.int32]
    """Where in `stimuli`."""
    person: NDArray[np.int32]
    """Where in `people`."""
    kind: NDArray[np.int8]
    """NAMED, NOTHING or CANNOT."""
    seconds: NDArray[np.float64]
    """On the page; NaN where it is not known."""
    name: dict[str, NDArray[np.int32]]
    """By layer, where in `labels`; -1 for what is no name."""
    labels: dict[str, tuple[str, ...]]
    """By layer, the names in alphabetical order."""

    def codes(
        self, layer: str, *, units: Sequence[int] | None = None, people: Sequence[int] | None = None
    ) -> NDArray[np.int32]:
        """(U, R) as `study.agreement.codes` has it, of these rows of `stimuli` and `people`, or of all."""
        grid = self._grids[layer]
        rows = np.arange(len(self.stimuli)) if units is None else np.asarray(units, dtype=int)
        columns = np.arange(len(self.people)) if people is None else np.asarray(people, dtype=int)
        return grid[np.ix_(rows, columns)]

    @cached_property
    def _grids(self) -> dict[str, NDArray[np.int32]]:
        return {layer: self._grid(layer) for layer in self.name}

    def _grid(self, layer: str) -> NDArray[np.int32]:
        grid = np.full((len(self.stimuli), len(self.people)), MISSING, np.int32)
        grid[self.unit, self.person] = np.where(self.kind == NAMED, self.name[layer], self.kind)
        return grid

    def of(self, people: Sequence[int]) -> "Table":
        """The same with these people alone."""
        place = np.full(len(self.people), -1, np.int32)
        place[list(people)] = np.arange(len(people))
        kept = place[self.person] >= 0
        name = {layer: column[kept] for layer, column in self.name.items()}
        columns = (self.unit[kept], place[self.person][kept], self.kind[kept], self.seconds[kept])
        return Table(self.stimuli, tuple(self.people[one] for one in people), *columns, name, self.labels)

    def units(self, *kinds: str) -> list[int]:
        """The stimuli of these kinds, by their places."""
        return [place for place, one in enumerate(self.stimuli) if one.kind in kinds]

    def main(self) -> list[int]:
        """The people who are not excluded, by their places."""
        return [place for place, one in enumerate(self.people) if not one.excluded]


def read(study: Study, *, layers: "naming.Layers | None" = None) -> Table:
    """In as many queries however many answers there are."""
    stimuli = tuple(study.stimuli.select_related("condition").order_by("position"))
    simulated = results.is_simulated(study)
    people = _people(study, simulated)
    rows = list(_answers(study, simulated))
    unit = _places(stimuli, (row[0] for row in rows))
    person = _places(people, (row[1] for row in rows))
    kept = (unit >= 0) & (person >= 0)
    kind = np.array([KINDS[row[2]] for row in rows], np.int8)
    seconds = np.array([np.nan if row[4] is None else row[4] for row in rows], np.float64)
    name, labels = _names([row[3] for row in rows], kind, layers or naming.layers(study))
    name = {layer: column[kept] for layer, column in name.items()}
    return Table(stimuli, people, unit[kept], person[kept], kind[kept], seconds[kept], name, labels)


def _people(study: Study, simulated: bool) -> tuple[Person, ...]:
    who = {"study": study, "preview": False, "consented_at__isnull": False, "simulated": simulated}
    excluded: dict[int, list[str]] = {}
    standing = Exclusion.objects.filter(
        lifted_at=None, **{f"participant__{key}": value for key, value in who.items()}
    )
    for participant, rule in standing.order_by("pk").values_list("participant", "rule"):
        excluded.setdefault(participant, []).append(rule)
    rows = (
        Participant.objects.filter(**who).order_by("number").values_list("pk", "code", "number", "condition")
    )
    return tuple(Person(*row, excluded=tuple(excluded.get(row[0], ()))) for row in rows)


def _answers(study: Study, simulated: bool) -> Iterable[tuple[Any, ...]]:
    given = results.answers(study).filter(trial__participant__simulated=simulated)
    told = given.exclude(kind=Answer.Kind.SKIPPED).select_related(None).order_by()
    return told.values_list("trial__stimulus", "trial__participant", "kind", "words", "seconds").iterator(
        10_000
    )


def _places(rows: Sequence[Stimulus | Person], keys: Iterable[int]) -> NDArray[np.int32]:
    """-1 for a key that came meanwhile."""
    place = {row.pk: index for index, row in enumerate(rows)}
    return np.array([place.get(key, -1) for key in keys], np.int32)


def _names(
    words: Sequence[str], kind: NDArray[np.int8], layers: naming.Layers
) -> tuple[dict[str, NDArray[np.int32]], dict[str, tuple[str, ...]]]:
    """Each distinct name goes through the layers once."""
    raw = {text for text, one in zip(words, kind, strict=True) if one == NAMED}
    mechanical = {text: layers.mechanical(text) for text in raw}
    merged = {text: layers.merged(name) for text, name in mechanical.items()}
    name, labels = {}, {}
    for layer, derived in zip(LAYERS, ({text: text for text in raw}, mechanical, merged), strict=True):
        labels[layer] = tuple(sorted(set(derived.values())))
        place = {label: index for index, label in enumerate(labels[layer])}
        own = {text: place[label] for text, label in derived.items()}
        name[layer] = np.array([own.get(text, -1) for text in words], np.int32)
    return name, labels
