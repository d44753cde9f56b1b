"""What people do to a run while it goes: start it on the workers, stop it, go on with it."""

from functools import partial

from django.db import transaction

from summaries import jobs, taggers, tasks
from summaries.models import Run
from summaries.runs import Refusal, plan_tags

TAGGERS = {name: told for name, told in taggers.BUILT_IN.items() if name != "clip"}
"""Those that need nothing but a click; the others take files, and so start from the command line."""


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


@transaction.atomic
def tag(of: Run, names: list[str], user) -> list[Run]:
    """Hands the summaries of a finished run to these taggers; Refusal where one of them cannot start."""
    if not names or not set(names) <= set(TAGGERS):
        raise Refusal(f"Choose at least one tagger: {', '.join(TAGGERS)}.")
    runs = [plan_tags(of, name, created_by=user) for name in dict.fromkeys(names)]
    for run in runs:
        start(run)
    return runs
