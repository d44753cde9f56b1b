"""From a finished run to a study that people can take part in, and the study's state."""

import re
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from annotations import Refusal
from study import stimuli, texts, versions
from study.models import Answer, Participant, Study, Trial
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
    begin(study, run)
    return study


@transaction.atomic
def begin(study: Study, run: Run) -> None:
    """Saves a new study with its first condition: a stimulus for every exhibit of the run."""
    stimuli.check_run(run)
    study.save()
    stimuli.add_condition(study, run)


@transaction.atomic
def open_study(study: Study, by: Any = None) -> None:
    """Lets participants in, from now on or once more. The first time the design is published as version 1;
    later changes are published by `publish_changes` alone."""
    if not study.stimuli.exists():
        raise Refusal("The study has nothing to show.")
    waiting = Study.objects.filter(pk=study.pk).exclude(state=Study.State.OPEN)
    now = timezone.now()
    if not waiting.update(state=Study.State.OPEN, opened_at=Coalesce(F("opened_at"), now)):
        raise Refusal("The study is open already.")
    if versions.latest(study) is None:
        versions.publish(study, by)
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
    study.conditions.all().delete()
    study.delete()
