"""Celery's door: fetch by key, call one function, queue what follows. The numerics load in the body only."""

import logging

from celery import shared_task
from kombu.exceptions import OperationalError

from summaries import jobs
from summaries.models import Job, Run

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


def start(run_pk: int) -> None:
    """Asks a worker to take the run up. With the queue out of reach a worker finds it by itself later."""
    try:
        begin.apply_async([run_pk], queue="cpu", retry=False)
    except (OperationalError, OSError):
        log.exception("Run %s could not be queued now; the workers look for it by themselves.", run_pk)


def send(run: Run) -> None:
    for job in jobs.take_unsent(run.jobs.all()):
        do_job.apply_async([job.pk], queue=job.queue)
