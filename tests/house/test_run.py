"""`./run`: what it refuses, and that it stops what it started."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "dirname", "cat", "cksum", "rm", "ls", "sort", "mkdir")


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout without .venv, and a PATH that holds only what POSIX promises."""
    for name in ("run", "requirements.in", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    return tmp_path


def _pretend_python(checkout: Path, script: str) -> None:
    python = checkout / "bin" / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)


def _run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {"PATH": str(checkout / "bin"), "HOME": str(checkout)}
    return subprocess.run(
        ["/bin/sh", str(checkout / "run"), *arguments], env=environment, capture_output=True, text=True
    )


def test_a_python_that_is_too_old_is_named(checkout):
    _pretend_python(checkout, "echo 3 9")
    done = _run(checkout, "setup")
    assert done.returncode == 2
    assert "needs Python 3.11 or newer (python3 is 3.9)" in done.stderr
    assert not (checkout / ".venv").exists()


def test_no_python_at_all_is_said(checkout):
    done = _run(checkout, "up")
    assert done.returncode == 2
    assert "there is no python3 here" in done.stderr


def test_a_missing_venv_module_is_said_with_its_cure(checkout):
    _pretend_python(checkout, '[ "$1" = -c ] && echo 3 12 || exit 1')
    done = _run(checkout, "setup")
    assert done.returncode == 2
    assert "apt install python3-venv" in done.stderr


def test_an_unknown_command_shows_the_known_ones(checkout):
    done = _run(checkout, "fly")
    assert done.returncode == 2
    assert "./run demo" in done.stderr
    assert _run(checkout).returncode == 0


def _up(home: Path, port: int, command: str = "up") -> subprocess.Popen:
    return subprocess.Popen(
        [str(ROOT / ".venv/bin/python"), "manage.py", command, str(port)],
        cwd=ROOT,
        env={**os.environ, "MERONYM_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _read_until(process: subprocess.Popen, *words: str) -> str:
    seen = ""
    assert process.stdout
    for line in process.stdout:
        seen += line
        if all(word in seen for word in words):
            return seen
    raise AssertionError(seen)


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found] + [each for child in found for each in _children(int(child))]


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system has no /proc")


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_serves_and_a_signal_stops_all_of_it(tmp_path, number):
    port = _free_port()
    process = _up(tmp_path, port)
    _read_until(process, "Meronym is at", "ready")
    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/login/", timeout=10)
    assert page.status == 200
    started = _children(process.pid)
    assert len(started) >= 4  # the web server, its worker, the queue's worker, its child
    process.send_signal(number)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0, rest
    assert not [pid for pid in started if _is_alive(pid)]


@needs_proc
@pytest.mark.parametrize("victim", ["gunicorn", "celery"])
def test_when_one_dies_the_other_stops_and_the_reason_is_said(tmp_path, victim):
    process = _up(tmp_path, _free_port())
    _read_until(process, "Meronym is at", "ready")
    started = _children(process.pid)
    named = [pid for pid in started if victim in Path(f"/proc/{pid}/cmdline").read_text()]
    os.kill(named[0], signal.SIGKILL)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"The {'web' if victim == 'gunicorn' else 'worker'} stopped (exit code -9), so all stops." in rest
    until = time.monotonic() + 10
    while any(map(_is_alive, started)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in started if _is_alive(pid)]


def test_a_taken_port_is_refused_in_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = _up(tmp_path, port)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.startswith(f"CommandError: Port {port} cannot be used (Address already in use).")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_number_that_is_no_port_is_refused(tmp_path, command):
    process = _up(tmp_path, 70000, command)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "from 1 to 65535" in said
