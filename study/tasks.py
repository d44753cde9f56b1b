"""Celery's door: what the clock asks for, and findings that take a while."""

import logging

from celery import shared_task
from django.utils import timezone

from study import exclusions, looks, retention, rights, tombstones
from study.findings import snapshot
from study.models import Study

log = logging.getLogger(__name__)


@shared_task(name="study.tasks.keep_promises")
def keep_promises() -> None:
    """Who withdrew stays erased, whose time is over is forgotten, and who left is judged by the declared
    exclusion rules; safe at any time."""
    for study in Study.objects.filter(tombstones__isnull=False).distinct():
        tombstones.note(study)
    erased = rights.reapply(tombstones.known())
    forgotten = retention.pseudonymise(timezone.now())
    excluded = exclusions.judge_all()
    log.info("Erased again: %d. Pseudonymised: %d. Exclusions: %d.", erased, forgotten, excluded)


@shared_task(name="study.tasks.review_stops")
def review_stops() -> None:
    """Summaries that have enough answers by their study's declared rule get no further ones."""
    log.info("Summaries that were stopped: %d.", looks.review_all())


@shared_task(name="study.tasks.renew_findings")
def renew_findings(study_pk: int) -> None:
    """Measures what a large study found; whoever comes second finds it done."""
    if study := Study.objects.filter(pk=study_pk).first():
        snapshot.renew(study)
