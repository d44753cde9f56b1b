"""Merges, splits, codes and undos as rows that are only added: who, when, why, and of how many answers.

`by` is a user. `seen` is the coder's last row when the page was made (0 for none): who decides on an older
state is told so, and the same press twice is one row. None asks for no such check.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from annotations import Refusal
from study import lexicon, names
from study.models import NameEvent, Study, Version
from study.naming.layers import Layers, decided, of_decisions
from study.naming.vocabulary import counts

Kind = NameEvent.Kind
STALE = (
    "You decided something else meanwhile, perhaps in another tab. This page shows how it stands now; "
    "look at it and press again."
)
MOST_NAMES = 2000
LONGEST = NameEvent._meta.get_field("into").max_length
LONGEST_REASON = NameEvent._meta.get_field("reason").max_length


@dataclass(frozen=True)
class Intent:
    """A decision before it is made."""

    kind: str
    names: tuple[str, ...]
    into: str = ""
    undoes: int | None = None


@dataclass(frozen=True)
class Weighed:
    """What an intent would do. Nothing is stored."""

    intent: Intent
    before: Layers
    after: Layers
    answers: int
    """How many bear these names."""


def intend(study: Study, kind: str, marked: Iterable[str] = (), into: str = "") -> Intent:
    """Spelled as the layers spell; refuses what no state of the names could make right."""
    chosen = tuple(dict.fromkeys(marked))
    into = names.mechanical(into, study.language) if kind == Kind.MERGE else " ".join(into.split())
    if not chosen:
        raise Refusal("Mark the names that you mean first.")
    if len(chosen) > MOST_NAMES:
        raise Refusal(f"Mark at most {MOST_NAMES} names at once.")
    if kind == Kind.MERGE and not into:
        raise Refusal("Give the group a name.")
    if len(into) > LONGEST:
        raise Refusal(f"Give a name of up to {LONGEST} characters.")
    return Intent(kind, chosen, "" if kind == Kind.SPLIT else into)


def intend_undo(study: Study, pk: int, *, by: Any) -> Intent:
    event = study.name_events.filter(pk=pk, coder=by.get_username()).first()
    if event is None or event.kind not in (Kind.MERGE, Kind.SPLIT, Kind.CODE):
        raise Refusal("Only your own merges, splits and codes can be undone, and an undo cannot.")
    return Intent(Kind.UNDO, tuple(event.names), undoes=pk)


def weigh(study: Study, intent: Intent, *, by: Any, at_first: bool = False) -> Weighed:
    """What it would do now; refuses what cannot be done, and what would change nothing unless it is asked
    `at_first`, with words still to be filled in."""
    return _weigh(study, intent, list(_rows(study, by)), by, at_first)


@transaction.atomic
def decide(
    study: Study,
    intent: Intent,
    *,
    by: Any,
    reason: str = "",
    evidence: dict[str, Any] | None = None,
    seen: int | None = None,
) -> NameEvent:
    reason = " ".join(reason.split())
    if len(reason) > LONGEST_REASON:
        raise Refusal(f"Give a reason of up to {LONGEST_REASON} characters.")
    hold(study)
    rows = list(_rows(study, by))
    if seen is not None and (same := _pressed_twice(rows, seen, intent)):
        return same
    weighed = _weigh(study, intent, rows, by)
    return study.name_events.create(
        coder=by.get_username(),
        kind=intent.kind,
        names=list(intent.names),
        into=intent.into,
        undoes_id=intent.undoes,
        reason=reason,
        evidence=evidence or {},
        answers=weighed.answers,
        blind=study.blind_naming,
        layer_version=names.VERSION,
    )


def merge(study: Study, marked: Iterable[str], into: str, *, by: Any, **more: Any) -> NameEvent:
    """Puts these names, with the groups that they are in, into the group of that name."""
    return decide(study, intend(study, Kind.MERGE, marked, into), by=by, **more)


def split(study: Study, marked: Iterable[str], *, by: Any, **more: Any) -> NameEvent:
    """Takes each of these names out of its group."""
    return decide(study, intend(study, Kind.SPLIT, marked), by=by, **more)


def code(study: Study, marked: Iterable[str], given: str, *, by: Any, **more: Any) -> NameEvent:
    """Gives the groups of these names a code; an empty one takes it away."""
    return decide(study, intend(study, Kind.CODE, marked, given), by=by, **more)


def undo(study: Study, pk: int, *, by: Any, **more: Any) -> NameEvent:
    """Makes one of the coder's decisions as if it had never been."""
    return decide(study, intend_undo(study, pk, by=by), by=by, **more)


