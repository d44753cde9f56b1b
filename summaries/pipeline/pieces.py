"""Pieces: how every story cuts a stage into jobs, and finds what a job names."""

from collections.abc import Callable, Iterable

from summaries.jobs import Piece
from summaries.models import Job, Run, RunClass, RunImage
from summaries.pipeline.evidence import batches

CHUNK = 8
"""Images a job: small enough to lose little when a worker dies, large enough to fill a batch."""

Write = Callable[[], None]
"""What a stage returns: how its rows are to be written, in one commit with the word that it is done."""


def nothing() -> None:
    """For stages that leave artefacts only."""


def in_chunks(run: Run, images_of: Callable[[RunClass], Iterable[RunImage]]) -> list[Piece]:
    found = []
    for run_class in run.classes.all():
        for number, chunk in enumerate(batches([each.pk for each in images_of(run_class)], CHUNK)):
            found.append(Piece(f"{run_class.pk}:{number}", {"images": chunk}))
    return found


def plan_classes(run: Run) -> list[Piece]:
    return [Piece(str(run_class.pk), {"class": run_class.pk}) for run_class in run.classes.all()]


def images_of(job: Job) -> list[RunImage]:
    """The job's images, in the order in which it names them."""
    rows = RunImage.objects.select_related(
        "image", "mask", "run_class__run__network", "run_class__run__image_set"
    )
    found = rows.in_bulk(job.payload["images"])
    return [found[pk] for pk in job.payload["images"]]


def class_of(job: Job) -> RunClass:
    return RunClass.objects.get(pk=job.payload["class"])
