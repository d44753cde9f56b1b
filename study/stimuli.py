"""What a study shows, on the desk: conditions made from runs, and the frozen copies of their exhibits."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Max

from annotations import Refusal, files, pictures
from study.models import Condition, Stimulus, Study
from summaries import exhibits
from summaries.exhibits import Exhibit
from summaries.models import Run


def check_run(run: Run) -> None:
    """Refuses a run of which no condition can be made."""
    if run.state != Run.State.FINISHED:
        raise Refusal(f"Run {run.pk} is {run.state}; a study can be made once it has finished.")
    if next(iter(exhibits.of_run(run)), None) is None:
        raise Refusal(f"Run {run.pk} found no summaries, so there is nothing to show.")


@transaction.atomic
def add_condition(study: Study, run: Run) -> Condition:
    """A further group of participants, who see all exhibits of this run."""
    check_run(run)
    condition = _new_condition(study, run.network.name, run)
    add(study, exhibits.of_run(run), condition=condition)
    return condition


def add(
    study: Study,
    shown: Iterable[Exhibit],
    *,
    condition: Condition | None,
    kind: str = Stimulus.Kind.SUMMARY,
) -> list[Stimulus]:
    """Freezes exhibits into stimuli behind those that there are."""
    first = next_position(study.stimuli)
    return Stimulus.objects.bulk_create(
        _frozen(exhibit, study=study, condition=condition, kind=kind, position=position)
        for position, exhibit in enumerate(shown, first)
    )


def next_position(rows) -> int:
    return (rows.aggregate(last=Max("position"))["last"] or 0) + 1


def _new_condition(study: Study, name: str, run: Run) -> Condition:
    taken = study.conditions.filter(name=name).exists()
    return study.conditions.create(
        name=f"{name}, run {run.pk}" if taken else name, position=next_position(study.conditions)
    )


def _frozen(exhibit: Exhibit, **more: object) -> Stimulus:
    copies = [_copy(key) for key in exhibit.pictures]
    return Stimulus(
        exhibit=exhibit.key,
        pictures=[key for key, _ in copies],
        sizes=[size for _, size in copies],
        question=exhibit.question,
        alternative_text=exhibit.alternative_text,
        title=exhibit.title,
        group=exhibit.group,
        **more,
    )


def _copy(key: str) -> tuple[str, list[int]]:
    """The pixels alone, in a file of their own, and their size; whatever else the original holds stays behind."""
    try:
        pixels = pictures.read_rgb(files.get(key))
    except files.Missing as error:
        raise Refusal("A picture of this run is missing from the file store; run it again.") from error
    return files.put(pictures.png(pixels), ".png"), [pixels.shape[1], pixels.shape[0]]
