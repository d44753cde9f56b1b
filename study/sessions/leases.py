"""Who is at work, and until when their places are theirs."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from study import places
from study.models import Participant, Study


def hold(study: int) -> None:
    """Until the transaction ends nobody else arrives or draws. Rows of the study may be written."""
    Study.objects.select_for_update(no_key=True).only("pk").get(pk=study)


def held(participant: Participant) -> Participant:
    """The row as it is now, held until the transaction ends: a double click waits here."""
    row = Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    row.study, row.version = participant.study, participant.version  # which never change
    return row


def lease(participant: Participant, now: datetime) -> datetime:
    return now + timedelta(minutes=participant.version.setting("lease_minutes"))


def is_running(participant: Participant, now: datetime) -> bool:
    return participant.lease_until is not None and participant.lease_until > now


def touch(participant: Participant) -> None:
    """A sign of life puts the lease off. One that has run out begins anew if nobody took the places."""
    now = timezone.now()
    here = Participant.objects.filter(pk=participant.pk, outcome="")
    running = here.filter(lease_until__gt=now)
    if running.update(last_seen=now, lease_until=lease(participant, now)):
        return
    if participant.lease_until is None:
        here.update(last_seen=now)
    else:
        _come_back(participant, now)


@transaction.atomic
def _come_back(participant: Participant, now: datetime) -> None:
    hold(participant.study_id)  # nobody draws the same places meanwhile
    free = places.free_for(participant, now)
    renewed = {"lease_until": lease(participant, now)} if free else {}
    Participant.objects.filter(pk=participant.pk, outcome="").update(last_seen=now, **renewed)
