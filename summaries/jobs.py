"""Leased jobs: Celery distributes them, these rows make each delivery count once.

A worker claims a job with one compare-and-swap, renews its lease while it works, and writes results and
`done` in one commit. Whoever commits a stage's last job plans the next stage. A lease that runs out (killed
worker, lost message, restarted broker) puts the job back. It is a record, not a scheduler.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from summaries import workers
from summaries.models import Job, Run

ATTEMPTS = 3
DIED = "A worker died or stood still in the middle of a job; it may be short of memory."


class Stopped(Exception):
    """The job is no longer this worker's: its run was cancelled, or its lease ran out."""


@dataclass(frozen=True)
class Piece:
    """A job to be: which piece of its stage, and the ids of the rows that it works on."""

    key: str
    payload: dict = field(default_factory=dict)


def claim(job_pk: int) -> Job | None:
    """The job, now this worker's; None when it is done, another's, or its run is not running."""
    now = timezone.now()
    free = Q(state=Job.State.WAITING) | Q(state=Job.State.CLAIMED, lease__lt=now)
    running = Exists(Run.objects.filter(pk=OuterRef("run_id"), state=Run.State.RUNNING))
    mine = {"state": Job.State.CLAIMED, "worker": workers.this_worker(), "lease": _lease(now), "started": now}
    claimed = Job.objects.filter(free, running, pk=job_pk, attempts__lt=ATTEMPTS).update(
        **mine, attempts=F("attempts") + 1
    )
    return Job.objects.select_related("run").get(pk=job_pk) if claimed else None


def claim_next(run: Run) -> Job | None:
    """Any job of the run that can be had now, in order: for a process that works without a queue."""
    reap_expired(run.jobs.all())
    for pk in run.jobs.filter(state=Job.State.WAITING).values_list("pk", flat=True)[:20]:
        if job := claim(pk):
            return job
    return None


def renew(job: Job) -> bool:
    """Whether the job is still this worker's and its run still wanted; if so the lease starts anew."""
    running = Exists(Run.objects.filter(pk=OuterRef("run_id"), state=Run.State.RUNNING))
    return bool(_mine(job).filter(running).update(lease=_lease(timezone.now())))


def complete(job: Job, write: Callable[[], None]) -> None:
    """The results and the word `done` in one commit; Stopped, and nothing written, if the job was lost."""
    with transaction.atomic():
        if not _mine(job).update(state=Job.State.DONE, reason="", finished=timezone.now()):
            raise Stopped
        write()


def release(job: Job) -> None:
    """Back as it was before the claim: the worker stops, the job is not to blame."""
    _mine(job).update(state=Job.State.WAITING, attempts=F("attempts") - 1, sent=None)


@transaction.atomic
def fail(job: Job, reason: str, *, final: bool = False) -> None:
    """Tried again up to three times, unless the reason is final; then the run fails with this reason."""
    Run.objects.select_for_update().get(pk=job.run_id)  # so that a resumption comes before or after, whole
    if not final and job.attempts < ATTEMPTS:
        _mine(job).update(state=Job.State.WAITING, reason=reason, sent=None)
    elif _mine(job).update(state=Job.State.FAILED, reason=reason):
        end(job.run_id, Run.State.FAILED, reason)


def advance(run: Run, plan: Callable[[Run], tuple[str, str, Iterable[Piece]] | None]) -> bool:
    """Moves the run to its next stage if this one has no job left; True if it is this call that moved it.

    `plan` reads the run and names the next stage, its queue and its pieces, or None when there is no more.
    """
    with transaction.atomic():
        run.refresh_from_db()
        open_jobs = run.jobs.filter(stage=run.stage).exclude(state=Job.State.DONE)
        if run.state != Run.State.RUNNING or open_jobs.exists():
            return False
        planned = plan(run)
        still_here = Run.objects.filter(pk=run.pk, state=Run.State.RUNNING, stage=run.stage)
        if planned is None:
            return bool(still_here.update(state=Run.State.FINISHED, finished=timezone.now()))
        stage, queue, pieces = planned
        if not still_here.update(stage=stage):
            return False
        Job.objects.bulk_create(
            Job(run=run, stage=stage, queue=queue, key=piece.key, payload=piece.payload) for piece in pieces
        )
        return True


def cancel(run: Run) -> bool:
    return end(run.pk, Run.State.CANCELLED)


def end(run_pk: int, state: Run.State, reason: str = "") -> bool:
    """True if the run was running until now."""
    running = Run.objects.filter(pk=run_pk, state=Run.State.RUNNING)
    return bool(running.update(state=state, reason=reason, finished=timezone.now()))


def resume(run: Run) -> bool:
    """Goes on with a cancelled or failed run where it stood; failed jobs get three new attempts."""
    with transaction.atomic():
        stopped = Run.objects.filter(pk=run.pk, state__in=[Run.State.CANCELLED, Run.State.FAILED])
        if not stopped.update(state=Run.State.RUNNING, reason="", finished=None):
            return False
        unfinished = run.jobs.exclude(state__in=[Job.State.DONE, Job.State.CLAIMED])
        unfinished.update(state=Job.State.WAITING, attempts=0, sent=None, sends=0)
        return True


def reap_expired(among: QuerySet[Job]) -> None:
    """Puts back the jobs whose worker died; the third death of one job fails its run."""
    late, near = Q(lease__lt=timezone.now()), Q(worker__startswith=f"{workers.this_machine()}:")
    for job in among.filter(late | near, state=Job.State.CLAIMED).defer("payload"):
        if job.lease >= timezone.now() and not workers.is_dead(job.worker):
            continue
        # Taken over first: a heartbeat that comes in between keeps its job.
        if _mine(job).filter(lease=job.lease).update(worker=""):
            job.worker = ""
            fail(job, DIED)


def _mine(job: Job) -> QuerySet[Job]:
    """The row while it is the very claim that this process made: a later claim counts one attempt more."""
    return Job.objects.filter(pk=job.pk, state=Job.State.CLAIMED, worker=job.worker, attempts=job.attempts)


def _lease(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.JOB_LEASE)
