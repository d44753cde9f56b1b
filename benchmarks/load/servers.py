"""A database server and a site of its own for a benchmark, on free ports, gone afterwards."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30
DURABLE = "-c fsync=on -c synchronous_commit=on"
"""As a database of answers must run: the times include the disk."""


@contextmanager
def postgres(folder: Path) -> Iterator[str | None]:
    """The address of a PostgreSQL server of our own; None where there is none, or it does not start."""
    programs = _programs()
    if programs is None:
        yield None
        return
    data, port = folder / "postgres", free_port()
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(data, "postgres")
    options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1 {DURABLE}"
    made = ["-D", data, "-U", "meronym", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
    started = ["-D", data, "-w", "-s", "-l", data / "log", "-o", options, "start"]
    try:
        begun = _as_postgres([programs / "initdb", *made]) and _as_postgres([programs / "pg_ctl", *started])
        yield f"postgres://meronym@127.0.0.1:{port}/postgres" if begun else None
    finally:
        _as_postgres([programs / "pg_ctl", "-D", data, "-s", "-m", "immediate", "stop"])


class Site:
    """Web workers over the database and files that the environment names."""

    def __init__(self, *, workers: int, threads: int, log: Path) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = log
        self.command = [sys.executable, "-m", "gunicorn", "studyproject.wsgi:application"]
        self.command += [f"--bind=127.0.0.1:{self.port}", f"--workers={workers}", f"--threads={threads}"]
        self.command += ["--log-level=error", "--no-control-socket"]
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._await()

    def kill(self) -> None:
        """At once and with all workers, whatever they are at."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def _await(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.address}/s/none/", timeout=5).close()
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"The site did not start:\n{self.log.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: -float(one.parent.name))
    on_path = shutil.which("initdb")
    folders = [*found, *([Path(on_path).parent] if on_path else [])]
    whole = (one for one in folders if (one / "initdb").exists() and (one / "pg_ctl").exists())
    return next(whole, None)


def _as_postgres(command: list) -> bool:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    done = subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0
