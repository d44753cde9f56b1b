"""The researchers' pages on what a study found: numbers, figures, and the answers behind them."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from annotations import Refusal
from study import figures, looks
from study.access import may_decide, may_look
from study.findings import answers, board
from study.models import Condition, Stimulus, Study
from summaries import exhibits

KINDS = [
    ("", "all"),
    ("name", "name"),
    ("nothing_in_common", "nothing in common"),
    ("cannot_tell", "can’t tell"),
]
ANALYSES = [("main", "left out"), ("all", "counted too")]
LAYERS = [("merged", "merged"), ("mechanical", "mechanical"), ("raw", "as typed")]


class ChoiceForm(forms.Form):
    """Which stimuli the results page lists, and by which numbers; in the address."""

    layer = forms.ChoiceField(label="Names", choices=LAYERS, required=False)
    analysis = forms.ChoiceField(label="Excluded people", choices=ANALYSES, required=False)
    condition = forms.ChoiceField(required=False)
    group = forms.ChoiceField(label="Class", required=False)
    kind = forms.ChoiceField(choices=[("", "all"), *Stimulus.Kind.choices], required=False)
    sort = forms.ChoiceField(choices=[(key, one[0]) for key, one in board.SORTS.items()], required=False)
    page = forms.IntegerField(min_value=1, max_value=10_000, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, study: Study, **kwargs: Any):
        super().__init__(*args, label_suffix="", **kwargs)
        groups = study.stimuli.order_by("group").values_list("group", flat=True).distinct()
        conditions = study.conditions.values_list("name", flat=True)
        for name, values in (("condition", conditions), ("group", groups)):
            self.fields[name].choices = [("", "all"), *((value, value) for value in values)]

    @property
    def choice(self) -> board.Choice:
        """What the address leaves open is as the board has it."""
        return board.Choice(**{name: value for name, value in self.cleaned_data.items() if value})


class AnswersForm(forms.Form):
    """In the address, so that the answers behind a number can be passed on."""

    stimulus = forms.ModelChoiceField(Stimulus.objects.none(), required=False, empty_label="all")
    condition = forms.ModelChoiceField(Condition.objects.none(), required=False, empty_label="all")
    kind = forms.ChoiceField(choices=KINDS, required=False)
    layer = forms.ChoiceField(choices=LAYERS, required=False)
    name = forms.CharField(max_length=200, required=False, strip=False)
    analysis = forms.ChoiceField(label="Excluded people", choices=ANALYSES, required=False)
    after = forms.IntegerField(min_value=0, max_value=2**62, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, study: Study, **kwargs: Any):
        super().__init__(*args, label_suffix="", **kwargs)
        self.fields["stimulus"].queryset = study.stimuli.order_by("position")
        self.fields["condition"].queryset = study.conditions.all()

    @property
    def sought(self) -> answers.Sought:
        told = self.cleaned_data
        return answers.Sought(
            told["stimulus"],
            told["condition"],
            told["kind"],
            told["layer"] or "merged",
            told["name"] or None,
            told["analysis"] or "main",
        )


class LookForm(forms.Form):
    reason = forms.CharField(max_length=300, required=False)


@require_safe
@may_look
def results(request: HttpRequest, study: Study) -> HttpResponse:
    """What was found, the numbers first and then each stimulus; every number leads to its answers."""
    form = ChoiceForm(request.GET, study=study)
    if not form.is_valid():
        return render(request, "study/results_wrong.html", {"study": study, "form": form}, status=400)
    found = looks.shown(study)
    context = {"study": study, "form": form, "found": found, "looking": looks.box(study)}
    context["may_decide"] = request.user.has_perm("study.change_study")
    if found.content:
        context |= board.tell(study, found.content, form.choice)
        context["further"] = [(number, _address(request, page=number)) for number in context["pages"]]
        context["figures"] = _figures(study, found, form.choice)
    return render(request, "study/results.html", context)


@require_safe
@may_look
def result(request: HttpRequest, study: Study, pk: int) -> HttpResponse:
    """One stimulus: as it was shown, what it was called at each layer, and where it comes from."""
    stimulus = get_object_or_404(study.stimuli.select_related("condition", "source"), pk=pk)
    found = looks.shown(study)
    context = {"study": study, "stimulus": stimulus, "found": found}
    context |= {"run": exhibits.run_of(stimulus.exhibit), "summary": exhibits.summary_of(_shown(stimulus))}
    if found.content:
        context |= board.tell_one(study, found.content, stimulus)
    return render(request, "study/result.html", context)


@require_safe
@may_look
def answers_behind(request: HttpRequest, study: Study) -> HttpResponse:
    """The answers that a number counts, as they were typed, a page at a time."""
    form = AnswersForm(request.GET, study=study)
    if not form.is_valid():
        return render(request, "study/results_answers.html", {"study": study, "form": form}, status=400)
    state = looks.state(study)
    if state.masked:
        return render(request, "study/results_answers.html", {"study": study, "state": state}, status=403)
    found = answers.find(study, form.sought, form.cleaned_data["after"] or 0)
    context = {"study": study, "form": form, "found": found, "state": state, "sought": form.sought}
    further = found.after and _address(request, after=found.after)
    context |= {"further": further, "first": _address(request, after=None)}
    return render(request, "study/results_answers.html", context)


@require_safe
@may_look
def newest_findings(request: HttpRequest, study: Study) -> JsonResponse:
    """For the page's script: which findings are the newest."""
    stamps = study.snapshots.order_by("-pk").values_list("stamp", flat=True)
    return JsonResponse({"newest": stamps.first()})


