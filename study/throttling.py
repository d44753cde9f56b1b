"""How often one participant may call. Far above what people do, and an end to what a runaway script does.

Nobody's address is looked at: who calls is known by the token in their cookie, who arrives by the study.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from study import cookies, versions

PERIOD = 60


@dataclass(frozen=True)
class Allowance:
    """So many calls in every PERIOD seconds."""

    name: str
    calls: int
    who: Callable[[HttpRequest, dict[str, Any]], str]


def _participant(request: HttpRequest, address: dict[str, Any]) -> str:
    """The cookie's value begins with the token."""
    return request.COOKIES.get(cookies.PARTICIPANT, "").partition(":")[0] or f"strangers/{address['slug']}"


def _study(request: HttpRequest, address: dict[str, Any]) -> str:
    return address["slug"]


CALLS = Allowance("calls", 600, _participant)
"""A flushed outbox sends dozens within seconds; people send one in eight."""
STARTS = Allowance("starts", 3000, _study)
"""Ten times the burst that a launch brings."""


def throttled(allowance: Allowance, *, methods: tuple[str, ...] = ("POST", "PUT")) -> Callable:
    """Decorates a view whose address has a `slug`: beyond the allowance 429, and when to come again."""

    def wrap(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def counted(request: HttpRequest, **address: Any) -> HttpResponseBase:
            if request.method in methods:
                wait = take(allowance, allowance.who(request, address))
                if wait:
                    return _refuse(request, address["slug"], wait)
            return view(request, **address)

        return counted

    return wrap


def take(allowance: Allowance, who: str) -> int:
    """Counts one call. 0 if it is within the allowance, else the seconds until the next period begins.

    While nothing can be counted everybody passes: an answer is worth more than a limit.
    """
    now = time.time()
    key = f"{allowance.name}/{hashlib.sha256(who.encode()).hexdigest()}/{int(now // PERIOD)}"
    try:
        cache.add(key, 0, PERIOD)
        calls = cache.incr(key)
    except (RedisError, ValueError):  # no Redis, or the count ran out between the two lines
        return 0
    return 0 if calls <= allowance.calls else PERIOD - int(now % PERIOD)


def _refuse(request: HttpRequest, slug: str, wait: int) -> HttpResponse:
    """A page in the study's language; scripts read the header alone, and cost no query."""
    if "text/html" in request.headers.get("Accept", ""):
        with versions.spoken(slug):
            told = _("That was too much at once. Everything saved is safe; please go on in WAIT seconds.")
            context = {"problem": told.replace("WAIT", str(wait))}
            response = render(request, "study/wait.html", context, status=429)
    else:
        response = JsonResponse({"problem": f"Too much at once; go on in {wait} seconds."}, status=429)
    response["Retry-After"] = str(wait)
    return response
