"""The participant's pages. The server alone knows which one comes next; every other address leads there."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_GET, require_http_methods

from annotations import files
from study import cookies, forms, names, recruitment, sessions, texts, versions
from study.cookies import recognise
from study.models import Answer, Outcome, Participant, Study
from study.sessions import Place
from study.throttling import CALLS, STARTS, throttled

LONG_AGO = timedelta(hours=2)
"""Who comes back later than this finds the instructions open."""


def participants_page(page: str) -> Callable:
    """Only the participant who may be on this page sees it; everybody else is led to the right one."""

    def wrap(view: Callable) -> Callable:
        @require_http_methods(["GET", "HEAD", "POST"])
        @never_cache
        @throttled(CALLS)
        @wraps(view)
        def led(request: HttpRequest, slug: str, **address: object) -> HttpResponseBase:
            study = get_object_or_404(Study, slug=slug)
            participant = recognise(request, study)
            if participant is None:
                return redirect("study:start", slug)
            here = _revisited(participant, **address) or sessions.place_of(participant)
            if here.page != page or address_of(study, here) != request.path:
                return redirect(address_of(study, here))
            try:
                with translation.override(participant.version.setting("language")):
                    return view(request, participant, here)
            except Participant.DoesNotExist:  # withdrew while the page was on its way: nothing is stored
                return redirect("study:start", slug)

        return led

    return wrap


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@throttled(STARTS)
def start(request: HttpRequest, slug: str) -> HttpResponseBase:
    study = get_object_or_404(Study, slug=slug)
    if request.GET:
        return strip(request, study)
    participant = cookies.expected(request, study)
    if participant and (place := sessions.place_of(participant)).page != "start":
        return redirect(address_of(study, place))
    with translation.override(_language(study, participant)):
        if not _may_begin(request, study):
            known = {"study": study, "participant": participant, "contact": study.contact}
            return render(request, "study/closed.html", known, status=403)
        form = forms.StartForm(sent(request), study=study)
        if form.is_valid():
            return _begin(request, study, form.cleaned_data["ticket"])
        fresh = forms.StartForm(study=study)
        known = {"study": study, "form": fresh, "errors": form.errors, "contact": study.contact}
        return render(request, "study/start.html", known)


@participants_page("consent")
def consent(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    if "decline" in request.POST:
        sessions.decline(participant)
        return onwards(participant)
    form = forms.ConsentForm(sent(request), version=participant.version)
    if form.is_valid():
        sessions.consent(participant)
        return onwards(participant)
    return show(
        request, "consent", participant, {"form": form, "text": participant.version.setting("consent")}
    )


@participants_page("questions")
def questions(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    form = forms.QuestionsForm(sent(request), questions=participant.version.setting("questions"))
    if form.is_valid():
        sessions.answer_questions(participant, form.profile)
        return onwards(participant)
    return show(request, "questions", participant, {"form": form})


@participants_page("instructions")
def instructions(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    if request.method == "POST":
        sessions.finish_instructions(participant)
        return onwards(participant)
    told = {"text": participant.version.setting("instructions"), "count": participant.trials.count()}
    return show(request, "instructions", participant, told)


@participants_page("practice")
def practice(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    """What is typed here is answered kindly and kept nowhere."""
    if "unseen" in request.POST:
        return redirect(f"{request.path}?said=unseen")
    if "unsuitable" in request.POST:
        sessions.end(participant, Outcome.DEVICE_UNSUITABLE)
        return onwards(participant)
    if "done" in request.POST:
        sessions.finish_practice(participant)
        return onwards(participant)
    form = forms.AnswerForm(sent(request))
    if form.is_valid():
        right = names.form(form.answer["words"]) in texts.PRACTICE_NAMES
        said = "right" if right else form.answer["kind"]
        return redirect(f"{request.path}?said={said}")  # so that the back button never asks to send it again
    return show(request, "practice", participant, {"form": form, "said": request.GET.get("said", "")})


@participants_page("check")
def check(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    asked = participant.version.setting("comprehension")
    form = forms.CheckForm(sent(request), questions=asked)
    if form.is_valid():
        sessions.answer_check(participant, form.chosen, attempt=form.cleaned_data["attempt"])
        return onwards(participant)
    attempt = participant.comprehension_attempts + 1
    told = {"form": form, "attempt": attempt, "text": participant.version.setting("instructions")}
    return show(request, "check", participant, told)


@participants_page("trial")
def trial(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    form = forms.AnswerForm(sent(request))
    if form.is_valid():
        sessions.answer(participant, place.trial.key, **form.answer)
        return onwards(participant)
    stimulus, setting = place.trial.stimulus, participant.version.setting
    context = versions.words_of(participant.version, stimulus) | {
        "form": form,
        "trial": place.trial,
        "count": participant.trials.count(),
        "sizes": stimulus.sizes or [("", "")] * len(stimulus.pictures),
        "instructions": setting("instructions"),
        "returned": participant.last_seen and timezone.now() - participant.last_seen > LONG_AGO,
        "shown": form["shown"].value() or forms.stamp(),
        "earlier": _earlier(participant, place),
        # Not by asking for an answer: one may arrive at this very moment, for a page that was only reloaded.
        "stored": Answer.objects.current().get(trial=place.trial) if place.revisited else None,
    }
    return show(request, "trial", participant, context)


@participants_page("feedback")
def feedback(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    """Where all trials have their answers. Scripts send receipts along (study.api.finish); here none are."""
    form = forms.FeedbackForm(sent(request))
    if form.is_valid():
        sessions.give_feedback(participant, form.cleaned_data["feedback"])
        sessions.finish(participant, None)
        return onwards(participant)
    told = {"asked": participant.version.setting("feedback_asked"), "earlier": _earlier(participant, place)}
    return show(request, "feedback", participant, told)


@participants_page("thanks")
def thanks(request: HttpRequest, participant: Participant, place: Place) -> HttpResponseBase:
    told = {
        "text": participant.version.setting("thanks"),
        "back": recruitment.return_address(participant),
        "withdraw_days": participant.version.setting("withdraw_days"),
    }
    return show(request, "thanks", participant, told)


@require_GET
@cache_control(private=True, max_age=3600)
def picture(request: HttpRequest, slug: str, key: UUID, number: int) -> HttpResponse:
    """A picture of one of the participant's own trials, while they are at work on them."""
    study = get_object_or_404(Study, slug=slug)
    participant = recognise(request, study)
    if participant is None or participant.finished_at or not sessions.at_work(participant):
        raise Http404
    stimulus = get_object_or_404(participant.trials.select_related("stimulus"), key=key).stimulus
    if number >= len(stimulus.pictures):
        raise Http404
    try:
        return HttpResponse(files.get(stimulus.pictures[number]), content_type="image/png")
    except files.Missing as error:
        raise Http404 from error


