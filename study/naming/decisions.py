"""Merges, splits, codes and undos as rows that are only added: who, when, why, and of how many answers.

`by` is a user. `seen` is the coder's last row when the page was made (0 for none): who decides on an older
state is told so, and the same press twice is one row. None asks for no such check.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.db import transaction

from annotations import Refusal
from study import names
from study.models import NameEvent, Study, Version
from study.naming.layers import Layers, of_events
from study.naming.vocabulary import counts

Kind = NameEvent.Kind
STALE = (
    "You decided something else meanwhile, perhaps in another tab. This page shows how it stands now; "
    "look at it and press again."
)
MOST_NAMES = 2000
LONGEST = NameEvent._meta.get_field("into").max_length
LONGEST_REASON = NameEvent._meta.get_field("reason").max_length


def merge(study: Study, marked: Iterable[str], into: str, *, by: Any, **more: Any) -> NameEvent:
    """Puts these names, with the groups that they are in, into the group of that name."""
    chosen, name = _distinct(marked), names.mechanical(into, study.language)
    if not name or len(name) > LONGEST:
        raise Refusal(f"Give the group a name of up to {LONGEST} characters.")

    def check(before: Layers) -> None:
        groups = {before.merged(each) for each in (*chosen, name)}
        if len(groups) == 1 and before.merged(name) == name:
            raise Refusal(f"These names are in the group “{name}” already.")
        if len(chosen) == 1 and len(groups) == 1 and not before.lexicon.members().get(before.merged(name)):
            raise Refusal("Mark two names or more to merge them.")

    return _add(study, by, Kind.MERGE, chosen, name, check=check, **more)


def split(study: Study, marked: Iterable[str], *, by: Any, **more: Any) -> NameEvent:
    """Takes each of these names out of its group."""
    chosen = _distinct(marked)

    def check(before: Layers) -> None:
        grouped = {*before.lexicon.merged, *before.lexicon.merged.values()}
        if alone := [each for each in chosen if each not in grouped]:
            raise Refusal(f"“{alone[0]}” stands alone already.")

    return _add(study, by, Kind.SPLIT, chosen, "", check=check, **more)


def code(study: Study, marked: Iterable[str], given: str, *, by: Any, **more: Any) -> NameEvent:
    """Gives the groups of these names a code; an empty one takes it away."""
    chosen, given = _distinct(marked), " ".join(given.split())
    if len(given) > LONGEST:
        raise Refusal(f"Give a code of up to {LONGEST} characters.")

    def check(before: Layers) -> None:
        if {before.code(before.merged(each)) for each in chosen} == {given}:
            raise Refusal(f"They have the code “{given}” already." if given else "They have no code.")

    return _add(study, by, Kind.CODE, chosen, given, check=check, **more)


def undo(study: Study, pk: int, *, by: Any, **more: Any) -> NameEvent:
    """Makes one of the coder's decisions as if it had never been."""
    event = study.name_events.filter(pk=pk, coder=by.get_username()).first()
    if event is None or event.kind not in (Kind.MERGE, Kind.SPLIT, Kind.CODE):
        raise Refusal("Only your own merges, splits and codes can be undone, and an undo cannot.")

    def check(before: Layers) -> None:
        if NameEvent.objects.filter(undoes=event).exists():
            raise Refusal("This decision is undone already.")

    return _add(study, by, Kind.UNDO, tuple(event.names), "", undoes=event, check=check, **more)


def last_row(study: Study, coder: str) -> int:
    """What `seen` is now."""
    return study.name_events.filter(coder=coder).order_by("pk").values_list("pk", flat=True).last() or 0


def hold(study: Study) -> None:
    """Until the transaction ends nobody else decides on the study's names, and none of them is forgotten.

    Not the study's own row: newcomers wait for that one while they hold others.
    """
    Version.objects.select_for_update(no_key=True).filter(study=study).order_by("pk").first()


@transaction.atomic
def _add(
    study: Study,
    by: Any,
    kind: str,
    chosen: tuple[str, ...],
    into: str,
    *,
    check: Callable[[Layers], None],
    reason: str = "",
    evidence: dict[str, Any] | None = None,
    seen: int | None = None,
    undoes: NameEvent | None = None,
) -> NameEvent:
    hold(study)
    coder = by.get_username()
    told = {"kind": kind, "names": list(chosen), "into": into, "undoes": undoes}
    rows = list(study.name_events.filter(coder=coder).order_by("pk"))
    if seen is not None and (same := _pressed_twice(rows, seen, told)):
        return same
    before, counted = of_events(study, coder, rows), counts(study)
    if kind != Kind.UNDO:
        _check_names(chosen, before, counted)
    check(before)
    return NameEvent.objects.create(
        study=study,
        coder=coder,
        reason=_checked_reason(reason),
        evidence=evidence or {},
        answers=_answers_of(chosen, before, counted, whole=kind != Kind.SPLIT),
        blind=study.blind_naming,
        layer_version=names.VERSION,
        **told,
    )


def _distinct(marked: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(marked))


def _pressed_twice(rows: list[NameEvent], seen: int, told: dict[str, Any]) -> NameEvent | None:
    """The row that this very press made already; refuses a press on an older state."""
    keys = [0, *(row.pk for row in rows)]
    if keys[-1] == seen:
        return None
    same = all(getattr(rows[-1], name) == value for name, value in told.items())
    if same and keys[-2:-1] == [seen]:
        return rows[-1]
    raise Refusal(STALE)


def _check_names(chosen: tuple[str, ...], before: Layers, counted: Collection[str]) -> None:
    if not chosen:
        raise Refusal("Mark the names that you mean first.")
    if len(chosen) > MOST_NAMES:
        raise Refusal(f"Mark at most {MOST_NAMES} names at once.")
    known = {*counted, *before.lexicon.merged.values()}
    if strange := [each for each in chosen if each not in known]:
        raise Refusal(
            f"Nobody's answers are called “{strange[0][:LONGEST]}” any more; look at the list again."
        )


def _checked_reason(reason: str) -> str:
    reason = " ".join(reason.split())
    if len(reason) > LONGEST_REASON:
        raise Refusal(f"Give a reason of up to {LONGEST_REASON} characters.")
    return reason


def _answers_of(chosen: tuple[str, ...], before: Layers, counted: Counter[str], *, whole: bool) -> int:
    """How many answers bear these names; `whole`: with all names of their groups."""
    groups = {before.merged(name) for name in chosen}
    if not whole:
        return sum(counted[name] for name in chosen)
    return sum(many for name, many in counted.items() if before.merged(name) in groups)
