"""From a finished run to a study that people can take part in, and the study's state."""

import re
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from annotations import Refusal, files, pictures
from study import texts
from study.models import Answer, Participant, Stimulus, Study, Trial
from summaries import exhibits
from summaries.models import Run


def create_study(run: Run, title: str, created_by: Any = None) -> Study:
    """A draft that shows all exhibits of a finished run, with the usual texts."""
    study = Study(
        title=title,
        consent=texts.CONSENT,
        instructions=texts.INSTRUCTIONS,
        thanks=texts.THANKS,
        created_by=created_by,
    )
    freeze(study, run)
    return study


def freeze(study: Study, run: Run) -> None:
    """Saves a new study with a stimulus for every exhibit of the run."""
    check_run(run)
    stimuli = [
        _stimulus(study, position, exhibit) for position, exhibit in enumerate(exhibits.of_run(run), 1)
    ]
    with transaction.atomic():
        study.save()
        Stimulus.objects.bulk_create(stimuli)


def check_run(run: Run) -> None:
    """Refuses a run of which no study can be made."""
    if run.state != Run.State.FINISHED:
        raise Refusal(f"Run {run.pk} is {run.state}; a study can be made once it has finished.")
    if next(iter(exhibits.of_run(run)), None) is None:
        raise Refusal(f"Run {run.pk} found no summaries, so there is nothing to show.")


def open_study(study: Study) -> None:
    """Lets participants in, from now on or once more."""
    if not study.stimuli.exists():
        raise Refusal("The study has nothing to show.")
    closed = Study.objects.filter(pk=study.pk).exclude(state=Study.State.OPEN)
    now = timezone.now()
    if not closed.update(state=Study.State.OPEN, opened_at=Coalesce(F("opened_at"), now)):
        raise Refusal("The study is open already.")
    study.refresh_from_db()


def close_study(study: Study) -> None:
    """Lets nobody else in; who has consented may finish."""
    opened = Study.objects.filter(pk=study.pk, state=Study.State.OPEN)
    if not opened.update(state=Study.State.CLOSED, closed_at=timezone.now()):
        raise Refusal("Only an open study can be closed.")
    study.refresh_from_db()


def leaks(study: Study) -> list[str]:
    """Class names that stand in what participants can read: the link and the words of the study."""
    readable = " ".join(
        [study.slug, study.consent, study.instructions, study.thanks, study.question]
    ).casefold()
    groups = study.stimuli.order_by("group").values_list("group", flat=True).distinct()
    spoken = {group: re.escape(group.casefold()).replace("_", "[_ -]") for group in groups}
    return [group for group in groups if re.search(rf"\b{spoken[group]}", readable)]


def has_answers(study: Study) -> bool:
    return Answer.objects.filter(trial__participant__study=study, trial__participant__preview=False).exists()


@transaction.atomic
def delete_study(study: Study) -> None:
    """Deletes a study without answers, with its previews. Answers of people are never deleted this way."""
    Study.objects.select_for_update().get(pk=study.pk)
    if has_answers(study):
        raise Refusal("The study has answers, so it cannot be deleted. Close it instead.")
    # Of previews alone: a person's answer that comes meanwhile holds its trial, and nothing is deleted.
    Answer.objects.filter(trial__participant__study=study, trial__participant__preview=True).delete()
    Trial.objects.filter(participant__study=study).delete()
    Participant.objects.filter(study=study).delete()
    study.stimuli.all().delete()
    study.delete()


def _stimulus(study: Study, position: int, exhibit: exhibits.Exhibit) -> Stimulus:
    return Stimulus(
        study=study,
        position=position,
        exhibit=exhibit.key,
        pictures=[_copy(key) for key in exhibit.pictures],
        question=exhibit.question,
        alternative_text=exhibit.alternative_text,
        title=exhibit.title,
        group=exhibit.group,
    )


def _copy(key: str) -> str:
    """The pixels alone, in a file of their own: whatever else the original holds stays behind."""
    try:
        return files.put(pictures.png(pictures.read_rgb(files.get(key))), ".png")
    except files.Missing as error:
        raise Refusal("A picture of this run is missing from the file store; run it again.") from error