@require_POST
@may_decide
def look(request: HttpRequest, study: Study) -> HttpResponse:
    """Takes the look that is due, or another one with a reason."""
    form = LookForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.errors["reason"][0])
        return redirect("study:results", study.slug)
    try:
        taken = looks.take(study, request.user.get_username(), "results", form.cleaned_data["reason"])
        messages.success(request, f"{taken} is written down.".capitalize())
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("study:results", study.slug)


@require_POST
@may_decide
def review_stops(request: HttpRequest, study: Study) -> HttpResponse:
    """Judges every summary by the declared rule, as the clock does once a day."""
    stopped = looks.review_stops(study)
    messages.success(request, f"Reviewed. Summaries that were stopped now: {stopped}.")
    return redirect("study:results", study.slug)


def _shown(stimulus: Stimulus) -> str:
    """The key of the summary whose tiles are shown."""
    return stimulus.source.exhibit if stimulus.source else stimulus.exhibit


def _figures(study: Study, found: looks.Shown, choice: board.Choice) -> list[dict[str, str]]:
    """Those that there is something to draw of, each with the addresses of its files."""
    chosen = figures.Choice(layer=choice.layer, analysis=choice.analysis)
    query = urlencode({"layer": choice.layer, "analysis": choice.analysis})
    tagged = (found.content["analyses"][choice.analysis].get("tags") or {}).get("stimuli")
    return [
        {
            "name": name,
            "title": title,
            "alternative": figures.alternative_text(name, found.content, chosen),
            "caption": figures.caption(name, found.content, chosen),
        }
        | {
            format: f"{reverse('study:figure', args=[study.slug, name, format])}?{query}"
            for format in figures.FORMATS
        }
        for name, title in figures.FIGURES.items()
        if not (found.masked and name in figures.ESTIMATES) and (name != "confusion" or tagged)
    ]


def _address(request: HttpRequest, **changed: int | None) -> str:
    """Of another page of the same choice."""
    asked = request.GET.copy()
    for name, value in changed.items():
        asked.pop(name, None)
        if value:
            asked[name] = str(value)
    return f"?{asked.urlencode()}"


urlpatterns = [
    path("desk/<slug:slug>/results/", results, name="results"),
    path("desk/<slug:slug>/results/newest.json", newest_findings, name="results_newest"),
    path("desk/<slug:slug>/results/answers/", answers_behind, name="answers_behind"),
    path("desk/<slug:slug>/results/<int:pk>/", result, name="result"),
    path("desk/<slug:slug>/results/look/", look, name="look"),
    path("desk/<slug:slug>/results/stops/", review_stops, name="review_stops"),
]
