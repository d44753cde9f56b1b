"""Who decides on a study's names, each on their own, and how far two of them agree."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from annotations import Refusal
from study import lexicon, names
from study.models import NameEvent, Study
from study.naming.decisions import hold
from study.naming.layers import deciding, of_events
from study.naming.vocabulary import counts

DONE, OPENED = NameEvent.Kind.DONE, NameEvent.Kind.OPENED
"""Kinds of rows beside decisions: a coder is done; the coders may see each other's decisions from now on."""


@dataclass(frozen=True)
class Coder:
    name: str
    decisions: int
    done: bool
    """Said so, and has decided nothing since."""
    counts: bool
    """Theirs make the merged names."""


@dataclass(frozen=True)
class Agreement:
    """Of two coders."""

    one: str
    other: str
    comparison: lexicon.Comparison


def coders(study: Study, events: list[NameEvent] | None = None) -> list[Coder]:
    """All who decided anything, in the order in which they began."""
    events = list(study.name_events.order_by("pk")) if events is None else events
    chosen, found = deciding(study, events), {}
    for event in events:
        if event.kind in lexicon.DECISIONS:
            found.setdefault(event.coder, []).append(event)
    last = {event.coder: event.kind for event in events if event.kind != OPENED}
    return [Coder(name, len(rows), last[name] == DONE, name == chosen) for name, rows in found.items()]


def is_open(study: Study) -> bool:
    """Whether coders may see each other's decisions."""
    return study.name_events.filter(kind=OPENED).exists()


@transaction.atomic
def declare_done(study: Study, by: Any) -> bool:
    """Once two coders or more have decided and all are done, the comparison opens. Whether it is open now."""
    hold(study)
    known = {each.name: each for each in coders(study)}
    own = known.get(by.get_username())
    if own is None:
        raise Refusal("You have not decided on any name yet.")
    if not own.done:
        _note(study, by, DONE)
    others = [each for name, each in known.items() if name != own.name]
    if others and all(each.done for each in others) and not is_open(study):
        _note(study, by, OPENED, "all coders are done")
    return is_open(study)


@transaction.atomic
def open_comparison(study: Study, by: Any, reason: str) -> None:
    """By hand, before all are done: it is recorded who did it and why."""
    hold(study)
    if is_open(study):
        raise Refusal("The comparison is open already.")
    if not (reason := " ".join(reason.split())):
        raise Refusal("Say why the comparison is opened before all coders are done.")
    _note(study, by, OPENED, reason[:300])


def agreements(study: Study) -> list[Agreement]:
    """Of every two coders, over the names that there are now."""
    events = list(study.name_events.order_by("pk"))
    known = [each.name for each in coders(study, events)]
    answers = counts(study)
    tables = {
        name: of_events(study, name, [event for event in events if event.coder == name]).lexicon
        for name in known
    }
    return [
        Agreement(one, other, lexicon.compare(answers, tables[one], tables[other]))
        for place, one in enumerate(known)
        for other in known[place + 1 :]
    ]


def _note(study: Study, by: Any, kind: str, reason: str = "") -> None:
    study.name_events.create(
        coder=by.get_username(),
        kind=kind,
        reason=reason,
        answers=0,
        blind=study.blind_naming,
        layer_version=names.VERSION,
    )
