"""What the commands that make runs have in common: to drive a run here, or to hand it to the workers."""

import signal

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.urls import reverse
from tqdm import tqdm

import annotations
from annotations.files import StorageFull
from summaries.disk import FULL, is_full
from summaries.engine import Refusal
from summaries.models import Job, Network, Run


class RunCommand(BaseCommand):
    """A command whose `begin` may refuse in one sentence: exit code 2."""

    def begin(self, options: dict) -> None:
        raise NotImplementedError

    def handle(self, **options):
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            self.begin(options)
        except (Refusal, annotations.Refusal) as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        except (DatabaseError, StorageFull) as error:
            if not is_full(error):
                raise
            raise CommandError(FULL, returncode=2) from error

    def going_on(self, run: Run) -> Run:
        """Says that a run begun earlier is taken up."""
        self.stdout.write(f"Going on with run {run.pk}, which was begun {run.created:%Y-%m-%d %H:%M} (UTC).")
        return run

    def hand_over(self, run: Run, address: str) -> None:
        from summaries import jobs, tasks

        jobs.resume(run)
        Run.objects.filter(pk=run.pk).update(queued=True)
        tasks.start(run.pk)
        self.stdout.write(f"Run {run.pk} is with the workers; watch it at {address}")

    def finish(self, run: Run) -> None:
        """Does the run in this process, to its end or to a refusal that says how to go on."""
        try:
            self._drive(run)
        except KeyboardInterrupt:
            raise Refusal(f"Stopped. The same command goes on with run {run.pk} where it stands.") from None
        if run.state == Run.State.CANCELLED:
            raise Refusal(f"Run {run.pk} was cancelled. The same command goes on with it where it stands.")
        if run.state == Run.State.FAILED:
            raise Refusal(f"{run.reason} (run {run.pk}; the same command tries again)")

    def _drive(self, run: Run) -> None:
        from summaries import jobs
        from summaries.pipeline import work

        jobs.resume(run)
        with Bar(run) as bar:
            work.drive(run, bar.watch)


class Bar:
    """A progress bar for each stage in turn, in jobs and fractions of jobs, with the time that remains."""

    def __init__(self, run: Run):
        self.run, self.bar, self.stage = run, None, ""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.bar:
            if not any(error):
                self.bar.n = self.bar.total
                self.bar.refresh()
            self.bar.close()

    def watch(self, job: Job, done: int, total: int) -> None:
        from summaries.pipeline import work

        if job.stage != self.stage or done == 0:
            self.run.refresh_from_db(fields=["stage"])
            words, finished, jobs = work.progress(self.run)
            if job.stage != self.stage:
                self.__exit__()
                self.bar, self.stage = tqdm(total=jobs, desc=words, bar_format=LOOK), job.stage
            self.finished = finished
        self.bar.update(self.finished + done / max(total, 1) - self.bar.n)


LOOK = "{desc:48.48} {percentage:3.0f}%|{bar:24}| {elapsed}, {remaining} left"


def find(model, name: str):
    """The network or image set of this name; a Refusal says which there are."""
    try:
        return model.objects.get(name=name)
    except model.DoesNotExist:
        known = ", ".join(model.objects.values_list("name", flat=True)[:8]) or "none yet"
        what, how = ("network", "add_network") if model is Network else ("image set", "import_images")
        raise Refusal(f"There is no {what} called '{name}' (there is: {known}); {how} adds one.") from None


def page_of(run: Run) -> str:
    return reverse("summaries:run", args=[run.pk])


def _interrupt(*_):
    raise KeyboardInterrupt