def cookie_missing(request: HttpRequest, reason: str = "") -> HttpResponse:
    """For forms that came without their cookie, in the language of the study that they are of."""
    slug = request.resolver_match.kwargs.get("slug", "") if request.resolver_match else ""
    with versions.spoken(str(slug)):
        return render(request, "study/cookie_missing.html", status=403)


def strip(request: HttpRequest, study: Study) -> HttpResponse:
    """Takes what a recruiter's link says out of the address, into a cookie until Start is pressed."""
    response = redirect("study:start", study.slug)
    response.status_code = 303
    if arrival := recruitment.read(study, request.GET):
        cookies.keep_arrival(response, study, arrival)
    return response


def enter(study: Study, participant: Participant) -> HttpResponse:
    """Leads a participant in, and tells their browser who they are."""
    response = redirect(address_of(study, sessions.place_of(participant)))
    cookies.keep_participant(response, participant)
    return response


def address_of(study: Study, place: Place) -> str:
    more = [place.trial.key] if place.trial else []
    return reverse(f"study:{place.page}", args=[study.slug, *more])


def sent(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def onwards(participant: Participant) -> HttpResponse:
    participant.refresh_from_db()
    return redirect(address_of(participant.study, sessions.place_of(participant)))


def show(request: HttpRequest, page: str, participant: Participant, context: dict) -> HttpResponse:
    contact = participant.version.setting("contact")
    known = {
        "participant": participant,
        "study": participant.study,
        "contact": contact,
        "findable": lambda: recruitment.is_findable(participant),
        "receipt_offered": lambda: not recruitment.is_guessable(participant),
    }
    return render(request, f"study/{page}.html", known | context)


def _begin(request: HttpRequest, study: Study, token: str) -> HttpResponse:
    try:
        bot, arrival = token.startswith(forms.SIMULATED), cookies.arrival_of(request, study)
        return enter(study, sessions.start(study, token, simulated=bot, arrival=arrival))
    except recruitment.Taken:
        known = {"study": study, "taken": True, "contact": study.contact}
        return render(request, "study/closed.html", known, status=403)


def _may_begin(request: HttpRequest, study: Study) -> bool:
    """Or go on: who came before with this submission finds back from another device, whatever the state."""
    known = recruitment.known(study, cookies.arrival_of(request, study))
    return sessions.welcomes(study) or bool(known and sessions.place_of(known).page != "start")


def _language(study: Study, participant: Participant | None) -> str:
    version = participant.version if participant else versions.latest(study)
    return version.setting("language") if version else study.language


def _revisited(participant: Participant, key: UUID | None = None) -> Place | None:
    """An answered trial of their own, where answers may be changed and they have not finished."""
    here = sessions.place_of(participant)
    if key is None or here.page not in ("trial", "feedback") or not participant.version.setting("revisable"):
        return None
    answered = participant.trials.filter(key=key, answers__isnull=False)
    trial = answered.select_related("stimulus").first()
    return Place("trial", trial, revisited=True) if trial else None


def _earlier(participant: Participant, place: Place) -> str:
    """The address of the trial before this one, where going back is allowed."""
    if not participant.version.setting("revisable"):
        return ""
    before = participant.trials.order_by("position")
    trial = before.filter(position__lt=place.trial.position).last() if place.trial else before.last()
    return address_of(participant.study, Place("trial", trial)) if trial else ""
