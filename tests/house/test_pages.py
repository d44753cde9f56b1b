"""The pages that nobody asks for look like the others, and say that what was saved is safe."""

import pytest
from django.test import Client
from django.urls import reverse

from study import cookies
from tests.factories import make_study

pytestmark = pytest.mark.django_db


def test_a_form_without_its_cookie_is_met_with_a_way_out():
    address = reverse("study:start", args=[make_study(1).slug])
    page = Client(enforce_csrf_checks=True).post(address, {"ticket": "x"})
    assert page.status_code == 403 and "Allow cookies for this site" in page.content.decode()


def test_an_error_of_ours_says_so_and_tells_nothing_else(monkeypatch):
    def fail(*_):
        raise RuntimeError("quokkafish")

    study = make_study(1)
    monkeypatch.setattr(cookies, "recognise", fail)
    page = Client(raise_request_exception=False).get(reverse("study:start", args=[study.slug]))
    told = page.content.decode()
    assert page.status_code == 500 and "What was saved before is safe" in told
    assert "quokkafish" not in told


def test_an_address_that_leads_nowhere_is_said_so():
    page = Client().get("/s/nowhere/")
    assert page.status_code == 404 and "There is nothing here" in page.content.decode()
