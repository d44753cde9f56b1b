"""The rules of leased jobs, one by one: who may have a job, who keeps it, and what becomes of its run."""

import subprocess
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from summaries import jobs, tasks, workers
from summaries.engine import Refusal
from summaries.jobs import Piece, Stopped
from summaries.models import Job, Run, Summary
from summaries.pipeline import work
from tests.factories import make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> Run:
    return make_run(summaries=0, state=Run.State.RUNNING)


@pytest.fixture
def job(run) -> Job:
    Run.objects.filter(pk=run.pk).update(stage="masks")
    return Job.objects.create(run=run, stage="masks", key="0:0", queue="gpu")


@pytest.fixture
def stage(monkeypatch):
    """What the stage `masks` does, to be replaced by a test; what follows it is the end of the run."""

    class Stage:
        words = "Finding the network's evidence"

        def work(self, job, track):
            return lambda: None

    stage = Stage()
    monkeypatch.setattr(work, "stage_of", lambda run, name: stage)
    monkeypatch.setattr(work, "plan_next", lambda run: None)
    return stage


def _dead_worker() -> str:
    process = subprocess.Popen(["true"])
    process.wait()
    return f"{workers.this_machine()}:{process.pid}"


def _hold(job: Job, worker: str, *, lease: float = 60, attempts: int = 1) -> None:
    """Puts the job into the hands of another worker."""
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.CLAIMED,
        worker=worker,
        lease=timezone.now() + timedelta(seconds=lease),
        attempts=attempts,
    )


def _now(row):
    row.refresh_from_db()
    return row


def test_a_claimed_job_is_nobody_elses_until_its_lease_runs_out(job):
    assert jobs.claim(job.pk).attempts == 1
    assert jobs.claim(job.pk) is None
    Job.objects.update(lease=timezone.now() - timedelta(seconds=1))
    assert jobs.claim(job.pk).attempts == 2


@pytest.mark.parametrize("state", [Run.State.CANCELLED, Run.State.FAILED, Run.State.FINISHED])
def test_a_job_whose_run_has_stopped_cannot_be_had(run, job, state):
    Run.objects.update(state=state)
    assert jobs.claim(job.pk) is None
    assert jobs.claim_next(run) is None


def test_a_heartbeat_renews_the_lease_of_the_one_who_has_it_and_of_nobody_else(job):
    mine = jobs.claim(job.pk)
    Job.objects.update(lease=timezone.now() - timedelta(seconds=1))
    assert jobs.renew(mine)
    assert _now(job).lease > timezone.now() + timedelta(seconds=50)
    _hold(job, "elsewhere:1:1", attempts=2)
    assert not jobs.renew(mine)


def test_results_of_a_lost_lease_are_not_written(job):
    mine = jobs.claim(job.pk)
    _hold(job, "elsewhere:1:1", attempts=2)
    with pytest.raises(Stopped):
        jobs.complete(mine, lambda: pytest.fail("written"))
    assert _now(job).state == Job.State.CLAIMED


def test_results_that_cannot_be_written_leave_the_job_undone(run, job):
    mine = jobs.claim(job.pk)

    def write():
        Run.objects.filter(pk=run.pk).update(reason="half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        jobs.complete(mine, write)
    assert (_now(job).state, _now(run).reason) == (Job.State.CLAIMED, "")


def test_what_is_delivered_twice_is_done_once(job, stage):
    done = []
    stage.work = lambda job, track: lambda: done.append(job.pk)
    assert work.perform(job.pk) is not None
    assert work.perform(job.pk) is None
    assert done == [job.pk]


def test_a_job_that_fails_is_tried_three_times_and_then_fails_its_run_in_words(run, job, stage):
    def fail(job, track):
        raise RuntimeError("no such kernel")

    stage.work = fail
    for attempt in (1, 2, 3):
        assert _now(run).state == Run.State.RUNNING
        work.perform(job.pk)
        assert _now(job).attempts == attempt
    assert (_now(job).state, _now(run).state) == (Job.State.FAILED, Run.State.FAILED)
    assert run.reason == "Finding the network's evidence failed: RuntimeError: no such kernel"


def test_a_refusal_fails_the_run_at_once(run, job, stage):
    def refuse(job, track):
        raise Refusal("These pictures are empty.")

    stage.work = refuse
    work.perform(job.pk)
    assert (_now(run).state, run.reason) == (Run.State.FAILED, "These pictures are empty.")


def test_a_plan_that_fails_fails_the_run_instead_of_leaving_it_waiting_for_ever(run, monkeypatch):
    monkeypatch.setattr(work, "plan_next", lambda run: 1 / 0)
    work.advance(run)
    assert (_now(run).state, run.reason) == (
        Run.State.FAILED,
        "Planning the stage after '' failed: ZeroDivisionError: division by zero",
    )


def test_the_jobs_of_a_dead_worker_are_put_back_at_once_and_its_third_death_fails_the_run(run, job):
    for attempts in (1, 2):
        _hold(job, _dead_worker(), attempts=attempts)
        jobs.reap_expired(Job.objects.all())
        assert (_now(job).state, job.attempts, job.sent) == (Job.State.WAITING, attempts, None)
    _hold(job, _dead_worker(), attempts=3)
    jobs.reap_expired(Job.objects.all())
    assert (_now(job).state, _now(run).state, run.reason) == (Job.State.FAILED, Run.State.FAILED, jobs.DIED)


def test_a_worker_that_is_stopped_gives_its_jobs_back_without_blame(job):
    _hold(job, workers.named(4711), attempts=1)
    tasks.hand_back([4712])
    job.refresh_from_db()
    assert job.state == Job.State.CLAIMED

    tasks.hand_back([4711])
    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.WAITING, 0)


