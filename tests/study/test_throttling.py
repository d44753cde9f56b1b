"""A participant may call often, but not without end; people never meet the limit."""

import json
from threading import Thread

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from redis.exceptions import ConnectionError as RedisIsGone

from study import throttling
from study.throttling import CALLS, PERIOD, STARTS, Allowance, take, throttled
from tests.factories import make_study

FEW = Allowance("few", 3, CALLS.who)


@pytest.fixture(autouse=True)
def nobody_has_called_yet():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def clock(monkeypatch):
    now = [1_000_000 * PERIOD + 10.0]
    monkeypatch.setattr(throttling.time, "time", lambda: now[0])
    return now


@throttled(FEW)
def _view(request, slug):
    return HttpResponse("done")


def _call(who="somebody", method="PUT", **headers):
    request = getattr(RequestFactory(), method.lower())("/s/a/", headers=headers)
    request.COOKIES["participant"] = f"{who}:1abc:signature"
    return _view(request, slug="a")


def test_beyond_the_allowance_the_answer_is_when_to_come_again(clock):
    assert [_call().status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = _call()
    assert refused["Retry-After"] == "50"
    assert "go on in 50 seconds" in json.loads(refused.content)["problem"]
    clock[0] += 50
    assert _call().status_code == 200


def test_one_does_not_use_up_what_another_may_do_and_reading_is_free(clock):
    for _ in range(9):
        _call()
    assert _call("somebody else").status_code == 200
    assert _call(method="GET").status_code == 200


def test_a_fresh_signature_on_the_same_cookie_is_the_same_participant(clock):
    request = RequestFactory().put("/s/a/")
    seen = set()
    for signed in ("token:1:one", "token:2:two"):
        request.COOKIES["participant"] = signed
        seen.add(CALLS.who(request, {"slug": "a"}))
    assert seen == {"token"}


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "said"), [("en", "Please wait a moment"), ("zh-hans", "请稍候")])
def test_a_form_is_refused_with_a_page_in_the_language_of_the_study(language, said):
    make_study(1, slug="a", language=language)
    for _ in range(4):
        refused = _call(method="POST", accept="text/html,application/xml")
    assert refused.status_code == 429 and said in refused.content.decode()


@pytest.mark.django_db
def test_a_form_without_its_cookie_is_answered_in_the_language_of_the_study():
    study = make_study(1, language="zh-hans")
    refused = Client(enforce_csrf_checks=True).post(reverse("study:start", args=[study.slug]))
    assert refused.status_code == 403 and "请返回并重试" in refused.content.decode()
    elsewhere = Client(enforce_csrf_checks=True).post(reverse("admin:login"))
    assert elsewhere.status_code == 403 and "Please go back and try again" in elsewhere.content.decode()


def test_three_hundred_people_who_answer_every_eight_seconds_never_meet_it(clock):
    arrivals = [take(STARTS, "study") for _ in range(300)]
    answers = []
    for step in range(0, 120, 8):
        clock[0] = 1_000_000 * PERIOD + step
        answers += [take(CALLS, f"participant {number}") for number in range(300)]
    flushed = [take(CALLS, "back from a tunnel") for _ in range(200)]
    assert not any(arrivals + answers + flushed)


def test_threads_count_together(clock):
    waits = []
    threads = [Thread(target=lambda: waits.extend(take(FEW, "one") for _ in range(5))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.count(0) == FEW.calls


def test_while_nothing_can_be_counted_answers_pass(monkeypatch):
    def gone(*_):
        raise RedisIsGone

    monkeypatch.setattr(throttling.cache, "add", gone)
    assert take(Allowance("none", 0, CALLS.who), "one") == 0
