"""The participant's pages. The server alone knows which one comes next; every other address leads there."""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_GET, require_http_methods

from annotations import files
from study import forms, sessions
from study.models import Participant, Study
from study.sessions import Place

COOKIE = "participant"
COOKIE_DAYS = 30


def participants_page(page: str) -> Callable:
    """Only the participant who may be on this page sees it; everybody else is led to the right one."""

    def wrap(view: Callable) -> Callable:
        @require_http_methods(["GET", "HEAD", "POST"])
        @never_cache
        @wraps(view)
        def led(request: HttpRequest, slug: str, **address: object) -> HttpResponseBase:
            study = get_object_or_404(Study, slug=slug)
            participant = recognise(request, study)
            if participant is None:
                return redirect("study:start", slug)
            here = sessions.place_of(participant)
            if here.page != page or address_of(study, here) != request.path:
                return redirect(address_of(study, here))
            return view(request, participant, here)

        return led

    return wrap


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def start(request: HttpRequest, slug: str) -> HttpResponseBase:
    study = get_object_or_404(Study, slug=slug)
    participant = recognise(request, study)
    if participant and (place := sessions.place_of(participant)).page != "start":
        return redirect(address_of(study, place))
    if not sessions.welcomes(study):
        known = {"study": study, "participant": participant}
        return render(request, "study/closed.html", known, status=403)
    form = forms.StartForm(sent(request), study=study)
    if form.is_valid():
        return enter(study, sessions.start(study, form.cleaned_data["ticket"]))
    fresh = forms.StartForm(study=study)
    return render(request, "study/start.html", {"study": study, "form": fresh, "errors": form.errors})


@participants_page("consent")
def consent(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    form = forms.ConsentForm(sent(request))
    if form.is_valid():
        sessions.consent(participant)
        return onwards(participant)
    return show(request, "consent", participant, {"form": form})


@participants_page("instructions")
def instructions(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    if request.method == "POST":
        sessions.finish_instructions(participant)
        return onwards(participant)
    return show(request, "instructions", participant, {"count": participant.trials.count()})


@participants_page("trial")
def trial(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    form = forms.AnswerForm(sent(request))
    if form.is_valid():
        sessions.answer(participant, place.trial.key, **form.answer)
        return onwards(participant)
    stimulus = place.trial.stimulus
    context = {
        "form": form,
        "trial": place.trial,
        "count": participant.trials.count(),
        "question": participant.study.question or stimulus.question,
        "alternative_text": stimulus.alternative_text,
        "pictures": range(len(stimulus.pictures)),
        "shown": form["shown"].value() or forms.stamp(),
    }
    return show(request, "trial", participant, context)


@participants_page("thanks")
def thanks(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    return show(request, "thanks", participant, {})


@require_GET
@cache_control(private=True, max_age=3600)
def picture(request: HttpRequest, slug: str, key: UUID, number: int) -> HttpResponse:
    """A picture of one of the participant's own trials, while they are at work on them."""
    study = get_object_or_404(Study, slug=slug)
    participant = recognise(request, study)
    if participant is None or participant.finished_at or not participant.instructed_at:
        raise Http404
    stimulus = get_object_or_404(participant.trials.select_related("stimulus"), key=key).stimulus
    if number >= len(stimulus.pictures):
        raise Http404
    try:
        return HttpResponse(files.get(stimulus.pictures[number]), content_type="image/png")
    except files.Missing as error:
        raise Http404 from error


def enter(study: Study, participant: Participant) -> HttpResponse:
    """Leads a participant in, and tells their browser who they are."""
    response = redirect(address_of(study, sessions.place_of(participant)))
    response.set_signed_cookie(
        COOKIE,
        participant.token,
        salt=_salt(study),
        max_age=COOKIE_DAYS * 24 * 3600,
        path=reverse("study:start", args=[study.slug]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def recognise(request: HttpRequest, study: Study) -> Participant | None:
    token = request.get_signed_cookie(COOKIE, default=None, salt=_salt(study))
    return sessions.recognise(study, token)


def address_of(study: Study, place: Place) -> str:
    more = [place.trial.key] if place.trial else []
    return reverse(f"study:{place.page}", args=[study.slug, *more])


def sent(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def onwards(participant: Participant) -> HttpResponse:
    participant.refresh_from_db()
    return redirect(address_of(participant.study, sessions.place_of(participant)))


def show(request: HttpRequest, page: str, participant: Participant, context: dict) -> HttpResponse:
    known = {"participant": participant, "study": participant.study}
    return render(request, f"study/{page}.html", known | context)


def _salt(study: Study) -> str:
    return f"participant/{study.pk}"
