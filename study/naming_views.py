"""The researchers' pages on which names are merged and coded."""

import json
from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from annotations import Refusal
from study import lexicon, looks, naming, results
from study.access import may_decide, may_look
from study.display import visible
from study.findings import effect
from study.models import NameEvent, Study

SHOWN = [
    ("", "all"),
    ("proposed", "with proposals"),
    ("grouped", "groups of several"),
    ("uncoded", "without a code"),
]
MOST_LOGGED = 500


class SearchForm(forms.Form):
    """In the address; with scripts the list follows while one types."""

    q = forms.CharField(
        label="Search", max_length=100, required=False, widget=forms.TextInput(attrs={"type": "search"})
    )
    show = forms.ChoiceField(choices=SHOWN, required=False)


class DecisionForm(forms.Form):
    """What a press sends; the names themselves come as a list beside it."""

    act = forms.ChoiceField(choices=[(kind, kind) for kind in lexicon.DECISIONS], required=False)
    into = forms.CharField(required=False, max_length=1000)
    reason = forms.CharField(required=False, max_length=1000)
    undoes = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    seen = forms.IntegerField(min_value=0, max_value=2**62)


@require_safe
@may_look
def names(request: HttpRequest, study: Study) -> HttpResponse:
    form = SearchForm(request.GET)
    told = form.cleaned_data if form.is_valid() else {"q": "", "show": ""}
    return render(
        request, "study/names.html", _context(request, study) | {"form": form, **_list(request, study, told)}
    )


@require_POST
@may_decide
def weigh(request: HttpRequest, study: Study) -> HttpResponse:
    """What a decision would do, before it is confirmed. Stores nothing."""
    try:
        sent = _sent(request)
        intent = _intent(request, study, sent)
        weighed = naming.weigh(study, intent, by=request.user, at_first=intent.kind == lexicon.CODE)
    except Refusal as refusal:
        return _refused(request, study, refusal)
    return _ask(request, study, weighed, sent)


@require_POST
@may_decide
def decide(request: HttpRequest, study: Study) -> HttpResponse:
    try:
        sent = _sent(request)
        intent = _intent(request, study, sent)
    except Refusal as refusal:
        return _refused(request, study, refusal)
    try:
        _decide(request, study, intent, sent)
    except Refusal as refusal:
        return _ask_again(request, study, intent, sent, refusal)
    messages.success(request, _said(intent))
    return redirect(f"{reverse('study:names', args=[study.slug])}?{urlencode(_place(sent, intent))}")


@require_safe
@may_look
def log(request: HttpRequest, study: Study) -> HttpResponse:
    own = _whose(request, study)
    rows = list(study.name_events.filter(coder=own, kind__in=lexicon.DECISIONS).order_by("-pk")[:MOST_LOGGED])
    undone = {row.undoes_id: row for row in rows if row.undoes_id}
    context = {
        "rows": [
            (row, undone.get(row.pk), row.kind != NameEvent.Kind.UNDO and row.pk not in undone)
            for row in rows
        ],
        "seen": naming.last_row(study, own),
    }
    return render(request, "study/names_log.html", _context(request, study) | context)


@require_safe
@may_look
def used(request: HttpRequest, study: Study) -> HttpResponse:
    """The pictures to which a name was given, as the participants saw them."""
    name = request.GET.get("name", "")
    layers = naming.layers(study, _whose(request, study))
    known = naming.counts(study)
    members = [each for each in known if layers.merged(each) == name]
    if not members:
        raise Http404
    context = {"name": name, "members": members, "pictures": naming.pictures(study, layers, name)}
    return render(request, "study/names_used.html", _context(request, study) | context)


@require_safe
@may_look
def coders(request: HttpRequest, study: Study) -> HttpResponse:
    opened = naming.is_open(study)
    context = {
        "coders": naming.coders(study),
        "opened": opened,
        "agreements": naming.agreements(study) if opened else [],
        "me": request.user.get_username(),
    }
    return render(request, "study/names_coders.html", _context(request, study) | context)


