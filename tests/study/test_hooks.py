"""What a recruiter's machine tells: believed by its signature alone, and counted once."""

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from study import recruitment, sessions
from study.models import Answer, Delivery, Participant, Recruit
from tests.factories import make_participant, make_study

pytestmark = pytest.mark.django_db

SECRET = "whispered"
SUBMISSION = "64f0c0ffee64f0c0ffee0001"


def signed(body, *, secret=SECRET, at=None, event="event-1"):
    timestamp = str(int((at or timezone.now()).timestamp()))
    digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    return {
        "X-Prolific-Request-Timestamp": timestamp,
        "X-Prolific-Request-Signature": b64encode(digest).decode(),
        "X-Event-Id": event,
    }


def told(status, submission=SUBMISSION):
    message = {"event_type": "submission.status.change", "resource_id": submission, "status": status}
    return json.dumps(message).encode()


@pytest.fixture
def study():
    study = make_study(2)
    study.recruiter, study.webhook_secret = "prolific", SECRET
    study.save()
    return study


@pytest.fixture
def participant(study):
    """Somebody from Prolific who has answered once and is still at it."""
    participant = make_participant(study)
    arrival = recruitment.Arrival("prolific", person="5e9088a8a4b6ed018b45ba7b", submission=SUBMISSION)
    recruitment.bind(participant, arrival)
    sessions.finish_practice(participant)
    sessions.answer(participant, str(participant.trials.first().key), kind="name", words="wing")
    Participant.objects.filter(pk=participant.pk).update(lease_until=timezone.now() + timedelta(minutes=20))
    return participant


@pytest.fixture
def send(study):
    def send(body, headers=None, **options):
        address = reverse("study:prolific_hook", args=[study.slug])
        headers = signed(body, **options) if headers is None else headers
        strict = Client(enforce_csrf_checks=True)
        return strict.post(address, body, content_type="application/json", headers=headers).status_code

    return send


def test_a_signed_message_changes_the_status_and_needs_no_csrf_token(participant, send):
    assert send(told("AWAITING REVIEW")) == 204
    assert Recruit.objects.get().status == "AWAITING REVIEW"


@pytest.mark.parametrize("status", ["RETURNED", "TIMED-OUT", "timed_out"])
def test_who_left_there_gives_the_place_on_and_keeps_the_answers(participant, send, status):
    assert send(told(status)) == 204
    participant.refresh_from_db()
    assert participant.lease_until <= timezone.now()
    assert not participant.finished_at and Answer.objects.count() == 1
    assert participant.events.filter(kind="released").count() == 1


def test_a_message_sent_thirteen_times_counts_once(participant, send):
    assert {send(told("RETURNED")) for _ in range(13)} == {204}
    assert Delivery.objects.count() == 1 and participant.events.filter(kind="released").count() == 1


def test_without_an_event_id_the_bytes_are_the_event(participant, send):
    body = told("RETURNED")
    headers = {name: value for name, value in signed(body).items() if name != "X-Event-Id"}
    assert [send(body, headers), send(body, headers), Delivery.objects.count()] == [204, 204, 1]


def test_nothing_forged_old_or_unsigned_is_believed(participant, send, study):
    body = told("RETURNED")
    good = signed(body)
    forged = [
        {},
        signed(body, secret="guessed"),
        signed(body, at=timezone.now() - timedelta(minutes=6)),
        signed(body, at=timezone.now() + timedelta(minutes=6)),
        signed(told("APPROVED")),
        good | {"X-Prolific-Request-Timestamp": "٣"},
        good | {"X-Prolific-Request-Timestamp": "1e9"},
        good | {"X-Prolific-Request-Signature": "é"},
        good | {"X-Prolific-Request-Signature": good["X-Prolific-Request-Signature"].lower()},
    ]
    assert [send(body, headers) for headers in forged] == [401] * len(forged)
    study.webhook_secret = ""
    study.save()
    assert send(body, secret="") == 401, "no secret, no belief"
    assert not Delivery.objects.exists() and Recruit.objects.get().status == ""


def test_while_a_secret_is_changed_both_are_good(participant, send, study):
    study.webhook_secret = f"new {SECRET}"
    study.save()
    assert send(told("ACTIVE"), secret="new") == send(told("ACTIVE"), event="event-2") == 204


def test_a_message_that_was_overtaken_leads_nowhere_back(participant, send):
    for number, status in enumerate(["APPROVED", "AWAITING REVIEW", "RESERVED", "RETURNED"]):
        send(told(status), event=f"event-{number}")
    assert Recruit.objects.get().status == "APPROVED"
    participant.refresh_from_db()
    assert participant.lease_until > timezone.now()


def test_other_submissions_and_other_events_change_nothing(participant, send):
    assert send(told("RETURNED", submission="64f0c0ffee64f0c0ffee0002")) == 204
    assert send(told("RETURNED", submission=""), event="event-2") == 204
    assert send(b'{"event_type": "study.status.change"}', event="event-3") == 204
    assert send(b"[1]", event="event-4") == 204
    assert send(b"{", event="event-5") == 400
    assert send(b"[" * 60_000, event="event-6") == 400
    assert Recruit.objects.get().status == ""


def test_a_huge_body_an_unknown_study_and_a_get_are_refused(client, study, send):
    assert send(b" " * 65_537) == 413
    assert client.post("/hooks/prolific/nowhere/").status_code == 404
    assert client.get(reverse("study:prolific_hook", args=[study.slug])).status_code == 405