@pytest.mark.parametrize(
    ("worker", "lease", "state"),
    [
        (workers.this_worker(), 60, Job.State.CLAIMED),
        (workers.this_worker(), -1, Job.State.WAITING),
        ("elsewhere:7:1", 60, Job.State.CLAIMED),
        ("elsewhere:7:1", -1, Job.State.WAITING),
    ],
    ids=["here, in time", "here, too late", "elsewhere, in time", "elsewhere, too late"],
)
def test_the_job_of_a_worker_that_may_be_alive_is_put_back_when_its_lease_is_over(job, worker, lease, state):
    _hold(job, worker, lease=lease)
    jobs.reap_expired(Job.objects.all())
    assert _now(job).state == state


def test_a_heartbeat_that_comes_while_the_reaper_looks_keeps_its_job(job, monkeypatch):
    mine = jobs.claim(job.pk)
    monkeypatch.setattr(workers, "is_dead", lambda worker: jobs.renew(mine))
    jobs.reap_expired(Job.objects.all())
    jobs.complete(mine, lambda: None)
    assert _now(job).state == Job.State.DONE


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_run_stops_its_workers_and_goes_on_where_it_stood(run, job, stage, settings):
    settings.JOB_LEASE = 0.12  # a heartbeat each hundredth of a second
    steps = []

    def work_on(job, track):
        cancel = threading.Event()
        for step in track(range(1000)):
            steps.append(step)
            if step == 2:
                jobs.cancel(run)
            cancel.wait(0.02)

    stage.work = work_on
    work.perform(job.pk)
    assert (_now(run).state, _now(job).state, job.attempts) == (Run.State.CANCELLED, Job.State.WAITING, 0)
    assert len(steps) < 1000
    assert jobs.resume(run)
    assert not jobs.resume(run)
    assert _now(run).state == Run.State.RUNNING
    assert jobs.claim(job.pk)


def test_resuming_gives_a_failed_job_three_new_attempts_and_leaves_what_others_hold(run, job):
    held = Job.objects.create(run=run, stage="masks", key="0:1", queue="gpu")
    _hold(held, "elsewhere:1:1", attempts=2)
    jobs.fail(jobs.claim(job.pk), "It is broken.", final=True)
    assert _now(run).state == Run.State.FAILED
    assert jobs.resume(run)
    assert (_now(job).state, job.attempts) == (Job.State.WAITING, 0)
    assert (_now(held).state, held.attempts) == (Job.State.CLAIMED, 2)
    assert (_now(run).state, run.reason, run.finished) == (Run.State.RUNNING, "", None)


def test_the_last_job_of_a_stage_plans_the_next_and_stages_without_work_are_passed(run):
    def plan(run):
        stages = {"": ("first", ["a", "b"]), "first": ("empty", []), "empty": ("last", ["c"])}
        if run.stage not in stages:
            return None
        name, keys = stages[run.stage]
        return name, "cpu", [Piece(key) for key in keys]

    assert jobs.advance(run, plan)
    assert not jobs.advance(run, plan)
    for each in run.jobs.filter(stage="first"):
        jobs.complete(jobs.claim(each.pk), lambda: None)
    assert [jobs.advance(run, plan), jobs.advance(run, plan), jobs.advance(run, plan)] == [True, True, False]
    jobs.complete(jobs.claim(run.jobs.get(key="c").pk), lambda: None)
    assert jobs.advance(run, plan)
    assert _now(run).state == Run.State.FINISHED
    assert not jobs.advance(run, plan)


class Queue:
    """Takes messages in Celery's place."""

    def __init__(self, monkeypatch):
        self.sent, self.broken = [], False
        monkeypatch.setattr(tasks.do_job, "apply_async", self._take)
        monkeypatch.setattr(tasks.begin, "apply_async", self._take)

    def _take(self, arguments, queue, **options):
        if self.broken:
            raise tasks.OperationalError("nobody listens")
        self.sent.append((*arguments, queue))


@pytest.fixture
def queue(monkeypatch) -> Queue:
    return Queue(monkeypatch)


def test_a_job_is_sent_once_and_again_only_when_the_message_may_be_lost(run, job, queue):
    tasks.send(run)
    tasks.send(run)
    assert queue.sent == [(job.pk, "gpu")]
    Job.objects.update(sent=timezone.now() - 3 * tasks.RESEND_AFTER)
    tasks.send(run)
    tasks.send(run)
    assert queue.sent == [(job.pk, "gpu")] * 2


def test_what_could_not_be_sent_is_sent_as_soon_as_the_queue_is_back(run, job, queue):
    queue.broken = True
    tasks.send(run)
    assert _now(job).sent is None
    queue.broken = False
    tasks.reap()
    assert queue.sent == [(job.pk, "gpu")]


def test_a_run_whose_worker_died_between_two_stages_is_taken_up_again(run, queue):
    tasks.reap()
    assert queue.sent == [(run.pk, "cpu")]


def test_runs_that_a_command_does_by_itself_are_left_to_it(run, job, queue):
    Run.objects.update(queued=False)
    tasks.reap()
    assert queue.sent == []


@pytest.mark.django_db(transaction=True)
def test_of_many_threads_one_gets_the_job(job):
    barrier, won = threading.Barrier(8), []

    def reach():
        try:
            barrier.wait()
            won.append(jobs.claim(job.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=reach) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len([each for each in won if each]) == 1
    assert len(won) == 8


def test_a_job_costs_little_beside_its_work(run, stage, django_assert_max_num_queries):
    job = Job.objects.create(run=run, stage="", key="a", queue="cpu")
    Job.objects.create(run=run, stage="", key="b", queue="cpu")
    with django_assert_max_num_queries(14):
        work.perform(job.pk)
    assert not Summary.objects.exists()
