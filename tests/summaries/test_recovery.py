"""Workers killed, doubled and cut off in the middle of a run: it ends as if nothing had happened."""

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from summaries.disk import FULL
from tests.summaries import world
from tests.summaries.home import SUMMARISE, Home, wait

STAGES = {
    "tiny": (
        ("background", "masks", "proposals", "matches") + ("regions", "clusters", "alignments", "summaries")
    ),
    "tiny-parts": ("background", "masks", "segments", "clusters", "worth", "summaries"),
}


class Redis:
    """A server without a memory: what it held is gone when it stops."""

    def __init__(self, folder: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.start()

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            ["redis-server", *options, "--dir", str(self.folder)], stdout=subprocess.DEVNULL
        )
        wait(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, "redis-server")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def _database() -> Iterator[str]:
    server, name = os.environ["TEST_DATABASE_URL"], f"recovery_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def furnish(home: Home) -> dict[str, str]:
    """Puts the pictures and the network into the home; returns its files."""
    home.must("migrate", "--verbosity=0")
    made = home.new_folder()
    home.must("import_images", str(world.write_pictures(made / "pictures")), "--name=tiny")
    home.must("add_network", f"--from={world.write_network(made / 'network')}")
    return home.files()


class Undisturbed:
    """What a run in a furnished home finds when nobody disturbs it."""

    def __init__(
        self, home: Home, given: dict[str, str], *, preset: str = "tiny-parts", redis: Redis | None = None
    ):
        self.home, self.given, self.redis = home, given, redis
        self.stages, self.summarise = STAGES[preset], (*SUMMARISE, f"--preset={preset}")
        home.forget(given)
        home.must(*self.summarise)
        self.rows, self.files = home.rows(home.run_pk()), home.files()
        assert self.rows["summaries"], "a run that finds no summary proves little"

    def begin(self) -> int:
        """A run handed to workers that are not there yet, with everything to do."""
        self.home.forget(self.given)
        self.home.must(*self.summarise, "--queue")
        return self.home.run_pk()

    def compare(self, run_pk: int) -> None:
        found = self.home.rows(run_pk)
        for table, rows in self.rows.items():
            assert found[table] == rows, table
        assert self.home.files() == self.files


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("embedded"))
    yield Undisturbed(home, furnish(home))
    home.close()


@pytest.fixture(scope="module")
def embedded_boxes(embedded):
    return Undisturbed(embedded.home, embedded.given, preset="tiny")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    if "TEST_DATABASE_URL" not in os.environ or not shutil.which("redis-server"):
        pytest.skip("no PostgreSQL and Redis: TEST_DATABASE_URL is not set (./run test sets it)")
    folder = tmp_path_factory.mktemp("served")
    redis = Redis(folder)
    with _database() as url:
        home = Home(folder, DATABASE_URL=url, REDIS_URL=f"redis://127.0.0.1:{redis.port}/0")
        yield Undisturbed(home, furnish(home), redis=redis)
        home.close()
    redis.stop()


@pytest.fixture(params=["embedded", pytest.param("served", marks=pytest.mark.services)])
def undisturbed(request) -> Undisturbed:
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("moment", ["step", "write"])
def test_a_worker_killed_in_the_middle_of_each_stage_leaves_no_trace_in_what_is_found(undisturbed, moment):
    _kill_in_each_stage(undisturbed, moment)


def test_a_worker_killed_in_the_middle_of_each_published_stage_leaves_no_trace_either(embedded_boxes):
    _kill_in_each_stage(embedded_boxes, "step")


def _kill_in_each_stage(undisturbed: Undisturbed, moment: str) -> None:
    home, run = undisturbed.home, undisturbed.begin()
    for stage in undisturbed.stages:
        worker = home.worker(HOLD=f"{stage}:{moment}")
        worker.wait_until_held()
        worker.kill()
        assert home.query(f"SELECT stage, state FROM summaries_run WHERE id = {run}") == [(stage, "running")]
    worker = home.worker()
    home.wait_until_over(run)
    worker.stop()
    undisturbed.compare(run)
    twice = f"SELECT stage, attempts FROM summaries_job WHERE run_id = {run} AND attempts > 1 ORDER BY id"
    assert home.query(twice) == [(stage, 2) for stage in undisturbed.stages]


