"""Staff's log-in, throttled: who tries passwords soon waits, whatever name they try and wherever they sit.

A failure takes one of a few places, for fifteen minutes, by user name and by client. While none is free
nobody is let in, whatever the password. A browser in which somebody has logged in before has places of its
own, so that strangers cannot lock its owner out. The cache keeps keyed hashes, never a name or an address.
"""

import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_post_parameters

WAIT = 15 * 60
FAILURES_OF_A_NAME = 5
FAILURES_OF_A_CLIENT = 20
"""More, since a whole laboratory may come from one address."""
KNOWN = "known"
"""A cookie that tells who has logged in here before; worth nothing without the password."""
KNOWN_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class Places:
    """What holds the failures of one user name, or of one client."""

    key: str
    count: int

    def take(self) -> str:
        """The place that this attempt takes, before its password is looked at; none if all are taken."""
        names = (f"{self.key}/{number}" for number in range(self.count))
        return next((name for name in names if _kept().add(name, time.time(), WAIT)), "")

    def wait(self) -> int:
        """Seconds until the next place is free."""
        taken = _kept().get_many([f"{self.key}/{number}" for number in range(self.count)]).values()
        return max(1, math.ceil(min(taken, default=0) + WAIT - time.time()))


class LoginForm(AdminAuthenticationForm):
    """The admin's own, and a wait in words."""

    wait = 0

    def clean(self) -> dict:
        name = self.cleaned_data.get("username")
        if not (name and self.cleaned_data.get("password")):
            return super().clean()
        tried = _places(self.request, name)
        held = [places.take() for places in tried]
        if not all(held):
            self.wait = max(places.wait() for places, place in zip(tried, held, strict=True) if not place)
            _kept().delete_many([place for place in held if place])
            raise ValidationError(_sentence(self.wait))
        cleaned = super().clean()
        _kept().delete_many(held)
        return cleaned


@sensitive_post_parameters("password")
def page(request: HttpRequest) -> HttpResponseBase:
    """The admin's log-in page; 429 with the time to wait while it refuses to look at passwords."""
    response = admin.site.login(request)
    form = (getattr(response, "context_data", None) or {}).get("form")
    if wait := getattr(form, "wait", 0):
        response.status_code, response["Retry-After"] = 429, str(wait)
    elif request.method == "POST" and response.status_code == 302:
        _remember(response, request.user.get_username())
    return response


def _kept():
    return caches["log-in"]


def _remember(response: HttpResponseBase, name: str) -> None:
    response.set_signed_cookie(
        KNOWN,
        name.casefold(),
        salt="log-in",
        max_age=KNOWN_SECONDS,
        path=reverse("admin:login"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _places(request: HttpRequest, name: str) -> list[Places]:
    known = request.get_signed_cookie(KNOWN, default="", salt="log-in", max_age=KNOWN_SECONDS)
    kind = "name-at-home" if known == name.casefold() else "name"
    return [
        Places(_hashed(kind, name.casefold()), FAILURES_OF_A_NAME),
        Places(_hashed("client", _client(request)), FAILURES_OF_A_CLIENT),
    ]


def _hashed(kind: str, what: str) -> str:
    return f"{kind}/{salted_hmac('log-in', what, algorithm='sha256').hexdigest()}"


def _client(request: HttpRequest) -> str:
    """Behind a proxy the last address in the list is the one that the proxy saw; those before are hearsay."""
    told = request.headers.get("X-Forwarded-For", "") if settings.BEHIND_HTTPS else ""
    return told.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


def _sentence(wait: int) -> str:
    minutes = math.ceil(wait / 60)
    return f"Too many attempts failed. Please wait {minutes} minute{'s' * (minutes > 1)} and try again."
