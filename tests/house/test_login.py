"""Guessing passwords ends in waiting, in words, and leaves neither names nor addresses behind."""

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client

from studyproject import login

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def nobody_has_failed_yet():
    caches["log-in"].clear()
    yield
    caches["log-in"].clear()


@pytest.fixture
def clock(monkeypatch):
    """Seconds to add to the time, for us and for the cache."""
    import time

    ahead, real = [0.0], time.time
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])
    return ahead


def _log_in(name="keeper", password=PASSWORD, **request):
    return Client(**request).post("/admin/login/", {"username": name, "password": password})


@pytest.fixture
def keeper(db):
    return User.objects.create_superuser("keeper", password=PASSWORD)


def test_after_five_failures_even_the_right_password_waits(keeper, clock):
    for _ in range(login.FAILURES_OF_A_NAME):
        assert _log_in(password="wrong").status_code == 200
    refused = _log_in()
    assert refused.status_code == 429
    assert "Too many attempts failed. Please wait 15 minutes and try again." in refused.content.decode()
    assert 890 <= int(refused["Retry-After"]) <= 900
    clock[0] = login.WAIT / 2
    assert "wait 8 minutes" in _log_in().content.decode()
    clock[0] = login.WAIT + 1
    assert _log_in().status_code == 302


def test_a_name_is_guarded_from_everywhere_and_however_it_is_written(keeper):
    for client in range(login.FAILURES_OF_A_NAME):
        _log_in(name="KEEPER", password="wrong", REMOTE_ADDR=f"192.0.2.{client}")
    assert _log_in(REMOTE_ADDR="198.51.100.1").status_code == 429


def test_a_client_who_tries_many_names_waits_and_others_do_not(keeper):
    for number in range(login.FAILURES_OF_A_CLIENT):
        _log_in(name=f"guess{number}", password="wrong")
    assert _log_in().status_code == 429
    assert _log_in(REMOTE_ADDR="198.51.100.1").status_code == 302


def test_behind_a_proxy_the_client_is_the_one_whom_the_proxy_saw(keeper, settings):
    settings.BEHIND_HTTPS = True
    for number in range(login.FAILURES_OF_A_CLIENT):
        forged = {"X-Forwarded-For": f"203.0.113.{number}, 192.0.2.7"}
        _log_in(name=f"guess{number}", password="wrong", headers=forged)
    assert _log_in(headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 429
    assert _log_in(headers={"X-Forwarded-For": "192.0.2.8"}).status_code == 302


def test_who_gets_in_frees_the_place_and_an_empty_form_takes_none(keeper):
    for _ in range(3 * login.FAILURES_OF_A_NAME):
        assert _log_in().status_code == 302
        assert _log_in(password="").status_code == 200
    assert _log_in().status_code == 302


def test_strangers_cannot_lock_out_who_has_logged_in_here_before(keeper):
    at_home = Client()
    at_home.cookies[login.KNOWN] = _log_in().cookies[login.KNOWN].value
    wrong, right = ({"username": "keeper", "password": word} for word in ("wrong", PASSWORD))
    for client in range(login.FAILURES_OF_A_NAME):
        _log_in(password="wrong", REMOTE_ADDR=f"192.0.2.{client}")
    assert _log_in(REMOTE_ADDR="198.51.100.1").status_code == 429
    assert at_home.post("/admin/login/", right).status_code == 302
    for _ in range(login.FAILURES_OF_A_NAME):
        assert at_home.post("/admin/login/", wrong).status_code == 200
    assert at_home.post("/admin/login/", right).status_code == 429


def test_waiting_is_not_made_longer_by_trying(keeper, clock):
    for _ in range(2 * login.FAILURES_OF_A_NAME):
        _log_in(password="wrong")
    clock[0] = login.WAIT + 1
    assert _log_in().status_code == 302


def test_no_name_and_no_address_is_kept(keeper, settings):
    seen = []
    kept = caches["log-in"]
    add = kept.add
    kept.add = lambda key, *rest: seen.append((key, *rest)) or add(key, *rest)
    try:
        _log_in(password="wrong", REMOTE_ADDR="192.0.2.77")
    finally:
        del kept.add
    assert seen and "keeper" not in str(seen) and "192.0.2.77" not in str(seen)