@require_POST
@may_decide
def done(request: HttpRequest, study: Study) -> HttpResponse:
    try:
        opened = naming.declare_done(study, request.user)
        said = "All coders are done: the comparison is open." if opened else "Noted: you are done."
        messages.success(request, said)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("study:coders", study.slug)


@require_POST
@may_decide
def open_comparison(request: HttpRequest, study: Study) -> HttpResponse:
    try:
        naming.open_comparison(study, request.user, request.POST.get("reason", ""))
        messages.success(request, "The comparison is open; the log tells that you opened it, and why.")
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("study:coders", study.slug)


def _context(request: HttpRequest, study: Study) -> dict[str, Any]:
    """Blind, the study goes by its link name, which names neither class nor network."""
    return {
        "study": study,
        "called": study.slug if study.blind_naming else study.title,
        "blind": study.blind_naming,
        "may_decide": request.user.has_perm("study.change_study"),
        "whose": _whose(request, study),
    }


def _whose(request: HttpRequest, study: Study) -> str:
    """Who may decide sees their own decisions, others those that count."""
    if request.user.has_perm("study.change_study"):
        return request.user.get_username()
    return naming.layers(study).coder


def _list(request: HttpRequest, study: Study, told: dict[str, Any]) -> dict[str, Any]:
    own = _whose(request, study)
    events = list(study.name_events.filter(coder=own).order_by("pk"))
    layers = naming.of_events(study, own, events)
    found = naming.sheet(study, layers)
    sought = told["q"].casefold().split()
    standing = lexicon.standing(naming.decided(study, events))
    return {
        "sheet": found,
        "shown": [(row, _fits(row, sought, told["show"])) for row in found.rows],
        "seen": events[-1].pk if events else 0,
        "last": next((event for event in reversed(events) if standing and event.pk == standing[0].key), None),
        "marked": request.GET.getlist("name"),
        "codes": sorted({code for code in layers.lexicon.codes.values()}),
        "simulated": results.is_simulated(study),
    }


def _fits(row: Any, sought: list[str], show: str) -> bool:
    return (not show or show in row.kinds.split()) and all(word in row.sought for word in sought)


def _sent(request: HttpRequest) -> dict[str, Any]:
    form = DecisionForm(request.POST)
    if not form.is_valid():
        raise Refusal("This page has grown old, or something is missing in it; decide again.")
    return form.cleaned_data | {"act": form.cleaned_data["act"] or lexicon.MERGE}


def _intent(request: HttpRequest, study: Study, sent: dict[str, Any]) -> naming.Intent:
    act = sent["act"]
    if act == lexicon.UNDO:
        return naming.intend_undo(study, sent["undoes"] or 0, by=request.user)
    marked, parts = request.POST.getlist("name"), request.POST.getlist("part")
    if pair := request.POST.get("pair"):
        marked, parts = _pair(pair), []
    if act == lexicon.SPLIT:
        return naming.intend(study, act, [*parts, *_members(request, study, marked)])
    if parts and not marked:
        raise Refusal("To merge or to code, mark whole groups; single names of a group can be split off.")
    into = sent["into"] or (_most_used(request, study, marked) if act == lexicon.MERGE else "")
    return naming.intend(study, act, marked, into)


def _most_used(request: HttpRequest, study: Study, groups: list[str]) -> str:
    """Of these groups the one with the most answers: its name is offered for all."""
    layers, answers = naming.layers(study, request.user.get_username()), Counter()
    for name, many in naming.counts(study).items():
        answers[layers.merged(name)] += many
    return max(groups, key=lambda group: answers[group], default="")


def _pair(sent: str) -> list[str]:
    try:
        names = json.loads(sent)
    except (ValueError, RecursionError) as error:
        raise Refusal("This page has grown old; reload it and decide again.") from error
    return [str(name) for name in names] if isinstance(names, list) else []


