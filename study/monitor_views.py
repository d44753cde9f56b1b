"""The researchers' pages on how a study goes: all of it in counts, and the way of each participant."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotations import Refusal
from study import exclusions, looks, monitor, timeline
from study.access import may_decide, may_look
from study.models import Condition, Exclusion, Outcome, Participant, Recruit, Study

OUTCOMES = [
    ("", "all"),
    (monitor.LIVE, "live"),
    *Outcome.choices,
    (monitor.LEFT, "without an end"),
    (monitor.EXCLUDED, "excluded"),
]


class SearchForm(forms.Form):
    """In the address, so that a search can be kept and passed on."""

    pseudonym = forms.CharField(label="Pseudonym or number", max_length=32, required=False)
    outcome = forms.ChoiceField(label="Came to", choices=OUTCOMES, required=False)
    condition = forms.ModelChoiceField(Condition.objects.none(), required=False, empty_label="all")
    who = forms.ChoiceField(
        choices=[("", "all"), ("people", "people"), ("simulated", "simulated")], required=False
    )
    before = forms.IntegerField(min_value=1, max_value=2**31 - 1, required=False, widget=forms.HiddenInput)

    def __init__(self, *args, study: Study, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.fields["condition"].queryset = study.conditions.all()

    @property
    def sought(self) -> monitor.Sought:
        told = self.cleaned_data
        return monitor.Sought(
            told["outcome"], told["condition"], _simulated(told["who"]), told["pseudonym"].strip()
        )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        error_messages={"required": "Give a reason: it stands in the analysis and on this page."},
    )


@require_safe
@may_look
def overview(request: HttpRequest, study: Study) -> HttpResponse:
    return render(request, "study/monitor.html", _overview(request, study))


@require_safe
@may_look
def fragment(request: HttpRequest, study: Study) -> HttpResponse:
    """The part of the page that changes by itself."""
    return render(request, "study/_monitor_fragment.html", _overview(request, study))


@require_safe
@may_look
def people(request: HttpRequest, study: Study) -> HttpResponse:
    form = SearchForm(request.GET, study=study)
    if not form.is_valid():
        return render(request, "study/monitor_people.html", {"study": study, "form": form}, status=400)
    found = monitor.find_people(study, form.sought, form.cleaned_data["before"])
    context = {"study": study, "form": form, "found": found, "latest": _search(request, None)}
    further = found.before and _search(request, found.before)
    return render(request, "study/monitor_people.html", context | {"further": further})


@require_safe
@may_look
def person(request: HttpRequest, study: Study, code: str) -> HttpResponse:
    return _show(request, study, _participant(study, code))


@require_POST
@may_decide
def exclude(request: HttpRequest, study: Study, code: str) -> HttpResponse:
    participant, form = _participant(study, code), ReasonForm(request.POST)
    if not form.is_valid():
        return _show(request, study, participant, form=form, status=422)
    return _done(request, participant, "Excluded.", exclusions.exclude, participant, form)


@require_POST
@may_decide
def lift(request: HttpRequest, study: Study, code: str, pk: int) -> HttpResponse:
    participant, form = _participant(study, code), ReasonForm(request.POST)
    exclusion = get_object_or_404(participant.exclusions, pk=pk)
    if not form.is_valid():
        return _show(request, study, participant, lifting=pk, form=form, status=422)
    return _done(request, participant, "The exclusion was lifted.", exclusions.lift, exclusion, form)


@require_POST
@may_decide
def judge(request: HttpRequest, study: Study) -> HttpResponse:
    made = exclusions.judge(study)
    messages.success(request, f"The exclusion rules were applied; new exclusions: {made}.")
    return redirect("study:monitor", study.slug)


def _overview(request: HttpRequest, study: Study) -> dict:
    seen = monitor.overview(study, _simulated(request.GET.get("who", "")))
    who, masked = "simulated" if seen.simulated else "people", looks.state(study).masked
    return {"study": study, "seen": seen, "who": who, "masked": masked}


def _simulated(who: str) -> bool | None:
    return {"people": False, "simulated": True}.get(who)


def _search(request: HttpRequest, before: int | None) -> str:
    """The address of another page of the same search."""
    asked = request.GET.copy()
    asked.pop("before", None)
    if before:
        asked["before"] = str(before)
    return f"?{asked.urlencode()}"


def _participant(study: Study, code: str) -> Participant:
    made: QuerySet[Exclusion] = Exclusion.objects.select_related("by")
    known = Participant.objects.select_related("version", "condition").prefetch_related(
        "events", Prefetch("exclusions", made)
    )
    return get_object_or_404(known, study=study, code=code, preview=False)


def _show(
    request: HttpRequest, study: Study, participant: Participant, *, status: int = 200, **context: object
) -> HttpResponse:
    recruit = Recruit.objects.filter(participant=participant).first()
    trials = timeline.trials_of(participant)
    standing = [each for each in participant.exclusions.all() if each.lifted_at is None]
    known = {
        "study": study,
        "participant": participant,
        "live": monitor.is_live(participant, timezone.now()),
        "recruit": recruit,
        "names_shown": request.user.has_perm("study.view_recruit"),
        "moments": timeline.timeline(participant, recruit, trials),
        "open_trials": [trial for trial in trials if not trial.answers.all()],
        "trials": trials,
        "standing": [(each, exclusions.named(each.rule)) for each in standing],
        "by_hand": any(each.rule == exclusions.BY_HAND for each in standing),
        "may_decide": request.user.has_perm("study.change_study"),
    }
    return render(request, "study/monitor_person.html", known | context, status=status)


def _done(
    request: HttpRequest,
    participant: Participant,
    words: str,
    act: Callable,
    row: Participant | Exclusion,
    form: ReasonForm,
) -> HttpResponse:
    try:
        act(row, form.cleaned_data["reason"], request.user)
        messages.success(request, words)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("study:person", participant.study.slug, participant.code)
