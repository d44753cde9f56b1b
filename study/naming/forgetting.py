"""Names that only somebody who withdrew had typed leave the log of decisions, and the decisions stay."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from study import lexicon, names
from study.models import Answer, NameEvent, Study
from study.naming.decisions import hold

CUT = "…"
SHORT = 5
"""Letters of an English name below which it is only cut out where it stands as a word of its own."""


def forget(study: Study, words: Iterable[str]) -> int:
    """To be called in the transaction that erased these answers. How many rows of the log it changed.

    A name that nobody else typed gives way to a mark that says nothing, the same one everywhere, so what was
    decided on other names is replayed as before. In reasons, codes and evidence it is cut out.
    """
    words = {each for each in words if each}
    if not words or not study.name_events.exists():
        return 0
    hold(study)
    others = Answer.objects.filter(trial__participant__study=study, trial__participant__preview=False)
    kept = {names.mechanical(each, study.language) for each in _distinct_words(others)}
    gone = {each: names.mechanical(each, study.language) for each in words}
    gone = {raw: name for raw, name in gone.items() if name not in kept}
    events, pattern = list(study.name_events.order_by("pk")), _pattern(gone)
    marks = _marks(events, lambda name: name not in kept and bool(pattern.search(name)))
    changed = [event for event in events if _cleanse(event, marks, pattern)]
    NameEvent.objects.bulk_update(changed, ["names", "into", "reason", "evidence"], batch_size=200)
    return len(changed)


def _distinct_words(rows: Any) -> Iterable[str]:
    return rows.filter(kind=Answer.Kind.NAME).order_by().values_list("words", flat=True).distinct()


def _marks(events: list[NameEvent], is_gone: Callable[[str], bool]) -> dict[str, str]:
    """A mark for each such name of the log, also for one that a coder made of it."""
    merged = (event for event in events if event.kind != NameEvent.Kind.CODE)
    used = {name for event in events for name in event.names} | {event.into for event in merged}
    taken = sum(name.startswith(lexicon.FORGOTTEN) for name in used)
    gone = sorted(name for name in used if is_gone(name))
    return {name: f"{lexicon.FORGOTTEN}{number}" for number, name in enumerate(gone, taken + 1)}


def _pattern(gone: dict[str, str]) -> re.Pattern[str]:
    told = sorted({*gone, *gone.values(), *map(names.form, gone)}, key=len, reverse=True)
    words = [each for each in map(str.strip, told) if each]
    edged = ((each, r"\b" if each.isascii() and len(each) < SHORT else "") for each in words)
    return re.compile("|".join(f"{edge}{re.escape(each)}{edge}" for each, edge in edged) or r"(?!)", re.I)


def _cleanse(event: NameEvent, marks: dict[str, str], gone: re.Pattern[str]) -> bool:
    """Whether there was anything to take out."""
    is_code = event.kind == NameEvent.Kind.CODE
    told = {
        "names": [marks.get(name, name) for name in event.names],
        "into": gone.sub(CUT, event.into) if is_code else marks.get(event.into, event.into),
        "reason": gone.sub(CUT, event.reason),
        "evidence": _cut(event.evidence, gone),
    }
    before = {field: getattr(event, field) for field in told}
    for field, value in told.items():
        setattr(event, field, value)
    return told != before


def _cut(value: Any, gone: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {key: _cut(each, gone) for key, each in value.items()}
    if isinstance(value, list):
        return [_cut(each, gone) for each in value]
    return gone.sub(CUT, value) if isinstance(value, str) else value
