"""Somebody with a row in every table that a participant can have rows in, and what they may press."""

import json

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection
from django.urls import reverse

from study import naming, recruitment, sessions
from study.models import Answer, Participant, Recruit, Tombstone

PERSON, SUBMISSION, PROJECT = (
    "5f3c0a7be81d4c2a9b6e0d11",
    "64aa0a7be81d4c2a9b6e0d22",
    "77bb0a7be81d4c2a9b6e0d33",
)
TOKEN = "token-of-the-person-who-withdraws-0123456789"
WORDS, FEEDBACK, TOLD = "zygomatic flukelet", "rather lengthy thought", "left-eyed mostly"


def make_person(study, *, token=TOKEN, person=PERSON, submission=SUBMISSION, words=WORDS, finished=False):
    """Somebody from Prolific with a row in every table that a participant can have rows in."""
    arrival = recruitment.Arrival("prolific", person=person, submission=submission, project=PROJECT)
    participant = sessions.start(study, token, arrival=arrival)
    sessions.consent(participant)
    sessions.finish_instructions(participant)
    sessions.finish_practice(participant)
    keys = participant.trials.order_by("position").values_list("key", flat=True)
    for key in keys if finished else keys[:1]:
        sessions.answer(participant, key, kind="name", words=words)
    participant.events.create(kind="focus", detail={"words": words})
    participant.events.create(kind="check", detail={"chosen": [1]})
    participant.exclusions.create(rule="by hand", reason="careless", by=None)
    Participant.objects.filter(pk=participant.pk).update(profile={"sight": TOLD}, feedback=FEEDBACK)
    if finished:
        sessions.finish(participant)
    participant.refresh_from_db()
    return participant


def decide_about(study):
    """What coders and findings tell of the words that the person alone typed."""
    ann = get_user_model().objects.create_superuser("ann")
    naming.merge(study, [WORDS], f"the {WORDS}s", by=ann, reason=f"{WORDS.title()} is what it is")
    naming.code(study, [WORDS], WORDS, by=ann)
    study.snapshots.create(stamp="0" * 64, content={"names": [[WORDS, 1]]})


def log_about(participant):
    """What the site's log tells when researchers touched these rows."""
    user = get_user_model().objects.create_superuser("researcher")
    for row, message in (
        (participant, ""),
        (participant.recruit, ""),
        (participant.study, f"excluded {participant.code}, known as {PERSON}"),
    ):
        LogEntry.objects.create(
            user=user,
            content_type=ContentType.objects.get_for_model(row),
            object_id=row.pk,
            object_repr=str(row),
            action_flag=CHANGE,
            change_message=message,
        )


def everything():
    """Every value of every table as one text, sessions decoded, whatever tables there are."""
    cells = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor, include_views=True):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            cells += [str(cell) for row in cursor.fetchall() for cell in row]
    cells += [json.dumps(session.get_decoded()) for session in Session.objects.all()]
    return "\n".join(cells)


def secrets_of(participant):
    return {PERSON, SUBMISSION, TOKEN, WORDS, FEEDBACK, TOLD, participant.code, participant.receipt_key}


def receipt_of(participant):
    return reverse("study:receipt", args=[participant.receipt_key])


def press_withdraw(client, participant, **sent):
    return client.post(reverse("study:withdraw", args=[participant.receipt_key]), sent or {"sure": "on"})


def keep_rows(participant):
    """All rows of a participant, to put them back as a restored copy of the database would."""
    rows = [participant, *Recruit.objects.filter(participant=participant), *participant.trials.all()]
    rows += Answer.objects.filter(trial__participant=participant)
    return [*rows, *participant.events.all(), *participant.exclusions.all()]


def restore(rows):
    Tombstone.objects.all().delete()
    for row in rows:
        type(row).objects.bulk_create([row])  # no default and no clock: as it was
