"""What the participants' pages call by script, in JSON: the trials ahead, an answer, a sign of life, the end.

Nothing here can do more than the pages can without scripts.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from study import cookies, evidence, forms, sessions, versions
from study.models import Participant, Study, Trial
from study.throttling import CALLS, throttled

LONGEST_ANSWER = 8 * 1024
LONGEST_END = 256 * 1024
"""Bytes: receipts of some thousand trials."""
UNKNOWN = "Nobody is known here. Please open the study's link once more."


STANDS = gettext_lazy("An earlier answer to this page was saved already, and stands.")


class Refused(Exception):
    """A call that cannot be understood: status, and the reason in words."""


def for_participants(method: str) -> Callable:
    """The door to all of this room: a participant of this study, known by the cookie of the pages."""

    def wrap(view: Callable) -> Callable:
        @require_http_methods([method])
        @never_cache
        @throttled(CALLS)
        @wraps(view)
        def known(request: HttpRequest, slug: str, **address: Any) -> HttpResponseBase:
            try:
                participant = _participant(request, slug)
                with translation.override(participant.version.setting("language")):
                    return view(request, participant, **address)
            except Refused as refusal:
                status, problem = refusal.args
                return JsonResponse({"problem": problem}, status=status)
            except Participant.DoesNotExist:  # withdrew while the call was on its way: nothing is stored
                return JsonResponse({"problem": UNKNOWN}, status=403)

        return known

    return wrap


@for_participants("PUT")
def answer(request: HttpRequest, participant: Participant, key: UUID) -> HttpResponse:
    """201 if it was stored now, 200 if it was stored before, 409 if another answer stands."""
    told = _body(request, LONGEST_ANSWER)
    try:
        stored = sessions.answer(participant, key, **_answer(told))
    except sessions.NoSuchTrial as error:
        raise Refused(404, "There is no such trial.") from error
    held = {"revision": stored.answer.revision, "receipt": stored.receipt}
    if stored.conflict:
        return JsonResponse({"problem": str(STANDS)} | held, status=409)
    return JsonResponse({"trial": str(key)} | held, status=201 if stored.made else 200)


@for_participants("GET")
def work(request: HttpRequest, participant: Participant) -> HttpResponse:
    """All that is needed to go on without a connection. Nothing in it tells one kind of stimulus from
    another."""
    _check_turn(participant)
    slug, held = participant.study.slug, sessions.receipts_of(participant)
    trials = participant.trials.select_related("stimulus").order_by("position")
    return JsonResponse(
        {
            "trials": [
                _trial(participant, trial) | {"receipt": held.get(str(trial.key))} for trial in trials
            ],
            "revisable": participant.version.setting("revisable"),
            "finish": reverse("study:finish", args=[slug]),
            "done": reverse("study:feedback", args=[slug]),
        }
    )


@for_participants("POST")
def finish(request: HttpRequest, participant: Participant) -> HttpResponse:
    """The handshake: the participant's receipts against what is stored. 409 says which trials to see to."""
    told = _body(request, LONGEST_END)
    receipts, form = told.get("receipts"), forms.FeedbackForm(told)
    if not isinstance(receipts, dict) or not form.is_valid():
        raise Refused(422, "The receipts are missing.")
    _check_turn(participant)
    sessions.give_feedback(participant, form.cleaned_data["feedback"])
    lacking = sessions.finish(participant, receipts)
    if lacking:
        return JsonResponse({"missing": lacking.missing, "wrong": lacking.wrong}, status=409)
    return JsonResponse({"address": reverse("study:thanks", args=[participant.study.slug])})


@for_participants("POST")
def alive(request: HttpRequest, participant: Participant) -> HttpResponse:
    """While a page is open it says so now and then, and the participant's places stay theirs."""
    sessions.touch(participant)
    return HttpResponse(status=204)


def _participant(request: HttpRequest, slug: str) -> Participant:
    participant = cookies.recognise(request, get_object_or_404(Study, slug=slug))
    if participant is None:
        raise Refused(403, UNKNOWN)
    return participant


def _check_turn(participant: Participant) -> None:
    if not sessions.at_work(participant):
        raise Refused(403, "The trials have not begun yet.")


def _trial(participant: Participant, trial: Trial) -> dict[str, Any]:
    stimulus = trial.stimulus
    sizes = stimulus.sizes or [(None, None)] * len(stimulus.pictures)
    return versions.words_of(participant.version, stimulus) | {
        "key": str(trial.key),
        "position": trial.position,
        "pictures": [
            {
                "address": reverse("study:picture", args=[participant.study.slug, trial.key, number]),
                "width": width,
                "height": height,
            }
            for number, (width, height) in enumerate(sizes)
        ],
    }


def _body(request: HttpRequest, longest: int) -> dict[str, Any]:
    try:
        if len(request.body) > longest:
            raise RequestDataTooBig
        told = json.loads(request.body)
    except RequestDataTooBig as error:
        raise Refused(413, "That is too long.") from error
    except (ValueError, RecursionError) as error:
        raise Refused(422, "That is not JSON.") from error
    if not isinstance(told, dict):
        raise Refused(422, "That is not a JSON object.")
    return told


def _answer(told: dict[str, Any]) -> dict[str, Any]:
    """Held to the same rules as the plain page's form; what was measured is never a reason to refuse."""
    told = told | {"words": told.get("words", "")}
    if not isinstance(told["words"], str) or told["words"] != forms.printable(told["words"]):
        raise Refused(422, "The words are no text.")
    fields = {name: told.get(name) for name in ("kind", "words", "seconds", "shown")}
    form = forms.AnswerForm(fields)
    if not form.is_valid():
        raise Refused(422, next(iter(form.errors.values()))[0])
    measured = told.get("evidence") if isinstance(told.get("evidence"), dict) else {}
    return form.answer | {
        "shown_at": form.answer["shown_at"] or evidence.moment(told.get("shown")),
        "answered_at": evidence.moment(told.get("answered_at")),
        "evidence": measured | {"sequence": told.get("sequence")},
    }
