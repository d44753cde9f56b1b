"""Who holds a job: the name of a process, and whether a process of this machine is gone."""

import os
import socket
from pathlib import Path


def this_worker() -> str:
    return named(os.getpid())


def named(process: int) -> str:
    """What a process of this machine is called as a worker."""
    return f"{this_machine()}:{process}"


def this_machine() -> str:
    """The host and, where there is such a thing, its space of process numbers: a container has its own."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        space = 0
    return f"{socket.gethostname()[:60]}:{space}"


def is_dead(worker: str) -> bool:
    """Whether a process of this machine is gone, so that its jobs need not wait for their lease."""
    machine, _, process = worker.rpartition(":")
    if machine != this_machine():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
