"""The Celery app: it distributes; the job rows make each delivery count once (summaries.jobs)."""

import logging
import os
import threading
from typing import Any

from billiard import active_children
from celery import Celery
from celery.signals import worker_ready, worker_shutting_down
from kombu import Queue
from kombu.exceptions import OperationalError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyproject.settings")

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402

from studyproject import broker  # noqa: E402

HOUR = 3600
CLOCK = {"study.tasks.keep_promises": 24 * HOUR, "study.tasks.review_stops": HOUR}
"""Seconds between two times that a task is asked for."""

log = logging.getLogger(__name__)


def _transport_options() -> dict[str, Any]:
    if not settings.REDIS_URL:
        return broker.options(settings.HOME / "queue")
    return {
        # A task that outlives this is handed to a second worker while the first still runs.
        "visibility_timeout": settings.JOB_HARD_LIMIT + 300,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }


app = Celery("meronym")
app.conf.update(
    broker_url=settings.REDIS_URL or broker.URL,
    broker_transport_options=_transport_options(),
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_queues=[Queue("gpu", routing_key="gpu"), Queue("cpu", routing_key="cpu")],
    task_default_queue="cpu",
    task_create_missing_queues=False,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=settings.JOB_HARD_LIMIT,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=bool(settings.REDIS_URL),
    enable_utc=True,
    timezone="UTC",
)
app.autodiscover_tasks()


@worker_ready.connect
def _reap_now_and_then(sender: Any, **_: Any) -> None:
    """The worker's own clock looks for jobs whose worker died, so no scheduler has to run beside it.

    So it does once a day for what participants were promised, and every hour for summaries that have enough
    answers.
    """
    _reap()
    sender.timer.call_repeatedly(settings.REAP_EVERY, _reap)
    for task, seconds in CLOCK.items():
        _ask(task)
        sender.timer.call_repeatedly(seconds, _ask, (task,))


@worker_shutting_down.connect
def _hand_back(**_: Any) -> None:
    """A worker that is asked to stop gives its jobs back at once; its children notice and leave off."""
    children = [child.pid for child in active_children()]
    # In a thread: the signal may have come in the middle of a query of this one.
    threading.Thread(target=_hand_back_from, args=(children,)).start()


def _hand_back_from(children: list[int]) -> None:
    from summaries.tasks import hand_back

    try:
        hand_back(children)
    except Exception:
        log.exception("The jobs in hand could not be given back; their leases will run out.")
    finally:
        connections.close_all()


def _reap() -> None:
    try:
        app.tasks["summaries.tasks.reap"]()
    except Exception:
        log.exception("Looking for jobs whose worker died did not succeed; it is tried again.")
    finally:
        connections.close_all()  # children forked later must not share them


def _ask(task: str) -> None:
    """Left to the queue, since it may take a while. Several workers ask for it several times, harmlessly."""
    try:
        app.tasks[task].apply_async(queue="cpu", retry=False, expires=CLOCK[task])
    except (OperationalError, OSError):
        log.exception("%s could not be queued; it is tried again.", task)