def _members(request: HttpRequest, study: Study, groups: list[str]) -> list[str]:
    """A whole group that is split falls into all its names."""
    layers = naming.layers(study, request.user.get_username())
    return [name for group in groups for name in (group, *layers.lexicon.members().get(group, []))]


def _ask(
    request: HttpRequest,
    study: Study,
    weighed: naming.Weighed,
    sent: dict[str, Any],
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    intent, state = weighed.intent, looks.state(study)
    context = {
        "intent": intent,
        "undone": study.name_events.filter(pk=intent.undoes).first(),
        "weighed": weighed,
        "sent": sent,
        "problem": problem,
        "masked": state.masked,
        "lines": [] if state.masked else effect.lines(study, weighed.before, weighed.after),
        "groups": list(dict.fromkeys(weighed.before.merged(name) for name in intent.names)),
        "into": intent.into or _code_now(weighed),
        "codes": sorted(set(weighed.before.lexicon.codes.values())),
        "seen": naming.last_row(study, request.user.get_username()) if problem else sent["seen"],
    }
    return render(request, "study/names_weigh.html", _context(request, study) | context, status=status)


def _code_now(weighed: naming.Weighed) -> str:
    """What all of them are coded now."""
    codes = {weighed.before.code(weighed.before.merged(name)) for name in weighed.intent.names}
    return codes.pop() if len(codes) == 1 else ""


def _ask_again(
    request: HttpRequest, study: Study, intent: naming.Intent, sent: dict[str, Any], refusal: Refusal
) -> HttpResponse:
    """On the page as it stands now, with what was chosen and typed, if that can still be decided."""
    try:
        weighed = naming.weigh(study, intent, by=request.user)
    except Refusal as now:
        return _refused(request, study, now)
    return _ask(request, study, weighed, sent, str(refusal), 409)


def _refused(request: HttpRequest, study: Study, refusal: Refusal) -> HttpResponse:
    return render(
        request, "study/names_refused.html", _context(request, study) | {"refusal": refusal}, status=422
    )


def _decide(request: HttpRequest, study: Study, intent: naming.Intent, sent: dict[str, Any]) -> NameEvent:
    evidence = {}
    if intent.kind == lexicon.MERGE:
        layers = naming.layers(study, request.user.get_username())
        evidence = naming.evidence(
            study, layers, {layers.merged(each) for each in (*intent.names, intent.into)}
        )
    return naming.decide(
        study, intent, by=request.user, reason=sent["reason"], evidence=evidence, seen=sent["seen"]
    )


def _said(intent: naming.Intent) -> str:
    told = ", ".join(f"“{visible(name)}”" for name in intent.names[:5])
    told += f" and {len(intent.names) - 5} more" if len(intent.names) > 5 else ""
    into = f"“{visible(intent.into)}”"
    return {
        lexicon.MERGE: f"Merged into {into}: {told}.",
        lexicon.SPLIT: f"Split off: {told}.",
        lexicon.CODE: f"Coded {into}: {told}." if intent.into else f"Without a code now: {told}.",
        lexicon.UNDO: f"Undone: the decision on {told}.",
    }[intent.kind]


def _place(sent: dict[str, Any], intent: naming.Intent) -> dict[str, str]:
    """Where the list goes on."""
    return {"at": intent.into if intent.kind == lexicon.MERGE else next(iter(intent.names), "")}


urlpatterns = [
    path("desk/<slug:slug>/names/", names, name="names"),
    path("desk/<slug:slug>/names/weigh/", weigh, name="names_weigh"),
    path("desk/<slug:slug>/names/decide/", decide, name="names_decide"),
    path("desk/<slug:slug>/names/log/", log, name="names_log"),
    path("desk/<slug:slug>/names/used/", used, name="names_used"),
    path("desk/<slug:slug>/names/coders/", coders, name="coders"),
    path("desk/<slug:slug>/names/coders/done/", done, name="coders_done"),
    path("desk/<slug:slug>/names/coders/open/", open_comparison, name="coders_open"),
]
