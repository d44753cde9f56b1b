"""The layers of a study's names: as typed, mechanical, merged as one coder decided, and coded."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from study import lexicon, names
from study.models import NameEvent, Study


@dataclass(frozen=True)
class Layers:
    """How words become names. Looked up, never stored: the same rows give the same."""

    language: str
    version: str
    """Of the mechanical layer."""
    coder: str
    """Whose decisions make the merged layer; "" while nobody has decided."""
    events: int
    """How many decisions of theirs there are; undone ones and undos count too."""
    lexicon: lexicon.Lexicon
    stamp: str
    """Hash of all that decides what the layers give."""

    def mechanical(self, words: str) -> str:
        return names.mechanical(words, self.language)

    def merged(self, mechanical: str) -> str:
        return self.lexicon.group(mechanical)

    def code(self, merged: str) -> str:
        """ "" where the name has none."""
        return self.lexicon.codes.get(merged, "")


def layers(study: Study, coder: str | None = None) -> Layers:
    """By the decisions of this coder, or of the one whose decisions count."""
    events = list(study.name_events.order_by("pk"))
    whose = deciding(study, events) if coder is None else coder
    return of_events(study, whose, [event for event in events if event.coder == whose])


def deciding(study: Study, events: Iterable[NameEvent]) -> str:
    """The coder whom the study names, else who decided first; "" where nobody has."""
    first = (event.coder for event in events if event.kind in lexicon.DECISIONS)
    return study.coder or next(first, "")


def of_events(study: Study, coder: str, events: Iterable[NameEvent]) -> Layers:
    """By these rows, all of one coder."""
    return of_decisions(study, coder, decided(study, events))


def of_decisions(study: Study, coder: str, made: Sequence[lexicon.Decision]) -> Layers:
    table = lexicon.replay(made)
    told = [names.VERSION, study.language, coder, len(made), table.merged, table.codes]
    stamp = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return Layers(study.language, names.VERSION, coder, len(made), table, stamp)


def decided(study: Study, events: Iterable[NameEvent]) -> list[lexicon.Decision]:
    """As the present version of the mechanical layer spells the names: it may have changed since."""
    return [
        lexicon.Decision(
            event.pk,
            event.kind,
            tuple(_spelled(name, study.language) for name in event.names),
            event.into if event.kind == NameEvent.Kind.CODE else _spelled(event.into, study.language),
            event.undoes_id,
        )
        for event in events
        if event.kind in lexicon.DECISIONS
    ]


def _spelled(name: str, language: str) -> str:
    return name if name.startswith(lexicon.FORGOTTEN) else names.mechanical(name, language)
