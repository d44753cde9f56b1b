"""From a finished run to a study that people can take part in, and the study's state."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from annotations import Refusal
from study import recruitment, stimuli, texts, versions
from study.models import Answer, Outcome, Participant, Study, Trial, Version
from summaries import exhibits
from summaries.models import Run


def create_study(run: Run, title: str, created_by: Any = None, language: str = "en") -> Study:
    """A draft that shows all exhibits of a finished run, with the usual texts in its language."""
    study = Study(title=title, language=language, created_by=created_by)
    begin(study, run)
    return study


def begin(study: Study, run: Run) -> None:
    """Saves a new study with its first condition: a stimulus for every exhibit of the run. Texts that it has
    not yet are the usual ones."""
    stimuli.check_run(run)
    usual = texts.of(study.language)
    study.consent = study.consent or usual.consent
    study.instructions = study.instructions or usual.instructions
    study.thanks = study.thanks or usual.thanks
    ready = stimuli.frozen(exhibits.of_run(run))
    with transaction.atomic():
        study.save()
        stimuli.add_condition(study, run, ready)


@transaction.atomic
def open_study(study: Study, by: Any = None) -> None:
    """Lets participants in, from now on or once more. The first time the design is published as version 1;
    later changes are published by `publish_changes` alone."""
    if not stimuli.shown(study).exists():
        raise Refusal("The study has nothing to show.")
    waiting = Study.objects.filter(pk=study.pk).exclude(state=Study.State.OPEN)
    now = timezone.now()
    if not waiting.update(state=Study.State.OPEN, opened_at=Coalesce(F("opened_at"), now)):
        raise Refusal("The study is open already.")
    if versions.latest(study) is None:
        versions.publish(study, by)
    recruitment.code_for(study, Outcome.COMPLETED)  # makes them all: recruiters ask for them beforehand
    study.refresh_from_db()


def pause_study(study: Study) -> None:
    """Lets nobody in until it is opened again; who has consented goes on."""
    _move(study, {"state": Study.State.PAUSED}, {Study.State.OPEN}, "Only a published study can be paused.")


def close_study(study: Study) -> None:
    """Lets nobody else in; who has consented may finish."""
    closed = {"state": Study.State.CLOSED, "closed_at": timezone.now()}
    moving = {Study.State.OPEN, Study.State.PAUSED}
    _move(study, closed, moving, "Only a published or paused study can be closed.")


@transaction.atomic
def publish_changes(study: Study, by: Any = None) -> Version:
    """The next version, for whoever comes from now on; who is under way keeps theirs."""
    Study.objects.select_for_update().only("pk").get(pk=study.pk)  # one press after another
    if versions.latest(study) is None:
        raise Refusal("The study has not been published yet; publish it first.")
    if not has_changes(study):
        raise Refusal("Nothing has changed since the last version.")
    return versions.publish(study, by)


def has_changes(study: Study) -> bool:
    """Whether the desk differs from what newcomers take part in."""
    latest = versions.latest(study)
    return latest is not None and latest.sha256 != versions.hash_of(versions.content_of(study))


def changes(study: Study) -> list[str]:
    """In words, what differs between the desk and what newcomers take part in."""
    latest = versions.latest(study)
    if latest is None:
        return []
    now, before = versions.content_of(study), latest.content
    fields = [name for name in versions.FROZEN if name in before and now[name] != before[name]]
    fields += [name for name in versions.FROZEN_IF_SAID if now.get(name) != before.get(name)]
    told = [Study._meta.get_field(name).verbose_name for name in fields]
    if before.get("conditions") != now["conditions"]:
        told.append("conditions")
    if before["stimuli"] != now["stimuli"]:
        told.append(f"stimuli ({len(before['stimuli'])} before, {len(now['stimuli'])} now)")
    return told


def has_answers(study: Study) -> bool:
    return Answer.objects.filter(trial__participant__study=study, trial__participant__preview=False).exists()


@transaction.atomic
def delete_study(study: Study) -> None:
    """Deletes a study without answers, with its previews. Answers of people are never deleted this way."""
    Study.objects.select_for_update().get(pk=study.pk)
    if has_answers(study):
        raise Refusal("The study has answers, so it cannot be deleted. Close it instead.")
    # Of previews alone: a person's answer that comes meanwhile holds its trial, and nothing is deleted.
    stimuli.forget_previews(study)
    Trial.objects.filter(participant__study=study).delete()
    Participant.objects.filter(study=study).delete()
    study.stimuli.filter(source__isnull=False).delete()
    study.stimuli.all().delete()
    study.conditions.all().delete()
    study.delete()


def _move(study: Study, change: dict[str, Any], among: set[str], refusal: str) -> None:
    if not Study.objects.filter(pk=study.pk, state__in=among).update(**change):
        raise Refusal(refusal)
    study.refresh_from_db()
