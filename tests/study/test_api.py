"""What the participants' pages call by script."""

import json
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from study import sessions
from study.models import Answer, Outcome, Participant
from tests.factories import give_answers, make_participant, make_study, put, signed_in

pytestmark = pytest.mark.django_db


def address(participant, name, *more):
    return reverse(f"study:{name}", args=[participant.study.slug, *more])


def post(client, participant, name, body):
    return client.post(address(participant, name), json.dumps(body), "application/json")


@pytest.fixture
def participant():
    return make_participant(make_study(2))


@pytest.fixture
def key(participant):
    return participant.trials.get(position=1).key


def test_work_tells_all_trials_and_finishing_with_their_receipts_leads_to_thanks(participant):
    client = signed_in(participant)
    work = client.get(address(participant, "work")).json()
    assert [trial["position"] for trial in work["trials"]] == [1, 2] and work["revisable"] is False
    picture = work["trials"][0]["pictures"][0]
    assert (picture["width"], picture["height"]) == (96, 64)
    assert client.get(picture["address"])["Content-Type"] == "image/png"
    receipts = {
        trial["key"]: put(client, participant, trial["key"], words="wing").json()["receipt"]
        for trial in work["trials"]
    }
    assert {
        each["key"]: each["receipt"] for each in client.get(address(participant, "work")).json()["trials"]
    }
    end = client.post(
        work["finish"], json.dumps({"receipts": receipts, "feedback": "Nice."}), "application/json"
    )
    assert end.json() == {"address": address(participant, "thanks")}
    participant.refresh_from_db()
    assert (participant.outcome, participant.feedback) == (Outcome.COMPLETED, "Nice.")
    assert work["done"] == address(participant, "feedback")


def test_an_answer_is_made_once_and_another_one_conflicts(participant, key):
    client = signed_in(participant)
    made, again = (put(client, participant, key, words="wing") for _ in range(2))
    other = put(client, participant, key, words="beak")
    assert [made.status_code, again.status_code, other.status_code] == [201, 200, 409]
    assert (
        made.json() == again.json() == {"trial": str(key), "revision": 1, "receipt": made.json()["receipt"]}
    )
    assert other.json()["receipt"] == made.json()["receipt"] and other.json()["problem"]
    assert "no-store" in made["Cache-Control"]


def test_what_the_browser_measured_comes_along(participant, key):
    told = {
        "seconds": 3.25,
        "shown": "2026-01-05T12:00:00.000Z",
        "answered_at": "2026-01-05T12:00:03.250Z",
        "sequence": 4,
        "evidence": {"focus_losses": 1, "away_seconds": 2.5, "pastes": 0, "offline": True},
    }
    assert put(signed_in(participant), participant, key, words="wing", **told).status_code == 201
    stored = Answer.objects.get()
    assert stored.seconds == 3.25 and (stored.answered_at - stored.shown_at).total_seconds() == 3.25
    assert stored.evidence == told["evidence"] | {"sequence": 4}


@pytest.mark.parametrize(
    "measured",
    [
        {"seconds": "soon", "shown": 5, "answered_at": "yesterday", "sequence": "x", "evidence": []},
        {"seconds": -1, "shown": None, "answered_at": {}, "sequence": -1, "evidence": {"pastes": "many"}},
        {"seconds": 1e400, "shown": [], "answered_at": "2026-01-05T12:00:00", "evidence": {"offline": 3}},
        {"seconds": "\0", "shown": "\0", "sequence": -(10**400), "evidence": {"pastes": []}},
        {"seconds": "\ud800", "shown": "a:\ud800", "answered_at": "\ud800", "evidence": {"pastes": 1e999}},
    ],
)
def test_nonsense_in_what_is_measured_never_costs_an_answer(participant, key, measured):
    assert put(signed_in(participant), participant, key, words="wing", **measured).status_code == 201
    stored = Answer.objects.get()
    assert stored.seconds is stored.shown_at is stored.answered_at is None and stored.evidence == {}


