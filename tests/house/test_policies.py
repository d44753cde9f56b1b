"""Headers and cookies on everything that we send, and templates that can live with them."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from studyproject.policies import CONTENT

ROOT = Path(__file__).resolve().parents[2]
SENT = ["/", "/admin/login/", "/gallery/", "/s/nowhere/", "/nowhere", "/static/meronym.css", "/admin/jsi18n/"]
INLINE = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", re.IGNORECASE)


@pytest.mark.django_db
@pytest.mark.parametrize("address", SENT)
def test_every_response_carries_the_policies(address):
    headers = Client().get(address).headers
    policy = headers["Content-Security-Policy"]
    for demanded in ("default-src 'self'", "script-src 'self'", "style-src 'self'", "base-uri 'none'"):
        assert demanded in policy
    assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
    assert "unsafe" not in policy and "http" not in policy
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Referrer-Policy"] == headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.django_db
def test_an_error_of_ours_carries_them_too(monkeypatch):
    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr("django.contrib.admin.site.login", fail)
    page = Client(raise_request_exception=False).get("/admin/login/")
    assert page.status_code == 500 and page.headers["Content-Security-Policy"]


def test_nobody_else_is_named_in_the_policy():
    assert {source for sources in CONTENT.values() for source in sources.split()} == {
        "'self'",
        "'none'",
        "data:",
        "blob:",
    }


@pytest.mark.parametrize("template", sorted(ROOT.glob("*/templates/**/*.html")), ids=lambda path: path.name)
def test_no_template_of_ours_has_scripts_or_styles_inside(template):
    assert not INLINE.search(template.read_text())


@pytest.mark.django_db
def test_cookies_are_for_us_and_for_no_script(settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    User.objects.create_superuser("keeper", password="a long word")
    client = Client()
    client.get("/admin/login/")
    client.post("/admin/login/", {"username": "keeper", "password": "a long word"})
    assert set(client.cookies) == {"sessionid", "csrftoken", "known"}
    for cookie in client.cookies.values():
        assert cookie["httponly"] and cookie["secure"] and cookie["samesite"] == "Lax"


@pytest.mark.django_db
def test_behind_https_plain_http_is_redirected_and_browsers_keep_to_https(settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    plain = Client().get("/admin/login/")
    assert (plain.status_code, plain["Location"]) == (301, "https://testserver/admin/login/")
    secure = Client(headers={"X-Forwarded-Proto": "https"}).get("/admin/login/")
    assert secure.status_code == 200 and secure["Strict-Transport-Security"] == "max-age=31536000"


def test_the_policies_stand_before_all_that_can_answer():
    assert settings.MIDDLEWARE[0] == "studyproject.policies.PolicyMiddleware"
