"""A Celery app like the project's, with one task that leaves a trace: a worker of the tests runs it."""

import os

from studyproject.celery import app


@app.task(name="probe.leave")
def leave(word: str) -> None:
    with open(os.environ["PROBE"], "a") as file:
        file.write(f"{word}\n")
