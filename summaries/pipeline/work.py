"""Work: one job from its claim to its commit, and a whole run in this process."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q
from django.db.utils import Error as AnyDatabaseError

import annotations
from summaries import jobs
from summaries.disk import FULL, is_full
from summaries.engine import Refusal
from summaries.models import Job, Run
from summaries.pipeline.stages import plan_next, stage_of
from summaries.progress import stages_of

log = logging.getLogger(__name__)

Watch = Callable[[Job, int, int], None]


def perform(job_pk: int, watch: Watch = lambda job, done, total: None) -> Run | None:
    """Does the job if it can be had; returns its run, whose next jobs may now be waiting."""
    job = jobs.claim(job_pk)
    return _do(job, watch) if job else None


def advance(run: Run) -> None:
    """Plans stages until one has jobs to do, or the run is finished; a plan that fails fails the run."""
    try:
        while jobs.advance(run, plan_next):
            run.refresh_from_db()
    except AnyDatabaseError:
        raise  # the run is not to blame, and whoever looks next plans again
    except Exception as error:
        log.exception("Run %s: what follows %s could not be planned", run.pk, run.stage or "its start")
        jobs.end(run.pk, Run.State.FAILED, _in_words(f"Planning the stage after '{run.stage}'", error))


def drive(run: Run, watch: Watch) -> None:
    """Does the whole run in this process; where workers help, waits for theirs."""
    advance(run)
    while Run.objects.filter(pk=run.pk, state=Run.State.RUNNING).exists():
        if job := jobs.claim_next(run):
            _do(job, watch)
        else:
            time.sleep(0.2)
            advance(run)
    run.refresh_from_db()


def progress(run: Run) -> tuple[str, int, int]:
    """The present stage in words, its jobs done and its jobs in all."""
    counts = run.jobs.filter(stage=run.stage).aggregate(
        total=Count("pk"), done=Count("pk", filter=Q(state=Job.State.DONE))
    )
    words = stages_of(run)[run.stage] if run.stage else "Waiting for a worker"
    return words, counts["done"], counts["total"]


def _do(job: Job, watch: Watch) -> Run:
    stage = stage_of(job.run, job.stage)
    try:
        with _heartbeat(job) as lost:
            write = stage.work(job, _tracker(job, lost, watch))
        jobs.complete(job, write)
    except jobs.Stopped:
        jobs.release(job)
    except (KeyboardInterrupt, SystemExit):
        jobs.release(job)
        raise
    except (Refusal, annotations.Refusal) as refusal:
        jobs.fail(job, str(refusal), final=True)
    except Exception as error:
        _fail(job, error)
    else:
        advance(job.run)
    return job.run


def _fail(job: Job, error: Exception) -> None:
    log.exception("Run %s: %s failed (attempt %s)", job.run_id, job, job.attempts)
    if is_full(error):
        jobs.fail(job, FULL, final=True)
    else:
        jobs.fail(job, _in_words(stages_of(job.run)[job.stage], error))


def _in_words(what: str, error: Exception) -> str:
    return f"{what} failed: {type(error).__name__}: {error}"[:500]


@contextmanager
def _heartbeat(job: Job) -> Iterator[threading.Event]:
    """Renews the lease while the block runs; the event is set when the job is no longer ours."""
    lost, over = threading.Event(), threading.Event()

    def beat() -> None:
        try:
            while not over.wait(settings.JOB_LEASE / 12):
                try:
                    if not jobs.renew(job):
                        lost.set()
                        return
                except AnyDatabaseError:
                    log.warning("The lease of job %s could not be renewed; trying again.", job.pk)
                    connection.close()  # a server that was restarted wants a new one
        finally:
            connection.close()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        over.set()
        thread.join()


def _tracker(job: Job, lost: threading.Event, watch: Watch) -> Callable[[Iterable], Iterable]:
    """Wraps a stage's loops: tells the watcher where they are, and stops them when the job is lost."""

    def track(steps: Iterable) -> Iterator:
        items = list(steps)
        for done, item in enumerate(items):
            if lost.is_set():
                raise jobs.Stopped
            watch(job, done, len(items))
            yield item

    return track
