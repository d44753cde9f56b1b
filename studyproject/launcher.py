"""The web server and one worker as one program: they start together, log together and stop together."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
ACCESS = "--access-logformat=%(m)s %(U)s %(s)s %(M)s ms"
PATIENCE = 10
"""Seconds that a program may take to stop by itself; what is cut off is a job that another start resumes."""


class PortTaken(Exception):
    """Somebody listens there already, nobody may, or there is no such port."""


@dataclass(frozen=True)
class Program:
    name: str
    process: subprocess.Popen


def serve(port: int, folder: Path, say: Callable[[str], None]) -> int:
    """Run both until a signal comes or one of them dies; 0 after a signal, 1 after a death."""
    stop_asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop_asked.set())
    programs = [_start("web", web(port), folder), _start("worker", worker(), folder)]
    try:
        threading.Thread(target=_announce, args=(port, say, stop_asked), daemon=True).start()
        return _watch(programs, stop_asked, say)
    finally:
        _stop(programs)


def check_port(port: int) -> None:
    if not 0 < port < 65536:
        raise PortTaken(f"A port is a number from 1 to 65535, not {port}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTaken(
                f"Port {port} cannot be used ({error.strerror}). Name another one: ./run up {port + 1}"
            ) from error


def web(port: int) -> list[str]:
    # One process of threads: SQLite has one writer, and a study's pages are light.
    # Errors only: the warning about a malformed request holds the visitor's address. No accesses are
    # logged; who asks for it gets neither addresses nor query strings.
    options = ["--workers=1", "--threads=8", "--graceful-timeout=5", "--no-control-socket", ACCESS]
    address = f"--bind={HOST}:{port}"
    return ["gunicorn", "studyproject.wsgi:application", address, "--log-level=error", *options]


def worker() -> list[str]:
    # Alone on its machine: no gossip with other workers.
    options = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO"]
    return [
        "celery",
        "--quiet",
        "--app=studyproject",
        "worker",
        "--queues=gpu,cpu",
        "--concurrency=1",
        *options,
    ]


def _start(name: str, command: list[str], folder: Path) -> Program:
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "OMP_WAIT_POLICY": "passive", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C reaches this process alone, which stops the others in order
    )
    threading.Thread(target=_relay, args=(name, process), daemon=True).start()
    return Program(name, process)


def _relay(name: str, process: subprocess.Popen) -> None:
    for line in process.stdout or ():
        if line.strip():
            sys.stdout.write(f"{name:6} | {line}")
            sys.stdout.flush()


def _announce(port: int, say: Callable[[str], None], stop_asked: threading.Event) -> None:
    while not stop_asked.wait(0.1):
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            continue
        return say(
            f"Meronym is at http://{HOST}:{port}/ (staff: http://{HOST}:{port}/admin/). Ctrl-C stops it."
        )


def _watch(programs: list[Program], stop_asked: threading.Event, say: Callable[[str], None]) -> int:
    while not stop_asked.wait(0.2):
        for program in programs:
            if program.process.poll() is not None:
                say(f"The {program.name} stopped (exit code {program.process.returncode}), so all stops.")
                return 1
    say("Stopping.")
    return 0


def _stop(programs: list[Program]) -> None:
    for program in programs:
        if program.process.poll() is None:
            program.process.terminate()
    deadline = time.monotonic() + PATIENCE
    for program in programs:
        with suppress(subprocess.TimeoutExpired):
            program.process.wait(max(0.0, deadline - time.monotonic()))
        _end_session(program.process.pid)
        program.process.wait()


def _end_session(leader: int) -> None:
    """Children of a program that was cut off, or died, go with it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
