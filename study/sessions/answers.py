"""Answers, stored once however often they are sent, and the handshake at the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from study import evidence as measured
from study import exclusions, places, receipts
from study.models import Answer, Outcome, Participant, Trial
from study.sessions.leases import held, is_running, lease, touch
from study.sessions.way import at_work, end


class NoSuchTrial(Exception):
    """There is no such trial, or it is not this participant's, or not yet."""


class OutOfTurn(Exception):
    """The participant has not come so far."""


@dataclass(frozen=True)
class Stored:
    """What the database holds now for one trial."""

    answer: Answer
    receipt: str
    made: bool
    """By this call; an answer sent again makes nothing."""
    conflict: bool
    """It is another answer than the one sent, and stands."""

    @property
    def surplus(self) -> bool:
        return self.answer.surplus


@dataclass(frozen=True)
class Lacking:
    """What stands between a participant and the completion code: keys of trials. False if nothing does."""

    missing: list[str]
    """Without an answer."""
    wrong: list[str]
    """Answered, but the participant holds no receipt of what is stored."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.wrong)


def answer(
    participant: Participant,
    key: str | UUID,
    *,
    kind: str,
    words: str = "",
    seconds: float | None = None,
    shown_at: datetime | None = None,
    answered_at: datetime | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> Stored:
    """Stores an answer to any trial of the participant's own, in whichever order they come.

    The same answer once more stores nothing. Another one is a revision where the study allows it and the
    participant has not finished, unless it was given before the one that is stored; else what is stored
    stands. Raises NoSuchTrial.
    """
    if not is_running(participant, timezone.now()):
        touch(participant)  # before the row is held: to come back, the study must be held first
    with transaction.atomic():
        participant = held(participant)
        trial = _own_trial(participant, key)
        stored = list(trial.answers.order_by("revision"))
        sent = Answer(
            trial=trial,
            revision=len(stored) + 1,
            kind=kind,
            words=words,
            body_sha256=receipts.body_hash(kind, words),
            seconds=measured.seconds(seconds),
            shown_at=shown_at,
            answered_at=answered_at,
            evidence=measured.clean(evidence),
            software_version=settings.VERSION,
        )
        if twin := _twin(sent, stored):
            return _stored(trial, twin)
        if stored and not _may_replace(participant, stored[-1], sent):
            return _stored(trial, stored[-1], conflict=True)
        return _store(participant, sent, stored)


@transaction.atomic
def finish(participant: Participant, shown: Mapping[str, str] | None = None) -> Lacking:
    """The handshake: only if every trial has an answer, and the participant holds a receipt of each, is the
    study completed and a code shown. Without scripts nothing is held, and nothing compared.

    Raises OutOfTurn from who has not come to the trials.
    """
    participant = held(participant)
    if participant.outcome:
        return Lacking([], [])
    if not at_work(participant):
        raise OutOfTurn
    keys = [str(key) for key in participant.trials.order_by("position").values_list("key", flat=True)]
    stored = receipts_of(participant)
    claimed = stored if shown is None else shown
    lacking = Lacking(
        missing=[key for key in keys if key not in stored],
        wrong=[key for key in stored.keys() | claimed.keys() if stored.get(key) != claimed.get(key)],
    )
    if not lacking:
        end(participant, Outcome.COMPLETED)
        transaction.on_commit(partial(exclusions.judge_one, participant), robust=True)
    return lacking


def receipts_of(participant: Participant) -> dict[str, str]:
    """Of every trial that has an answer: the receipt of the last revision, by the trial's key."""
    answers = Answer.objects.current().filter(trial__participant=participant).select_related("trial")
    return {str(answer.trial.key): receipts.receipt(answer) for answer in answers}


def _own_trial(participant: Participant, key: str | UUID) -> Trial:
    """With its stimulus, held until the transaction ends, so that nobody fills it meanwhile."""
    try:
        key = UUID(str(key))
    except ValueError as error:
        raise NoSuchTrial from error
    trials = participant.trials.select_related("stimulus").select_for_update(of=("stimulus",), no_key=True)
    trial = trials.filter(key=key).first() if at_work(participant) else None
    if trial is None:
        raise NoSuchTrial
    return trial


def _twin(sent: Answer, stored: list[Answer]) -> Answer | None:
    """The stored answer of which this one is a copy: the last one, or an earlier one given that moment."""
    alike = [each for each in stored if each.body_sha256 == sent.body_sha256]
    again = [each for each in alike if each is stored[-1] or _same_moment(each, sent)]
    return again[-1] if again else None


def _same_moment(one: Answer, other: Answer) -> bool:
    return one.answered_at is not None and one.answered_at == other.answered_at


def _may_replace(participant: Participant, last: Answer, sent: Answer) -> bool:
    overtaken = last.answered_at and sent.answered_at and sent.answered_at < last.answered_at
    return not participant.outcome and participant.version.setting("revisable") and not overtaken


def _store(participant: Participant, sent: Answer, stored: list[Answer]) -> Stored:
    now = timezone.now()
    sent.surplus = _is_surplus(participant, sent, stored, now)
    sent.save(force_insert=True)
    participant.last_seen = now
    if is_running(participant, now):
        participant.lease_until = lease(participant, now)
    participant.save(update_fields=["last_seen", "lease_until"])
    return _stored(sent.trial, sent, made=True)


def _is_surplus(participant: Participant, sent: Answer, stored: list[Answer], now: datetime) -> bool:
    """A revision keeps the place of what it replaces; to skip takes none."""
    if sent.kind == Answer.Kind.SKIPPED:
        return False
    if stored and stored[-1].kind != Answer.Kind.SKIPPED:
        return stored[-1].surplus
    return places.is_full(sent.trial.stimulus, participant, now)


def _stored(trial: Trial, answer: Answer, *, made: bool = False, conflict: bool = False) -> Stored:
    answer.trial = trial
    return Stored(answer, receipts.receipt(answer), made=made, conflict=conflict)
