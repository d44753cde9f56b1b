"""What a participant's browser holds for us: who they are, and until Start by which link they came."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from study import recruitment, sessions
from study.models import Participant, Study

PARTICIPANT = "participant"
ARRIVAL = "arrival"
DAYS = 30


def recognise(request: HttpRequest, study: Study) -> Participant | None:
    token = request.get_signed_cookie(PARTICIPANT, default=None, salt=_salt(study))
    return sessions.recognise(study, token)


def expected(request: HttpRequest, study: Study) -> Participant | None:
    """Who may go on where they were: not who used this browser before somebody else's link was opened."""
    participant, arrival = recognise(request, study), arrival_of(request, study)
    if participant and arrival and arrival.person and recruitment.known(study, arrival) != participant:
        return None
    return participant


def arrival_of(request: HttpRequest, study: Study) -> recruitment.Arrival | None:
    return recruitment.unpack(study, request.COOKIES.get(ARRIVAL))


def keep_participant(response: HttpResponse, participant: Participant) -> None:
    study = participant.study
    response.set_signed_cookie(
        PARTICIPANT,
        participant.token,
        salt=_salt(study),
        max_age=DAYS * 24 * 3600,
        **_bounds(study),
    )
    response.delete_cookie(ARRIVAL, path=reverse("study:start", args=[study.slug]), samesite="Lax")


def keep_arrival(response: HttpResponse, study: Study, arrival: recruitment.Arrival) -> None:
    packed = recruitment.pack(arrival)
    response.set_cookie(ARRIVAL, packed, max_age=recruitment.ARRIVAL_SECONDS, **_bounds(study))


def _bounds(study: Study) -> dict[str, Any]:
    """Sent to this study's pages alone, and out of reach of scripts."""
    return {
        "path": reverse("study:start", args=[study.slug]),
        "secure": settings.SESSION_COOKIE_SECURE,
        "httponly": True,
        "samesite": "Lax",
    }


def _salt(study: Study) -> str:
    return f"participant/{study.pk}"
