"""A participant's way through a study: all that is written on it, and the one page on which they may be."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from study import assignment
from study.models import Answer, Participant, Study, Trial, random_word

CODE_LENGTH = 10


@dataclass(frozen=True)
class Place:
    """The page that a participant may be on: start, consent, instructions, trial or thanks."""

    page: str
    trial: Trial | None = None


def recognise(study: Study, token: str | None) -> Participant | None:
    return study.participants.filter(token=token).first() if token else None


def welcomes(study: Study, preview: bool = False) -> bool:
    """Whether somebody may begin. Who has consented may always go on to the end."""
    return preview or study.state == Study.State.OPEN


def place_of(participant: Participant) -> Place:
    if participant.finished_at:
        return Place("thanks")
    if not participant.consented_at:
        return Place("consent" if welcomes(participant.study, participant.preview) else "start")
    if not participant.instructed_at:
        return Place("instructions")
    return Place("trial", _next_trial(participant))


@transaction.atomic
def start(study: Study, token: str, *, preview: bool = False) -> Participant:
    """The participant who holds this token; made at the first call, found at every later one."""
    Study.objects.select_for_update().get(pk=study.pk)  # arrivals are numbered one after another
    known = recognise(study, token)
    if known:
        return known
    arrived = study.participants.filter(preview=preview).aggregate(last=Max("number"))["last"] or 0
    return Participant.objects.create(study=study, token=token, preview=preview, number=arrived + 1)


@transaction.atomic
def consent(participant: Participant) -> None:
    """Records which text was agreed to, and draws the participant's trials."""
    participant = _locked(participant)
    if participant.consented_at:
        return
    participant.consented_at = timezone.now()
    participant.consent_sha256 = sha256(participant.study.consent.encode()).hexdigest()
    participant.save(update_fields=["consented_at", "consent_sha256"])
    Trial.objects.bulk_create(_trials(participant))


def finish_instructions(participant: Participant) -> None:
    waiting = Participant.objects.filter(
        pk=participant.pk, consented_at__isnull=False, instructed_at__isnull=True
    )
    waiting.update(instructed_at=timezone.now())


@transaction.atomic
def answer(
    participant: Participant,
    key: str,
    *,
    kind: str,
    words: str = "",
    seconds: float | None = None,
    shown_at: datetime | None = None,
) -> bool:
    """Stores an answer to the trial that is the participant's next one. To any other trial nothing is stored:
    it has its answer already, and the first one stands, or it has not been shown yet. True if stored."""
    participant = _locked(participant)
    trial = place_of(participant).trial
    if trial is None or str(trial.key) != str(key):
        return False
    Answer.objects.create(
        trial=trial,
        kind=kind,
        words=words,
        seconds=seconds,
        shown_at=shown_at,
        software_version=settings.VERSION,
    )
    if _next_trial(participant) is None:
        _finish(participant)
    return True


def _locked(participant: Participant) -> Participant:
    """The row as it is now, held until the transaction ends: a double click waits here."""
    return Participant.objects.select_for_update(of=("self",)).select_related("study").get(pk=participant.pk)


def _next_trial(participant: Participant) -> Trial | None:
    unanswered = participant.trials.filter(answers__isnull=True).select_related("stimulus")
    return unanswered.order_by("position").first()


def _trials(participant: Participant) -> list[Trial]:
    stimuli = list(participant.study.stimuli.order_by("position"))
    order = assignment.order(len(stimuli), seed=participant.study.seed, number=participant.number)
    return [
        Trial(participant=participant, stimulus=stimuli[index], position=position)
        for position, index in enumerate(order, start=1)
    ]


def _finish(participant: Participant) -> None:
    """Only now does a completion code exist: every answer is stored."""
    participant.finished_at = timezone.now()
    participant.completion_code = random_word(CODE_LENGTH).upper()
    participant.save(update_fields=["finished_at", "completion_code"])