@pytest.mark.parametrize(
    "body, said",
    [
        ({"words": ""}, "Please type a name"),
        ({"words": "one two three four"}, "You typed 4"),
        ({"words": "x" * 101}, "shorter name"),
        ({"words": ["wing"]}, "no text"),
        ({"words": "wing\0"}, "no text"),
        ({"words": "wing\ud800"}, "no text"),
        ({"kind": "other"}, "valid choice"),
        ({"kind": {}}, "required"),
    ],
)
def test_what_is_no_answer_is_refused_in_words(participant, key, body, said):
    response = put(signed_in(participant), participant, key, **body)
    assert response.status_code == 422 and said in response.json()["problem"]
    assert not Answer.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[]", "3", "[" * 5000, b"\xff"])
def test_what_is_no_json_object_is_refused_in_words(participant, key, body):
    response = signed_in(participant).put(address(participant, "answer", key), body, "application/json")
    assert response.status_code == 422 and response.json()["problem"]


def test_what_is_far_too_long_is_refused(participant, key):
    response = put(signed_in(participant), participant, key, words="x" * 9000)
    assert response.status_code == 413 and response.json()["problem"]


def test_words_in_any_script_arrive_as_typed(participant, key):
    assert put(signed_in(participant), participant, key, words="鸟喙 🐦").status_code == 201
    assert Answer.objects.get().words == "鸟喙 🐦"


def test_strangers_others_and_scripts_from_elsewhere_get_nowhere(participant, key):
    other = make_participant(participant.study)
    elsewhere = make_participant(make_study(1))
    assert put(Client(), participant, key, words="wing").status_code == 403
    assert put(signed_in(other), participant, key, words="wing").status_code == 404
    assert put(signed_in(elsewhere), participant, key, words="wing").status_code == 403
    assert put(signed_in(participant), participant, uuid4(), words="wing").status_code == 404
    assert (
        put(signed_in(participant, enforce_csrf_checks=True), participant, key, words="w").status_code == 403
    )
    for name in ("finish", "alive"):
        assert post(Client(), participant, name, {"receipts": {}}).status_code == 403
    assert Client().get(address(participant, "work")).status_code == 403
    assert not Answer.objects.exists()


def test_before_the_trials_begin_none_is_told():
    participant = sessions.start(make_study(1), "somebody")
    sessions.consent(participant)
    client = signed_in(participant)
    assert client.get(address(participant, "work")).status_code == 403
    assert post(client, participant, "finish", {"receipts": {}}).status_code == 403
    participant.refresh_from_db()
    assert participant.outcome == ""


def test_the_end_says_which_trials_lack_an_answer_or_a_receipt(participant, key):
    client = signed_in(participant)
    receipt = put(client, participant, key, words="wing").json()["receipt"]
    response = post(client, participant, "finish", {"receipts": {str(key): receipt + "0"}})
    missing = str(participant.trials.get(position=2).key)
    assert response.status_code == 409 and response.json() == {"missing": [missing], "wrong": [str(key)]}
    assert post(client, participant, "finish", {}).status_code == 422
    assert "code" not in response.content.decode()


def test_a_sign_of_life_puts_the_lease_off(participant):
    Participant.objects.update(last_seen=None)
    assert post(signed_in(participant), participant, "alive", {}).status_code == 204
    participant.refresh_from_db()
    assert participant.last_seen


def test_nothing_happens_on_get(participant, key):
    client = signed_in(participant)
    for name, more in (("answer", [key]), ("finish", []), ("alive", [])):
        assert client.get(address(participant, name, *more)).status_code == 405


def test_problems_are_told_in_the_language_of_the_study():
    participant = make_participant(make_study(1, language="zh-hans"))
    problem = put(signed_in(participant), participant, participant.trials.get().key).json()["problem"]
    assert not problem.isascii()


def test_who_finished_may_send_again_what_was_stored(participant):
    give_answers(participant, "wing", "beak")
    first = participant.trials.get(position=1)
    client = signed_in(participant)
    assert put(client, participant, first.key, words="wing").status_code == 200
    assert put(client, participant, first.key, words="tail").status_code == 409


def test_a_call_takes_few_queries(participant, key, django_assert_max_num_queries):
    client = signed_in(participant)
    with django_assert_max_num_queries(10):
        put(client, participant, key, words="wing")
    with django_assert_max_num_queries(5):
        client.get(address(participant, "work"))
