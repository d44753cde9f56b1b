"""The receipt: the page on which participants see what is stored about them, and can have it erased.

Its link is the only key to it, so it is neither cached nor indexed nor told to the next site.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from study import rights
from study.models import Answer, Outcome, Participant, Version

COOKIE = "farewell"
COOKIE_SECONDS = 24 * 3600
ENDS = {
    Outcome.COMPLETED: _("You took part to the end."),
    Outcome.NO_CONSENT: _("You decided not to take part."),
    Outcome.SCREENED_OUT: _("You ended before the pictures."),
    Outcome.DEVICE_UNSUITABLE: _("Your device could not show the study."),
    Outcome.TECHNICAL: _("A technical problem ended it."),
    Outcome.QUOTA_FULL: _("All places were taken."),
}
KINDS = {
    Answer.Kind.NOTHING_IN_COMMON: _("Nothing in common"),
    Answer.Kind.CANNOT_TELL: _("I can’t tell"),
    Answer.Kind.SKIPPED: _("Skipped"),
}
EVENTS = {
    "takeover": _("Your link was opened again, perhaps on another device."),
    "check": _("You answered the questions about the instructions."),
    "unusual_identifier": _("The numbers in your link did not look as usual."),
    "released": _("Your place was given to somebody else."),
    "judged": _("It was looked at whether your answers count in the main analysis."),
    "exclusion lifted": _("Your answers count in the main analysis again."),
}
"""An event of another kind is told by its own name."""


def private(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Kept by no cache and no search engine. Other sites learn nothing of the address; our own forms still
    tell where they come from, as the check against forged ones needs it."""

    @never_cache
    @wraps(view)
    def kept(request: HttpRequest, **address: Any) -> HttpResponse:
        response = view(request, **address)
        response["Referrer-Policy"] = "same-origin"
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response

    return kept


@require_http_methods(["GET", "HEAD"])
@private
def receipt(request: HttpRequest, receipt_key: str) -> HttpResponse:
    return _show(request, _holder(receipt_key))


@require_GET
@private
def download(request: HttpRequest, receipt_key: str) -> HttpResponse:
    """All rows of theirs, for machines."""
    participant = _holder(receipt_key)
    version = participant.version
    told = {"written": timezone.now(), "study": participant.study.slug, "consent": version.setting("consent")}
    rows = told | rights.stored(participant)
    response = JsonResponse(rows, DjangoJSONEncoder, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Content-Disposition"] = f'attachment; filename="study-{participant.study.slug}.json"'
    return response


@require_POST
@private
def withdraw(request: HttpRequest, receipt_key: str) -> HttpResponse:
    participant = _holder(receipt_key)
    if not rights.may_withdraw(participant):
        return _show(request, participant, status=403)
    if "sure" not in request.POST:
        return _show(request, participant, unsure=True)
    farewell = rights.withdraw(participant)
    if farewell is None:
        raise Http404
    response = redirect("study:withdrawn")
    response.set_signed_cookie(
        COOKIE,
        signing.dumps(asdict(farewell)),
        max_age=COOKIE_SECONDS,
        path=reverse("study:withdrawn"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@require_http_methods(["GET", "HEAD"])
@private
def withdrawn(request: HttpRequest) -> HttpResponse:
    """The last page. All that it says comes from the browser's own cookie, since nothing is stored."""
    told = request.get_signed_cookie(COOKIE, default=None, max_age=COOKIE_SECONDS)
    if told is None:
        raise Http404
    farewell = rights.Farewell(**signing.loads(told))
    version = get_object_or_404(Version.objects.select_related("study"), pk=farewell.version)
    context = {"farewell": farewell, "study": version.study, "contact": version.setting("contact")}
    with translation.override(version.setting("language")):
        return render(request, "study/withdrawn.html", context)


def _holder(receipt_key: str) -> Participant:
    participant = rights.find(receipt_key)
    if participant is None:
        raise Http404
    return participant


def _show(
    request: HttpRequest, participant: Participant, *, unsure: bool = False, status: int = 200
) -> HttpResponse:
    version = participant.version
    asked = {question["key"]: question["text"] for question in version.setting("questions")}
    context = {
        "participant": participant,
        "study": participant.study,
        "consent": version.setting("consent"),
        "recruits": rights.recruits_of(participant),
        "profile": [(asked.get(key, key), said) for key, said in participant.profile.items()],
        "answers": [(answer, KINDS.get(answer.kind, "")) for answer in rights.answers_of(participant)],
        "events": [(event, EVENTS.get(event.kind, event.kind)) for event in participant.events.all()],
        "exclusions": participant.exclusions.all(),
        "trials": " ".join(str(key) for key in participant.trials.values_list("key", flat=True)),
        "end": ENDS.get(participant.outcome, ""),
        "open": rights.may_withdraw(participant),
        "until": rights.withdrawable_until(participant),
        "days": version.setting("withdraw_days"),
        "kept_until": rights.kept_until(participant),
        "contact": version.setting("contact"),
        "unsure": unsure,
    }
    with translation.override(version.setting("language")):
        return render(request, "study/receipt.html", context, status=status)
