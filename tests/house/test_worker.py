"""A real worker on both queues, over a restart of Redis too; and PostgreSQL's tables."""

import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
SEND = "import probe; [probe.leave.apply_async([word], queue='gpu') for word in {words!r}]"

needs_redis = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")
needs_postgres = pytest.mark.skipif(
    "TEST_DATABASE_URL" not in os.environ,
    reason="no PostgreSQL: TEST_DATABASE_URL is not set (./run test sets it)",
)


class Bench:
    """A home, a worker on it, and the words that its tasks left."""

    def __init__(self, home: Path, redis_url: str):
        self.trace = home / "trace"
        paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
        own = {
            "MERONYM_HOME": str(home),
            "REDIS_URL": redis_url,
            "PYTHONPATH": paths,
            "PROBE": str(self.trace),
        }
        self.environment = {**os.environ, **own}

    @contextmanager
    def worker(self) -> Iterator[None]:
        options = ["--queues=gpu,cpu", "--concurrency=1", "--without-gossip", "--without-mingle"]
        command = [sys.executable, "-m", "celery", "-q", "-A", "probe", "worker", *options]
        with open(self.trace.with_suffix(".log"), "w") as log:
            process = subprocess.Popen(
                command, cwd=self.trace.parent, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)

    def send(self, words: list[str]) -> None:
        program = SEND.format(words=words)
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=self.environment, check=True)

    def words(self) -> list[str]:
        return self.trace.read_text().split() if self.trace.exists() else []


def _wait(condition: Callable[[], bool], seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


@contextmanager
def _redis(port: int, folder: Path) -> Iterator[None]:
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "yes", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        assert _wait(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_queue_of_files_brings_each_task_to_a_worker_once(tmp_path):
    bench = Bench(tmp_path, "")
    words = [f"word{number}" for number in range(20)]
    bench.send(words[:10])  # before there is a worker
    with bench.worker():
        bench.send(words[10:])
        assert _wait(lambda: len(bench.words()) >= 20)
    assert bench.words() == words


@pytest.mark.services
@needs_redis
def test_a_worker_goes_on_after_redis_was_restarted(tmp_path):
    port = _free_port()
    bench = Bench(tmp_path, f"redis://127.0.0.1:{port}/0")
    with ExitStack() as first:
        first.enter_context(_redis(port, tmp_path))
        with bench.worker():
            bench.send(["before"])
            assert _wait(lambda: bench.words() == ["before"])
            first.close()
            with _redis(port, tmp_path):
                bench.send(["after"])
                assert _wait(lambda: bench.words() == ["before", "after"]), bench.words()


@pytest.mark.services
@needs_postgres
def test_all_tables_are_made_on_postgresql(tmp_path):
    server, name = os.environ["TEST_DATABASE_URL"], f"house_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            url = f"{server.rpartition('/')[0]}/{name}"
            environment = {**os.environ, "MERONYM_HOME": str(tmp_path), "DATABASE_URL": url}
            for arguments in (
                ["migrate", "--verbosity=0"],
                ["migrate", "--check"],
                ["check", "--database=default"],
            ):
                command = [sys.executable, "manage.py", *arguments]
                done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
                assert done.returncode == 0, done.stderr
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
