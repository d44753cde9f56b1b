"""Names that only somebody who withdrew had typed leave the log of decisions, and the decisions stay."""

import re
from collections.abc import Iterable
from typing import Any

from study import lexicon, names
from study.models import Answer, NameEvent, Study
from study.naming.decisions import hold

CUT = "…"


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
    events = list(study.name_events.order_by("pk"))
    marks = _marks(sorted(set(gone.values())), events)
    changed = [event for event in events if _cleanse(event, study.language, marks, _pattern(gone))]
    NameEvent.objects.bulk_update(changed, ["names", "into", "reason", "evidence"], batch_size=200)
    return len(changed)


def _distinct_words(rows: Any) -> Iterable[str]:
    return rows.filter(kind=Answer.Kind.NAME).order_by().values_list("words", flat=True).distinct()


def _marks(gone: list[str], events: list[NameEvent]) -> dict[str, str]:
    used = {each for event in events for each in (*event.names, event.into)}
    taken = sum(each.startswith(lexicon.FORGOTTEN) for each in used)
    return {name: f"{lexicon.FORGOTTEN}{number}" for number, name in enumerate(gone, taken + 1)}


def _pattern(gone: dict[str, str]) -> re.Pattern[str]:
    told = sorted({*gone, *gone.values(), *map(names.form, gone)}, key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for each in told if each) or r"(?!)", re.I)


def _cleanse(event: NameEvent, language: str, marks: dict[str, str], gone: re.Pattern[str]) -> bool:
    """Whether there was anything to take out."""

    def marked(name: str) -> str:
        return marks.get(names.mechanical(name, language), name)

    free = event.kind == NameEvent.Kind.CODE
    told = {
        "names": [marked(name) for name in event.names],
        "into": gone.sub(CUT, event.into) if free else marked(event.into),
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