def test_two_workers_at_once_do_every_job_once(undisturbed):
    home, run = undisturbed.home, undisturbed.begin()
    first = home.worker(HOLD="masks:step")
    first.wait_until_held()
    second = home.worker()
    done = f"SELECT count(*) FROM summaries_job WHERE run_id = {run} AND stage = 'masks' AND state = 'done'"
    wait(lambda: home.query(done) == [(1,)], "the second worker's share of the masks")
    first.release()
    home.wait_until_over(run)
    first.stop()
    second.stop()
    undisturbed.compare(run)
    jobs = f"FROM summaries_job WHERE run_id = {run}"
    assert home.query(f"SELECT DISTINCT attempts {jobs}") == [(1,)]
    assert len(home.query(f"SELECT DISTINCT worker {jobs}")) == 2


def test_of_eight_processes_that_reach_for_a_job_one_gets_it(undisturbed):
    home, run = undisturbed.home, undisturbed.begin()
    home.must("call", "plan", str(run))
    (job,) = home.query(f"SELECT id FROM summaries_job WHERE run_id = {run}")[0]
    folder = home.new_folder()
    answers = [folder / str(number) for number in range(8)]
    reaching = [home.start("call", "claim", str(job), str(folder / "go"), str(each)) for each in answers]
    wait(lambda: all(each.with_suffix(".ready").exists() for each in answers), "the start")
    (folder / "go").touch()
    wait(lambda: all(each.exists() and each.read_text() for each in answers), "the answers")
    (folder / "go.over").touch()
    for each in reaching:
        each.join()
    assert sorted(each.read_text() for each in answers) == ["got it"] + ["nothing"] * 7
    assert home.query(f"SELECT attempts FROM summaries_job WHERE id = {job}") == [(1,)]


@pytest.mark.services
def test_a_run_ends_although_redis_forgot_all_its_messages(served):
    home, run = served.home, served.begin()
    worker = home.worker(HOLD="segments:step")
    worker.wait_until_held()
    served.redis.stop()
    worker.release()
    described = (
        f"SELECT count(*) FROM summaries_job WHERE run_id = {run} AND stage = 'segments' AND state = 'done'"
    )
    wait(lambda: home.query(described)[0][0] >= 1, "the job that went on without Redis")
    served.redis.start()
    home.wait_until_over(run)
    worker.stop()
    served.compare(run)


def test_ctrl_c_stops_at_once_and_the_same_command_goes_on(embedded):
    embedded.home.forget(embedded.given)
    command = embedded.home.start(*embedded.summarise, HOLD="masks:step")
    command.wait_until_held()
    stopped = command.interrupt()
    run = embedded.home.run_pk()
    assert stopped.code == 2
    assert stopped.err.splitlines()[-1] == (
        f"CommandError: Stopped. The same command goes on with run {run} where it stands."
    )
    jobs = f"SELECT state, attempts FROM summaries_job WHERE run_id = {run} AND stage = 'masks'"
    assert set(embedded.home.query(jobs)) == {("waiting", 0)}
    assert f"Going on with run {run}" in embedded.home.must(*embedded.summarise)
    embedded.compare(run)


def test_a_run_fails_in_words_when_the_disk_of_the_files_is_full_and_goes_on_with_room(embedded):
    home = embedded.home
    embedded.home.forget(embedded.given)
    with _small_disk(home.folder / "files", room=60_000) as filler:
        full = home.run(*embedded.summarise)
        assert (full.code, _sentences(full.err)) == (2, FULL)
        run = home.run_pk()
        assert home.query(f"SELECT state, reason FROM summaries_run WHERE id = {run}") == [("failed", FULL)]
        filler.unlink()
        home.must(*embedded.summarise)
        assert home.run_pk() == run
        embedded.compare(run)


def test_a_full_disk_of_the_database_is_said_in_words_and_the_same_command_goes_on_with_room(embedded):
    home = embedded.home
    embedded.home.forget(embedded.given)
    with _small_disk(home.folder, room=200_000) as filler:
        full = home.run(*embedded.summarise)
        assert (full.code, _sentences(full.err)) == (2, FULL)
        filler.unlink()
        home.must(*embedded.summarise)
        embedded.compare(home.run_pk())


@contextmanager
def _small_disk(folder: Path, room: int) -> Iterator[Path]:
    """A file system of its own under the folder; its room is taken by a file, all but so many bytes."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount the small disk that is to be filled")
    aside = folder.with_name(f"{folder.name}.aside")
    shutil.copytree(folder, aside)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        filler = folder / "filler.part"
        free = os.statvfs(folder)
        filler.write_bytes(bytes(free.f_bavail * free.f_frsize - room))
        yield filler
    finally:
        subprocess.run(["umount", folder], check=True)
        shutil.rmtree(aside)


def _sentences(err: str) -> str:
    """The last line, without its reference to the run, and without what the log says before it."""
    return err.splitlines()[-1].removeprefix("CommandError: ").partition(" (run ")[0]
