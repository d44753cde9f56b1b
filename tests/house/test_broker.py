"""The queue of files, hit as hard as two processes can."""

import multiprocessing
import time
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection, Exchange, Queue

from studyproject import broker

MESSAGES = 5000


def _connection(folder: Path) -> Connection:
    return Connection(broker.URL, transport_options={**broker.options(folder), "polling_interval": 0.0001})


def _write(folder: Path, count: int) -> None:
    with _connection(folder) as connection, connection.SimpleQueue("gpu") as queue:
        for number in range(count):
            queue.put({"number": number, "padding": "x" * 2000})


def _declare(folder: Path, name: str, barrier) -> None:
    exchange = Exchange("shared", type="fanout")
    with _connection(folder) as connection:
        barrier.wait()
        for number in range(50):
            Queue(f"{name}-{number}", exchange)(connection.default_channel).declare()


def test_nothing_is_lost_between_a_writer_and_a_reader_that_poll_tightly(tmp_path):
    writer = multiprocessing.get_context("spawn").Process(target=_write, args=(tmp_path, MESSAGES))
    with _connection(tmp_path) as connection, connection.SimpleQueue("gpu") as queue:
        writer.start()
        numbers, until = [], time.monotonic() + 120
        while len(numbers) < MESSAGES and time.monotonic() < until:
            try:
                message = queue.get(timeout=1)
            except Empty:
                continue
            numbers.append(message.payload["number"])
            message.ack()
    writer.join()
    assert numbers == list(range(MESSAGES))
    assert not list((tmp_path / "unreadable").iterdir())
    assert not list((tmp_path / "taken").iterdir())


def test_two_processes_that_declare_at_once_both_find_their_queues_bound(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [
        context.Process(target=_declare, args=(tmp_path, name, barrier)) for name in ("web", "worker")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    with _connection(tmp_path) as connection:
        bound = {row.queue for row in connection.default_channel.get_table("shared")}
    assert bound == {f"{name}-{number}" for name in ("web", "worker") for number in range(50)}


@pytest.mark.parametrize("content", [b'{"half": ', b"\xff\xfe", b"null", b""])
def test_a_message_that_does_not_parse_is_kept_aside_and_the_next_one_delivered(tmp_path, content):
    _write(tmp_path, 1)
    damaged = tmp_path / "messages" / "00000000000000000000_damaged.gpu.msg"
    damaged.write_bytes(content)
    with _connection(tmp_path) as connection, connection.SimpleQueue("gpu") as queue:
        assert queue.get(timeout=5).payload["number"] == 0
    assert (tmp_path / "unreadable" / damaged.name).read_bytes() == content


def test_a_message_half_written_is_not_seen_and_other_queues_are_left_alone(tmp_path):
    _write(tmp_path, 1)
    half = tmp_path / "messages" / "00000000000000000000_half.cpu.msg.1.part"
    half.write_bytes(b"{")
    with _connection(tmp_path) as connection, connection.SimpleQueue("cpu") as queue, pytest.raises(Empty):
        queue.get(timeout=0.05)
    assert half.exists()
    assert len(list((tmp_path / "messages").glob("*.gpu.msg"))) == 1


def test_a_queue_can_be_deleted_with_its_binding(tmp_path):
    exchange = Exchange("shared", type="fanout")
    with _connection(tmp_path) as connection:
        channel = connection.default_channel
        queue = Queue("worker", exchange)(channel)
        queue.declare()
        queue.delete()
        assert channel.get_table("shared") == []
