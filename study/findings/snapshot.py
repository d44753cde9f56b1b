"""The findings of a study, kept for as long as nothing has changed that they depend on.

A small study is measured when somebody looks; a large one by a worker, while pages show the last snapshot.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max
from kombu.exceptions import OperationalError

from study import naming, results
from study.findings import measure, table
from study.models import Answer, Exclusion, Snapshot, Study
from summaries import exhibits
from summaries.models import Run

AT_ONCE = 1_500
"""Answers up to which a page waits for its findings."""
KEPT = 5
"""Snapshots of a study, beside that of the last look; older ones go."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Findings:
    content: dict[str, Any] | None
    """Of the newest snapshot (`study.findings.measure`); None before there is any."""
    fresh: bool
    """Nothing has changed since; else newer ones are being made."""
    made_at: datetime | None


def stamp(study: Study) -> str:
    """A hash of everything that the findings depend on."""
    versions = [settings.VERSION, measure.VERSION, naming.layers(study).stamp]
    told = [*versions, *_answered(study), *_shown(study)]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def latest(study: Study) -> Snapshot | None:
    """The newest one, whether or not it is still right."""
    return study.snapshots.order_by("-pk").first()


def renew(study: Study) -> Snapshot:
    """The snapshot of the study as it is now, measured only if it is not there yet; anew if somebody withdrew
    while it was measured, whose words would be in it."""
    while True:
        withdrew, wanted = study.tombstones.count(), stamp(study)
        if kept := study.snapshots.filter(stamp=wanted).first():
            return kept
        if made := _store(study, wanted, _measured(study, wanted), withdrew):
            return made


def findings(study: Study) -> Findings:
    """For a page: at once where the study is small, else the last snapshot while a worker makes the next."""
    kept, wanted = latest(study), stamp(study)
    if kept is None or kept.stamp != wanted:
        if not _is_small(study):
            _ask(study)
            return _told(kept, fresh=False)
        kept = renew(study)
    return _told(kept, fresh=True)


def _told(kept: Snapshot | None, *, fresh: bool) -> Findings:
    if kept is None:
        return Findings(None, fresh, None)
    return Findings(kept.content, fresh, kept.made_at)


def _measured(study: Study, wanted: str) -> dict[str, Any]:
    began = perf_counter()
    layers = naming.layers(study)
    content = measure.content(study, table.read(study, layers=layers), layers)
    return content | {"stamp": wanted, "seconds": round(perf_counter() - began, 2)}


@transaction.atomic
def _store(study: Study, wanted: str, content: dict[str, Any], withdrew: int) -> Snapshot | None:
    """One row for each state, whoever was first; None, and no row, where more withdrew than these."""
    naming.hold(study)  # as whoever withdraws does before the findings go: before this, or after it
    if study.tombstones.count() != withdrew:
        return None
    made, first = study.snapshots.get_or_create(stamp=wanted, defaults={"content": content})
    if first:
        _forget_old(study)
    return made


def _forget_old(study: Study) -> None:
    newest = study.snapshots.order_by("-pk").values_list("pk", flat=True)[:KEPT]
    last = study.looks_taken.order_by("pk").last()
    looked_at = last.estimate.get("stamp") if last else None
    study.snapshots.exclude(pk__in=list(newest)).exclude(stamp=looked_at or "").delete()


def _is_small(study: Study) -> bool:
    return results.answers(study).order_by()[: AT_ONCE + 1].count() <= AT_ONCE


def _ask(study: Study) -> None:
    """A worker that finds the snapshot made already has nothing to do."""
    try:
        current_app.send_task("study.tasks.renew_findings", [study.pk], queue="cpu", retry=False)
    except (OperationalError, OSError):
        log.exception("The findings of study %s could not be asked for now.", study.pk)


def _answered(study: Study) -> list[Any]:
    """Answers are only added, and taken away where somebody withdraws."""
    given = Answer.objects.filter(trial__participant__study=study).order_by()
    people = study.participants.filter(preview=False).order_by()
    ends = people.values("outcome", "simulated", "condition").annotate(
        arrived=Count("pk"), consented=Count("consented_at")
    )
    standing = Exclusion.objects.filter(participant__study=study)
    return [
        given.aggregate(last=Max("pk"), count=Count("pk")),
        sorted(ends, key=str),
        study.tombstones.count(),
        standing.aggregate(last=Max("pk"), count=Count("pk"), lifted=Count("lifted_at")),
    ]


def _shown(study: Study) -> list[Any]:
    fields = ("pk", "kind", "condition__name", "position", "accepted", "source", "title", "group", "exhibit")
    more = ("removed_at", "stopped_at", "stop_reason", "answers_saved")
    stimuli = list(study.stimuli.order_by("pk").values_list(*fields, *more))
    keys = [row[fields.index("exhibit")] for row in stimuli]
    tags = Run.objects.filter(of__in=exhibits.runs_of(keys), method=Run.Method.TAGS, state=Run.State.FINISHED)
    return [stimuli, sorted(tags.values_list("pk", flat=True))]