def last_row(study: Study, coder: str) -> int:
    """What `seen` is now."""
    return study.name_events.filter(coder=coder).order_by("pk").values_list("pk", flat=True).last() or 0


def hold(study: Study) -> None:
    """Until the transaction ends nobody else decides on the study's names, none of them is forgotten, and no
    findings are kept.

    Not the study's own row: newcomers wait for that one while they hold others.
    """
    Version.objects.select_for_update(no_key=True).filter(study=study).order_by("pk").first()


def _rows(study: Study, by: Any) -> Iterable[NameEvent]:
    return study.name_events.filter(coder=by.get_username()).order_by("pk")


def _pressed_twice(rows: list[NameEvent], seen: int, intent: Intent) -> NameEvent | None:
    """The row that this very press made already; refuses a press on an older state."""
    keys = [0, *(row.pk for row in rows)]
    if keys[-1] == seen:
        return None
    last = rows[-1] if rows else None
    if last and keys[-2] == seen and intent == _intent_of(last):
        return last
    raise Refusal(STALE)


def _intent_of(row: NameEvent) -> Intent:
    return Intent(row.kind, tuple(row.names), row.into, row.undoes_id)


def _weigh(study: Study, intent: Intent, rows: list[NameEvent], by: Any, at_first: bool = False) -> Weighed:
    made, counted = decided(study, rows), counts(study)
    before = of_decisions(study, by.get_username(), made)
    if intent.kind == Kind.UNDO:
        if any(row.undoes_id == intent.undoes for row in rows):
            raise Refusal("This decision is undone already.")
    else:
        _check_names(intent, before, counted)
    key = max((each.key for each in made), default=0) + 1
    last = lexicon.Decision(key, intent.kind, intent.names, intent.into, intent.undoes)
    after = of_decisions(study, by.get_username(), [*made, last])
    if intent.kind != Kind.UNDO and not at_first and before.lexicon == after.lexicon:
        raise Refusal(_changes_nothing(intent))
    return Weighed(intent, before, after, _answers_of(intent, before, counted))


def _check_names(intent: Intent, before: Layers, counted: Counter[str]) -> None:
    grouped = {*before.lexicon.merged, *before.lexicon.merged.values()}
    if strange := [each for each in intent.names if each not in counted and each not in grouped]:
        raise Refusal(f"Nobody's answer is called “{strange[0][:LONGEST]}” any more; look at the list again.")
    if intent.kind == Kind.SPLIT and (alone := [each for each in intent.names if each not in grouped]):
        raise Refusal(f"“{alone[0]}” stands alone already.")


def _changes_nothing(intent: Intent) -> str:
    if intent.kind == Kind.CODE:
        return f"They have the code “{intent.into}” already." if intent.into else "They have no code."
    if len(intent.names) == 1:
        return "Mark two names or more to merge them."
    return f"These names are in the group “{intent.into}” already."


def _answers_of(intent: Intent, before: Layers, counted: Counter[str]) -> int:
    """A merge or a code takes whole groups along; a split the names alone."""
    if intent.kind == Kind.SPLIT:
        return sum(counted[name] for name in intent.names)
    groups = {before.merged(name) for name in intent.names}
    return sum(many for name, many in counted.items() if before.merged(name) in groups)
