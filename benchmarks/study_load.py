"""The study under fire: bots over HTTP, on lines that lose, at a site that is killed in the middle.

    python benchmarks/study_load.py [--quick]

A PostgreSQL server of its own (SQLite where there is none, and it says so), a home of its own, four web
workers, studies of generated pictures. Then, one after another:

faults: 200 participants give 50 answers each. 5 % of all requests never leave, 5 % of all responses are lost,
at 2 % of the answers the page is killed, and after half of the answers all web workers are killed at once and
started again. Every answer is then looked up in the database.
live: 300 participants answer every 8 seconds on a sound line; meanwhile 300 others arrive within 60 seconds,
go as far as their first answer, and stay. Times are those of the answers' PUT, to the response's last byte,
as the client sees them; the client runs on the same cores.
places: 200 participants, of whom 30 % leave, in two conditions of 60 places each, with leases of 20 seconds;
one in twenty takes a break that is longer than that.
embedded: the faults once more with 50 participants on the embedded home, as ./run up serves it.

With --quick the same in small. The last line is one JSON object: `answers`, `lost` and `doubled` of all four,
`p95_ms` and `p99_ms` of live, `errors` of all (responses that no participant should meet, participants who
could not go on; in live connections too that broke), and what each part found under its own name. `busy`:
how many programs wanted the cores before this one began.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "studyproject.settings"

from benchmarks.load.servers import Site, postgres  # noqa: E402

if TYPE_CHECKING:
    from study.bots import Crowd

FULL = {
    "faults": {"participants": 200, "stimuli": 50},
    "live": {"participants": 300, "burst": 300, "within": 60, "answers": 20, "pace": 8},
    "places": {"participants": 200, "target": 60, "stimuli": 6, "lease": 20, "spacing": 0.5, "pace": 0.5},
    "embedded": {"participants": 50, "stimuli": 10},
}
QUICK = {
    "faults": {"participants": 12, "stimuli": 25},
    "live": {"participants": 20, "burst": 20, "within": 4, "answers": 2, "pace": 3},
    "places": {"participants": 30, "target": 8, "stimuli": 4, "lease": 3, "spacing": 0.2, "pace": 0.2},
    "embedded": {"participants": 8, "stimuli": 10},
}
WORKERS, THREADS = 4, 8


def main() -> None:
    options = read_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped too
    if options.step:
        print(json.dumps(STEPS[options.step](Path(os.environ["MERONYM_HOME"]), options.quick)))
        return
    busy = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="meronym-load-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres(folder) as database:
            if database is None:
                print("There is no PostgreSQL here: all parts run on SQLite.", file=sys.stderr)
            found = call("served", folder / "served", database, options.quick)
        found |= call("embedded", folder / "embedded", None, options.quick)
    about = {"database": "postgresql" if database else "sqlite", "cores": os.cpu_count(), "busy": busy}
    print(json.dumps(report(found) | about))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 seconds on two cores")
    parser.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    return parser.parse_args()


def call(step: str, home: Path, database: str | None, quick: bool) -> dict[str, dict]:
    """A step in a process of its own, since a process knows one home."""
    theirs = ("DATABASE_URL", "REDIS_URL", "S3_", "ALLOWED_HOSTS", "BEHIND_HTTPS", "SECRET_KEY", "DEBUG")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    environment |= {"MERONYM_HOME": str(home), "LOG_LEVEL": "ERROR", "DATABASE_URL": database or ""}
    command = [sys.executable, __file__, f"--step={step}", *(["--quick"] if quick else [])]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        output, _ = child.communicate()
    finally:
        child.terminate()  # if this process is stopped; else it has ended
        child.wait()
    if child.returncode:
        raise SystemExit(f"The step '{step}' failed.")
    return json.loads(output.splitlines()[-1])


def report(found: dict[str, dict]) -> dict[str, Any]:
    parts = found.values()
    return {
        "answers": sum(part["stored"] for part in parts),
        "lost": sum(part["lost"] for part in parts),
        "doubled": sum(part["doubled"] for part in parts),
        "p95_ms": found["live"]["p95_ms"],
        "p99_ms": found["live"]["p99_ms"],
        "errors": sum(part["errors"] for part in parts) + found["live"]["broken"],
        "overfilled": found["places"]["overfilled"],
        "difference": found["places"]["difference"],
        **found,
    }


def serve(home: Path, quick: bool) -> dict[str, dict]:
    """Faults, live and places at a site of four workers."""
    site = prepare(home, workers=WORKERS, threads=THREADS)
    try:
        return {part.__name__: timed(part, site, quick) for part in (faults, live, places)}
    finally:
        site.kill()


def embed(home: Path, quick: bool) -> dict[str, dict]:
    """The faults at one worker of eight threads over SQLite, as ./run up starts it."""
    site = prepare(home, workers=1, threads=8)
    try:
        return {"embedded": timed(faults, site, quick, "embedded")}
    finally:
        site.kill()


def timed(part: Callable[..., dict], site: Site, quick: bool, name: str = "") -> dict[str, Any]:
    began = time.monotonic()
    found = part(site, **(QUICK if quick else FULL)[name or part.__name__])
    return found | {"seconds": round(time.monotonic() - began, 1)}


STEPS = {"served": serve, "embedded": embed}


def prepare(home: Path, *, workers: int, threads: int) -> Site:
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    call_command("migrate", verbosity=0)
    site = Site(workers=workers, threads=threads, log=home / "site.log")
    site.start()
    return site


def faults(site: Site, *, participants: int, stimuli: int) -> dict[str, Any]:
    from benchmarks.load.studies import make_study
    from study.bots import Crowd, Habits, compare

    study = make_study("faults", stimuli)
    crowd = Crowd(study, site.address, participants, Habits(dropout=0), concurrency=50)
    over = threading.Event()
    restart = threading.Thread(target=restart_halfway, args=(site, crowd, participants * stimuli // 2, over))
    restart.start()
    try:
        crowd.run()
    finally:
        over.set()
        restart.join()
    return asdict(compare(crowd.bots, crowd.meter))


def restart_halfway(site: Site, crowd: "Crowd", answers: int, over: threading.Event) -> None:
    """Kills the site once so many answers were responded to, and starts it again."""
    while len(crowd.meter.answer_seconds) < answers:
        if over.wait(0.02):
            return
    site.restart()


def live(
    site: Site, *, participants: int, burst: int, within: float, answers: int, pace: float
) -> dict[str, Any]:
    from benchmarks.load.studies import make_study
    from study.bots import Crowd, Habits, compare

    sound = {"dropout": 0, "drop_requests": 0, "drop_responses": 0, "kill": 0, "pace": pace}
    study = make_study("live", answers + 10)
    settled, arriving = (
        Crowd(
            study,
            site.address,
            count,
            Habits(**sound, most_answers=most),
            concurrency=count,
            spacing=within / count,
            first=first,
        )
        for count, most, first in ((participants, answers, 1), (burst, 1, participants + 1))
    )
    asyncio.run(meet(settled, arriving, within))
    arriving.meter.answer_seconds += settled.meter.answer_seconds
    arriving.meter.broken += settled.meter.broken
    arriving.meter.refused |= {f"settled {status}": n for status, n in settled.meter.refused.items()}
    return asdict(compare([*settled.bots, *arriving.bots], arriving.meter))


async def meet(settled: "Crowd", arriving: "Crowd", after: float) -> None:
    async def arrive() -> None:
        await asyncio.sleep(after)
        await arriving.take_part()

    await asyncio.gather(settled.take_part(), arrive())


def places(
    site: Site, *, participants: int, target: int, stimuli: int, lease: float, spacing: float, pace: float
) -> dict[str, Any]:
    from benchmarks.load import studies
    from study.bots import Crowd, Habits, compare

    study = studies.make_study("places", stimuli, conditions=2, target=target, lease_seconds=lease)
    habits = Habits(
        dropout=0.3,
        drop_requests=0,
        drop_responses=0,
        kill=0,
        pace=pace,
        interrupted=0.05,
        break_seconds=1.5 * lease,
    )
    crowd = Crowd(study, site.address, participants, habits, concurrency=participants, spacing=spacing)
    crowd.run()
    return asdict(compare(crowd.bots, crowd.meter)) | studies.places(study)


if __name__ == "__main__":
    main()
