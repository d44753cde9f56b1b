"""Celery's door: fetch by key, call one function, queue what follows. The numerics load in the body only."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from celery import shared_task
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from summaries import jobs, workers
from summaries.models import Job, Run

RESEND_AFTER = timedelta(seconds=60)
AT_ONCE = 50

log = logging.getLogger(__name__)


@shared_task(name="summaries.tasks.do_job")
def do_job(job_pk: int) -> None:
    from summaries.pipeline import work

    if run := work.perform(job_pk):
        send(run)


@shared_task(name="summaries.tasks.begin")
def begin(run_pk: int) -> None:
    """Plans the run's next stage where the last one is done; safe at any time."""
    from summaries.pipeline import work

    run = Run.objects.get(pk=run_pk)
    work.advance(run)
    send(run)


@shared_task(name="summaries.tasks.reap")
def reap() -> None:
    """Puts back the jobs of dead workers, and sends again what no message may be left of."""
    jobs.reap_expired(Job.objects.all())
    for run in Run.objects.filter(state=Run.State.RUNNING, queued=True):
        send(run)
        if not run.jobs.filter(stage=run.stage).exclude(state=Job.State.DONE).exists():
            start(run.pk)


def hand_back(processes: Iterable[int]) -> None:
    """Puts back what these processes of this machine hold: they are about to be stopped, not dead."""
    holders = [workers.named(process) for process in processes]
    for job in Job.objects.filter(state=Job.State.CLAIMED, worker__in=holders):
        jobs.release(job)


def start(run_pk: int) -> None:
    """Asks a worker to take the run up. With the queue out of reach a worker finds it by itself later."""
    try:
        begin.apply_async([run_pk], queue="cpu", retry=False)
    except (OperationalError, OSError):
        log.exception("Run %s could not be queued now; the workers look for it by themselves.", run_pk)


def send(run: Run) -> None:
    """A message for each waiting job that has none, or had its last so long ago that it may be lost."""
    now = timezone.now()
    unsent = _unsent(run, now)
    try:
        for start in range(0, len(unsent), AT_ONCE):
            _send(unsent[start : start + AT_ONCE], now)
    except (OperationalError, OSError):
        log.exception("Jobs of run %s could not be queued now; a worker tries it again.", run.pk)


def _unsent(run: Run, now: datetime) -> list[Job]:
    waiting = run.jobs.filter(state=Job.State.WAITING, run__state=Run.State.RUNNING, run__queued=True)
    silent = waiting.filter(Q(sent=None) | Q(sent__lt=now - RESEND_AFTER)).defer("payload")
    return [job for job in silent if not job.sent or now - job.sent > RESEND_AFTER * 2 ** min(job.sends, 6)]


def _send(batch: list[Job], now: datetime) -> None:
    """Marked before they go out, so that workers who look at the same time do not send them twice."""
    rows = Job.objects.filter(pk__in=[job.pk for job in batch])
    rows.update(sent=now, sends=F("sends") + 1)
    try:
        for job in batch:
            do_job.apply_async([job.pk], queue=job.queue)
    except (OperationalError, OSError):
        rows.filter(state=Job.State.WAITING).update(sent=None)
        raise
