"""A process that has loaded everything and forks: what starts in seconds otherwise starts at once here.

It reads one JSON object a line. {"argv": [...], "env": {...}, "out": FILE, "err": FILE} runs a management
command, or a Celery worker where argv begins with "worker", or a function of this module where it begins
with "call", and is answered with the process number; {"wait": PID} is answered with the exit code.

HOLD=STAGE:MOMENT makes each job of a stage stand still at that moment ("step": in the middle of its work;
"write": with its rows written and not committed) and leave the file named by HELD, until the process is
killed or the file named by RELEASE is there.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import django

LOADED_LATE = (
    "celery.apps.worker",
    "celery.concurrency.prefork",
    "celery.worker.consumer",
    "skimage.measure",
    "sklearn.cluster",
    "summaries.pipeline.work",
    "torch._dynamo",
)


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "studyproject.settings"
    django.setup()
    _prepare()
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            _say(os.waitstatus_to_exitcode(status))
        else:
            _say(_fork(asked))


def _prepare() -> None:
    from django.conf import settings

    from studyproject import celery  # noqa: F401  (so that tasks know their app)
    from summaries import tasks
    from tests.summaries import world

    for name in LOADED_LATE:
        import_module(name)
    world.add_presets()
    settings.REAP_EVERY = 1
    settings.JOB_LEASE = int(os.environ.get("LEASE", "60"))
    tasks.RESEND_AFTER = tasks.timedelta(seconds=1)


def _say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _fork(asked: dict) -> int:
    if pid := os.fork():
        return pid
    code = 1
    try:
        os.setsid()
        os.environ.update(asked["env"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for target, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(asked[name], os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644), target)
        _hold()
        code = _run(asked["argv"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(bool(error.code))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(argv: list[str]) -> int:
    if argv[0] == "worker":
        from studyproject.celery import app

        app.worker_main([*argv, "--loglevel=INFO", "--without-gossip", "--without-mingle"])
    elif argv[0] == "call":
        globals()[argv[1]](*argv[2:])
    else:
        from django.core.management import execute_from_command_line

        execute_from_command_line(["manage.py", *argv])
    return 0


def dump(run_pk: str, to: str) -> None:
    """All that the run found, without primary keys and times, for comparison."""
    from tests.summaries.rows import rows_of

    Path(to).write_text(json.dumps(rows_of(int(run_pk)), indent=1))


def plan(run_pk: str) -> None:
    from summaries.models import Run
    from summaries.pipeline import work

    work.advance(Run.objects.get(pk=run_pk))


def claim(job_pk: str, at: str, to: str) -> None:
    """Tries to get a job as soon as the file `at` is there, and writes down whether it did."""
    from summaries import jobs

    Path(to).with_suffix(".ready").touch()
    _wait(Path(at).exists)
    Path(to).write_text("got it" if jobs.claim(int(job_pk)) else "nothing")
    _wait(Path(at).with_suffix(".over").exists)  # alive, so that nobody takes the job for orphaned


def forget() -> None:
    from summaries.models import Run

    Run.objects.all().delete()


def _hold() -> None:
    """Replaces the stage that HOLD names, in every recipe that has it, by one that stands still once."""
    stage_name, _, moment = os.environ.get("HOLD", "").partition(":")
    if not stage_name:
        return
    from summaries.pipeline.stages import METHODS

    for stages in [stages for recipes in METHODS.values() for stages in recipes.values()]:
        for place, stage in enumerate(stages):
            if stage.name == stage_name:
                stages[place] = replace(stage, work=_held(stage.work, moment))


def _held(work: Callable, moment: str) -> Callable:
    def held(job, track):
        if moment == "step":
            return work(job, lambda steps: _stand_still_at_the_last(track(steps)))
        write = work(job, track)

        def written():
            write()
            _stand_still()

        return written

    return held


def _stand_still_at_the_last(steps: Iterable) -> Iterator:
    items = list(steps)
    for place, item in enumerate(items):
        if place == len(items) - 1:
            _stand_still()
        yield item


def _stand_still() -> None:
    held, release = Path(os.environ["HELD"]), Path(os.environ["RELEASE"])
    if release.exists():
        return
    held.write_text(str(os.getpid()))
    _wait(release.exists)


def _wait(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.02)


if __name__ == "__main__":
    main()
