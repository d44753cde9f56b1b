"""Figures with what they need of the rows: pictures of the stimuli, times by place, the participant flow."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from annotations import files
from study import figures, results
from study.models import Answer, Exclusion, Study
from study.report.document import Plate
from study.report.flow import flow

MOST_PAGES = 6
"""Of one figure in a report; the whole figure is on the results page."""


def draw(study: Study, content: Mapping[str, Any], name: str, format: str, **choice: Any) -> bytes:
    """One of `study.figures.FIGURES`, with all that it shows beside numbers."""
    if name == "forest" and not choice.get("masked"):
        choice["pictures"] = _pictures(study)
    elif name == "times":
        choice["positions"] = positions(study, everybody=choice.get("analysis") == "all")
    elif name == "flow":
        choice["flow"] = flow(study).steps
    return figures.draw(name, content, format, **choice)


def plates(content: Mapping[str, Any], name: str) -> Iterator[Plate]:
    """The pages of one figure."""
    total = figures.pages(name, content)
    for page in range(1, min(total, MOST_PAGES) + 1):
        chosen = figures.Choice(page=page if total > 1 else None)
        told = figures.caption(name, content, chosen)
        if total > 1:
            told += f" Page {page} of {total}" + (
                ", of which the first are shown." if total > MOST_PAGES else "."
            )
        yield Plate(name, told, figures.alternative_text(name, content, chosen), chosen.page)


def positions(study: Study, *, everybody: bool = False) -> list[dict[str, Any]]:
    """Median and quartiles of the seconds on a page, by its place in people's order and by kind."""
    simulated = results.is_simulated(study)
    given = results.answers(study).filter(trial__participant__simulated=simulated, seconds__isnull=False)
    if not everybody:
        standing = Exclusion.objects.filter(participant__study=study, lifted_at=None)
        given = given.exclude(trial__participant__in=standing.values("participant"))
    rows = given.exclude(kind=Answer.Kind.SKIPPED).order_by().select_related(None)
    found: dict[tuple[str, int], list[float]] = {}
    for position, kind, seconds in rows.values_list("trial__position", "trial__stimulus__kind", "seconds"):
        found.setdefault((kind, position), []).append(seconds)
    return [_place(kind, position, seconds) for (kind, position), seconds in sorted(found.items())]


def _place(kind: str, position: int, seconds: list[float]) -> dict[str, Any]:
    low, middle, high = np.quantile(seconds, [0.25, 0.5, 0.75]).tolist()
    return {"position": position, "kind": kind, "median": middle, "quartiles": (low, high), "n": len(seconds)}


def _pictures(study: Study) -> dict[int, bytes]:
    """The first picture of each stimulus that the store still has."""
    found = {}
    for pk, pictures in study.stimuli.values_list("pk", "pictures"):
        try:
            found[pk] = files.get(pictures[0])
        except (files.Missing, IndexError):
            continue
    return found
