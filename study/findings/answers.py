"""The answers behind a number, and the spellings behind a name."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from study import naming, results
from study.models import Answer, Condition, Exclusion, Stimulus, Study

AT_ONCE = 50


@dataclass(frozen=True)
class Sought:
    stimulus: Stimulus | None = None
    condition: Condition | None = None
    """Of the people who answered."""
    kind: str = ""
    """Of the answer."""
    layer: str = "merged"
    name: str | None = None
    """As it is called at this layer."""
    analysis: str = "main"
    """"main" is without the people who are excluded, "all" with them."""


@dataclass(frozen=True)
class Found:
    answers: list[Answer]
    total: int
    after: int | None
    """The key on which the next page goes on."""


def find(study: Study, sought: Sought, after: int = 0) -> Found:
    """In the order in which they came, a page at a time: exactly the answers that the findings count."""
    matching = _matching(study, sought)
    rows = list(matching.filter(pk__gt=after).order_by("pk")[: AT_ONCE + 1])
    shown = rows[:AT_ONCE]
    return Found(shown, matching.order_by().count(), shown[-1].pk if len(rows) > AT_ONCE else None)


def spellings(table: dict[str, Any], layers: naming.Layers) -> dict[str, list[tuple[str, int]]]:
    """Of a stimulus' row in a snapshot: each merged name with what was typed for it, the commonest first."""
    told: dict[str, list[tuple[str, int]]] = {}
    for words, count in table["layers"]["raw"]["names"]:
        told.setdefault(layers.merged(layers.mechanical(words)), []).append((words, count))
    return told


def _matching(study: Study, sought: Sought) -> QuerySet[Answer]:
    rows = _counted(study)
    if sought.analysis == "main":
        standing = Exclusion.objects.filter(participant=OuterRef("trial__participant"), lifted_at=None)
        rows = rows.filter(~Exists(standing))
    if sought.stimulus:
        rows = rows.filter(trial__stimulus=sought.stimulus)
    if sought.condition:
        rows = rows.filter(trial__participant__condition=sought.condition)
    if sought.kind:
        rows = rows.filter(kind=sought.kind)
    return (
        rows if sought.name is None else rows.filter(kind=Answer.Kind.NAME, words__in=_typed(study, sought))
    )


def _counted(study: Study) -> QuerySet[Answer]:
    rows = results.answers(study).filter(trial__participant__simulated=results.is_simulated(study))
    return rows.exclude(kind=Answer.Kind.SKIPPED).select_related("trial__participant__condition")


def _typed(study: Study, sought: Sought) -> list[str]:
    """All words that were typed for this name."""
    if sought.layer == "raw":
        return [sought.name or ""]
    layers = naming.layers(study)
    given = _counted(study).filter(kind=Answer.Kind.NAME).select_related(None).order_by()
    if sought.stimulus:
        given = given.filter(trial__stimulus=sought.stimulus)
    words = given.values_list("words", flat=True).distinct()
    merged = layers.merged if sought.layer == "merged" else str
    return [text for text in words if merged(layers.mechanical(text)) == sought.name]
