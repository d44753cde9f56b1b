"""A home of its own for tests that need other processes: database, files, queue, and a nursery that forks."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120
OWN = ("DATABASE_URL", "REDIS_URL", "S3_BUCKET", "HOLD")
SUMMARISE = ("summarise", "--network=tiny", "--images=tiny", "--classes=all")


def wait(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


class Started:
    """A forked process: where it writes, and how it ends."""

    def __init__(self, home: "Home", argv: tuple[str, ...], environment: dict[str, str]):
        self.home, self.notes = home, home.new_folder()
        own = {name: str(self.notes / name.lower()) for name in ("HELD", "RELEASE")}
        logs = {"out": str(self.notes / "out"), "err": str(self.notes / "err")}
        self.pid = home.ask({"argv": argv, "env": own | environment, **logs})

    def wait_until_held(self) -> None:
        wait((self.notes / "held").exists, f"{self.notes}: {self._log()[-3000:]}")

    def release(self) -> None:
        (self.notes / "release").touch()

    def kill(self) -> None:
        """kill -9 of it and its children."""
        os.killpg(self.pid, signal.SIGKILL)
        self.join()

    def interrupt(self) -> Done:
        os.kill(self.pid, signal.SIGINT)
        return self.join()

    def stop(self) -> Done:
        os.kill(self.pid, signal.SIGTERM)
        return self.join()

    def join(self) -> Done:
        code = self.home.ask({"wait": self.pid})
        self.home.alive.discard(self)
        return Done(code, (self.notes / "out").read_text(), (self.notes / "err").read_text())

    def _log(self) -> str:
        return (self.notes / "err").read_text() if (self.notes / "err").exists() else ""


class Home:
    def __init__(self, folder: Path, **environment: str):
        self.folder, self.scratch = folder / "home", folder / "scratch"
        self.url, self.alive, self.count = environment.get("DATABASE_URL", ""), set(), 0
        outer = {name: value for name, value in os.environ.items() if name not in OWN}
        own = {"MERONYM_HOME": str(self.folder), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self.nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.summaries.nursery"],
            cwd=ROOT,
            env=outer | own | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: dict) -> int:
        self.nursery.stdin.write(json.dumps(question) + "\n")
        self.nursery.stdin.flush()
        return json.loads(self.nursery.stdout.readline())

    def start(self, *argv: str, **environment: str) -> Started:
        started = Started(self, argv, environment)
        self.alive.add(started)
        return started

    def run(self, *argv: str, **environment: str) -> Done:
        return self.start(*argv, **environment).join()

    def must(self, *argv: str) -> str:
        done = self.run(*argv)
        assert done.code == 0, done.err
        return done.out

    def worker(self, **environment: str) -> Started:
        return self.start("worker", "--queues=gpu,cpu", "--concurrency=1", **environment)

    def query(self, sql: str) -> list[tuple]:
        if self.url:
            with psycopg.connect(self.url) as connection:
                return connection.execute(sql).fetchall()
        connection = sqlite3.connect(self.folder / "meronym.sqlite3", timeout=30)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def run_pk(self) -> int:
        return self.query("SELECT max(id) FROM summaries_run")[0][0]

    def state(self, run_pk: int) -> str:
        return self.query(f"SELECT state FROM summaries_run WHERE id = {run_pk}")[0][0]

    def wait_until_over(self, run_pk: int) -> None:
        running = f"SELECT state, stage, reason FROM summaries_run WHERE id = {run_pk}"
        wait(lambda: self.query(running)[0][0] != "running", f"run {run_pk}, {self.query(running)}")

    def rows(self, run_pk: int) -> dict:
        path = self.new_folder() / "rows.json"
        self.must("call", "dump", str(run_pk), str(path))
        return json.loads(path.read_text())

    def files(self) -> dict[str, str]:
        """Everything stored, by its key; what a killed process left half-written is no part of it."""
        stored = self.folder / "files"
        return {
            str(path.relative_to(stored)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(stored.rglob("*"))
            if path.is_file() and path.suffix != ".part"
        }

    def forget(self, keep: dict[str, str]) -> None:
        """Takes away all files but these, and all runs, so that the next run has everything to do again."""
        for key in set(self.files()) - set(keep):
            (self.folder / "files" / key).unlink()
        self.must("call", "forget")

    def new_folder(self) -> Path:
        self.count += 1
        folder = self.scratch / str(self.count)
        folder.mkdir(parents=True)
        return folder

    def close(self) -> None:
        for started in list(self.alive):
            started.kill()
        self.nursery.kill()
        self.nursery.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
