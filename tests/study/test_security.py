"""What is old, used up, forged or somebody else's opens nothing and changes nothing."""

import html
import re
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from study import publishing, sessions, views
from study.cookies import ARRIVAL, PARTICIPANT
from study.models import Answer, Participant, Recruit
from study.recruitment import ARRIVAL_SECONDS
from tests.factories import give_answers, make_participant, make_study

pytestmark = pytest.mark.django_db


def address(study, name="start", *more):
    return reverse(f"study:{name}", args=[study.slug, *more])


def client_of(participant):
    client = Client()
    client.cookies.update(views.enter(participant.study, participant).cookies)
    return client


def ticket_of(client, study):
    page = client.get(address(study)).content.decode()
    return html.unescape(re.search(r'name="ticket" value="([^"]+)"', page)[1])


def put(client, study, key, words="wing"):
    body = {"kind": "name", "words": words}
    return client.put(address(study, "answer", key), body, content_type="application/json")


@pytest.fixture
def later(monkeypatch):
    """Sets the clock by which signatures grow old."""

    def wait(seconds):
        now = signing.time.time()
        monkeypatch.setattr("django.core.signing.time.time", lambda: now + seconds)

    return wait


@pytest.fixture
def finished(db):
    participant = make_participant(make_study(2))
    give_answers(participant, "wing", "wing")
    return participant


def test_a_ticket_used_twice_makes_one_participant(client):
    study = make_study(1)
    ticket = ticket_of(client, study)
    for _ in range(2):
        client.cookies.clear()
        client.post(address(study), {"ticket": ticket})
    assert Participant.objects.count() == 1


@pytest.mark.parametrize("forge", [str.upper, lambda ticket: "mine" + ticket, lambda ticket: "", str.title])
def test_a_forged_ticket_makes_nobody(client, forge):
    study = make_study(1)
    client.post(address(study), {"ticket": forge(ticket_of(client, study))})
    assert not Participant.objects.exists()


def test_a_ticket_of_another_study_or_of_a_closed_one_makes_nobody(client):
    study, other = make_study(1), make_study(1)
    client.post(address(study), {"ticket": ticket_of(client, other)})
    ticket = ticket_of(client, study)
    publishing.close_study(study)
    assert client.post(address(study), {"ticket": ticket}).status_code == 403
    assert not Participant.objects.exists()


@pytest.mark.parametrize("cookie", ["", "guess", "guess:1abc:signature", "{token}", "{token}:1abc:{token}"])
def test_a_cookie_that_we_did_not_sign_is_nobodys(client, cookie):
    participant = make_participant(make_study(1))
    client.cookies[PARTICIPANT] = cookie.format(token=participant.token)
    assert client.get(address(participant.study, "work")).status_code == 403


def test_a_link_remembered_for_too_long_says_nothing_any_more(client, later):
    study = make_study(1)
    link = {"PROLIFIC_PID": "5" * 24, "STUDY_ID": "6" * 24, "SESSION_ID": "7" * 24}
    client.get(address(study), link)
    assert client.cookies[ARRIVAL].value
    later(ARRIVAL_SECONDS + 1)
    client.post(address(study), {"ticket": ticket_of(client, study)})
    assert Participant.objects.exists() and not Recruit.objects.exists()


def test_who_has_finished_stands_on_the_last_page_and_changes_nothing(finished):
    client, study, trials = client_of(finished), finished.study, list(finished.trials.all())
    receipts, code = sessions.receipts_of(finished), finished.completion_code
    for name in ("consent", "instructions", "practice", "feedback"):
        assert client.post(address(study, name), {"agree": "on"})["Location"] == address(study, "thanks")
    again = put(client, study, trials[0].key)
    assert (again.status_code, again.json()["receipt"]) == (200, receipts[str(trials[0].key)])
    assert put(client, study, trials[0].key, "beak").status_code == 409
    assert client.get(address(study, "picture", trials[0].key, 0)).status_code == 404
    told = {"receipts": {}, "feedback": "more"}
    assert client.post(address(study, "finish"), told, content_type="application/json").status_code == 200
    assert client.post(address(study, "alive")).status_code == 204
    finished.refresh_from_db()
    assert (finished.completion_code, finished.feedback) == (code, "")
    assert Answer.objects.count() == 2


def test_no_receipt_of_somebody_else_ends_ones_own_way(finished):
    other = make_participant(finished.study)
    keys = [str(key) for key in other.trials.values_list("key", flat=True)]
    theirs = sessions.receipts_of(finished)
    for claimed in (theirs, dict(zip(keys, theirs.values(), strict=True)), {}):
        told = {"receipts": claimed, "feedback": ""}
        ended = client_of(other).post(address(other.study, "finish"), told, content_type="application/json")
        assert ended.status_code == 409 and finished.completion_code not in ended.content.decode()
    other.refresh_from_db()
    assert not other.outcome


def test_an_answer_on_a_lapsed_lease_is_taken(client):
    participant = make_participant(make_study(1))
    Participant.objects.update(lease_until=timezone.now() - timedelta(days=3))
    stored = put(client_of(participant), participant.study, participant.trials.get().key)
    assert stored.status_code == 201


def test_who_withdrew_is_a_stranger_and_the_receipt_is_gone(finished):
    client, key = client_of(finished), finished.receipt_key
    withdraw = reverse("study:withdraw", args=[key])
    assert client.post(withdraw, {"sure": "on"}).status_code == 302
    assert client.get(address(finished.study, "work")).status_code == 403
    assert client.get(reverse("study:receipt", args=[key])).status_code == 404
    assert client.post(withdraw, {"sure": "on"}).status_code == 404


def test_after_the_stated_date_nobody_withdraws(finished):
    Participant.objects.update(finished_at=timezone.now() - timedelta(days=31))
    withdraw = reverse("study:withdraw", args=[finished.receipt_key])
    assert Client().post(withdraw, {"sure": "on"}).status_code == 403
    assert Answer.objects.count() == 2


def test_the_farewell_is_shown_for_a_day_and_to_nobody_else(finished, later):
    client = Client()
    client.post(reverse("study:withdraw", args=[finished.receipt_key]), {"sure": "on"})
    assert client.get(reverse("study:withdrawn")).status_code == 200
    assert Client().get(reverse("study:withdrawn")).status_code == 404
    later(24 * 3600 + 1)
    assert client.get(reverse("study:withdrawn")).status_code == 404


def test_a_session_that_has_run_out_leads_to_the_log_in(admin_client):
    study = make_study(1)
    desk = reverse("admin:study_study_change", args=[study.pk])
    assert admin_client.get(desk).status_code == 200
    session = admin_client.session
    session.set_expiry(-1)
    session.save()
    assert admin_client.get(desk)["Location"].startswith(reverse("admin:login"))


def test_what_strangers_type_is_shown_with_its_hidden_characters(admin_client):
    typed, study = "<b>wing\u202egnir", make_study(1)
    participant = make_participant(study)
    give_answers(participant, typed)
    Participant.objects.update(feedback=typed)
    for page in (
        reverse("admin:study_study_change", args=[study.pk]),
        reverse("study:monitor", args=[study.slug]),
        reverse("study:person", args=[study.slug, participant.code]),
    ):
        shown = admin_client.get(page).content.decode()
        assert "\u202e" not in shown and "<b>wing" not in shown, page
    assert "wing[U+202E]gnir" in shown
    assert typed in admin_client.get(reverse("admin:study_answers", args=[study.pk])).getvalue().decode()
