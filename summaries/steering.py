"""What people do to a run while it goes: start it on the workers, stop it, go on with it."""

from functools import partial

from django.db import transaction

from summaries import jobs, tasks
from summaries.models import Run


def start(run: Run) -> None:
    """Hands a planned run to the workers as soon as it is written."""
    transaction.on_commit(partial(tasks.start, run.pk))


def stop(run: Run) -> bool:
    """Cancels a running run; True if it was running. What is finished stays."""
    return jobs.cancel(run)


def go_on(run: Run) -> bool:
    """Hands a cancelled or failed run to the workers, from where it stood; True if it had stopped."""
    with transaction.atomic():
        if not jobs.resume(run):
            return False
        Run.objects.filter(pk=run.pk).update(queued=True)
        start(run)
        return True
