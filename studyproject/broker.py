"""The queue of files: kombu's filesystem transport, made safe for two processes that start at once.

The stock transport writes a message under its final name, so a reader may take half of it and lose the whole.
It rewrites the exchange table in place, so a process that starts meanwhile reads half of it and dies. Here
both are written to a temporary name and renamed, the table is rewritten under a lock, and a message that does
not parse is kept in `unreadable/`. Registered as `afs://` (atomic file system). What a killed worker held is
not delivered again: the job rows and their reaper see to that (summaries.jobs).
"""

import fcntl
import logging
import os
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem, virtual
from kombu.utils.json import dumps, loads

log = logging.getLogger(__name__)

URL = "afs://localhost/"
TRANSPORT_ALIASES["afs"] = f"{__name__}:Transport"


def options(folder: Path) -> dict[str, Any]:
    """The transport's options for a queue kept in this folder, whose parts are made where missing."""
    parts = {part: folder / part for part in ("messages", "taken", "exchanges", "unreadable")}
    for path in parts.values():
        path.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(parts["messages"]),
        "data_folder_out": str(parts["messages"]),
        "processed_folder": str(parts["taken"]),
        "control_folder": str(parts["exchanges"]),
        "unreadable_folder": str(parts["unreadable"]),
        "polling_interval": 0.1,
    }


class Channel(filesystem.Channel):
    """Messages and exchange tables that are either whole or absent."""

    def _put(self, queue: str, payload: dict, **kwargs: Any) -> None:
        path = Path(self.data_folder_out, f"{time.time_ns():020d}_{uuid.uuid4()}.{queue}.msg")
        try:
            _write(path, payload)
        except OSError as error:
            raise ChannelError(f"A message cannot be written to {path.parent}: {error.strerror}") from error

    def _get(self, queue: str) -> dict:
        for name in sorted(os.listdir(self.data_folder_in)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = Path(self.processed_folder, name)
            try:
                os.rename(Path(self.data_folder_in, name), taken)
            except FileNotFoundError:
                continue  # another worker was quicker
            payload = _read(taken)
            if isinstance(payload, dict):
                taken.unlink()
                return payload
            self._set_aside(taken)
        raise Empty()

    def _set_aside(self, message: Path) -> None:
        kept = Path(self.transport_options["unreadable_folder"], message.name)
        os.rename(message, kept)
        log.error("A message could not be read and is kept as %s", kept)

    def get_table(self, exchange: str) -> list[filesystem.exchange_queue_t]:
        try:
            rows = loads(self._exchange_file(exchange).read_bytes())
        except FileNotFoundError:
            return []
        return [filesystem.exchange_queue_t(*row) for row in rows]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        bound = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._rewriting(exchange) as table:
            if bound not in table:
                table.insert(0, bound)

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kwargs: Any
    ) -> None:
        self._purge(queue)
        bound = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._rewriting(exchange) as table, suppress(ValueError):
            table.remove(bound)

    @contextmanager
    def _rewriting(self, exchange: str) -> Iterator[list]:
        """The table, to be changed in place: one process at a time, and readers never see half of it."""
        path = self._exchange_file(exchange)
        with open(path.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            table = self.get_table(exchange)
            before = list(table)
            yield table
            if table != before:
                _write(path, table)


class Transport(filesystem.Transport):
    Channel = Channel
    driver_type = driver_name = "afs"
    states: defaultdict[str, virtual.BrokerState] = defaultdict(virtual.BrokerState)
    """What this process has declared so far, for each folder."""

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.state = self.states[client.transport_options["control_folder"]]


def _read(message: Path) -> Any:
    try:
        return loads(message.read_bytes())
    except ValueError:
        return None


def _write(path: Path, content: Any) -> None:
    part = path.with_name(f"{path.name}.{uuid.uuid4()}.part")
    try:
        part.write_bytes(dumps(content).encode())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
