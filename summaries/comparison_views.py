"""The gallery's page that sets dissections side by side. Nothing here computes."""

from dataclasses import dataclass

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from summaries import comparisons
from summaries.dissections import COUNTINGS
from summaries.models import Run

MOST = 60
"""Runs that are compared at once."""


@require_safe
@staff_member_required
@never_cache
def compare(request: HttpRequest) -> HttpResponse:
    """The finished dissections to choose from, and those chosen as a table and as bars by category."""
    asked = _asked(request)
    compared = comparisons.compare(asked.runs, initialisations=asked.initialisations)
    threshold = asked.threshold(compared.thresholds)
    context = {"asked": asked, "compared": compared, "known": comparisons.finished(), "countings": COUNTINGS}
    if compared.lines:
        bars = compared.bars(asked.counting, threshold)
        context |= {"bars": bars, "threshold": threshold, "longest": _longest(bars)}
    return render(request, "summaries/comparison.html", context | {"query": request.GET.urlencode()})


@require_safe
@staff_member_required
def compare_csv(request: HttpRequest) -> HttpResponse:
    asked = _asked(request)
    compared = comparisons.compare(asked.runs, initialisations=asked.initialisations)
    told = {"Content-Disposition": 'attachment; filename="dissections.csv"'}
    content = comparisons.as_csv(compared)
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=told)


@dataclass(frozen=True)
class Asked:
    """What the form says. left_out: words among the runs that name none that is finished."""

    runs: list[Run]
    left_out: list[str]
    counting: str
    wanted: str
    initialisations: bool

    @property
    def numbers(self) -> list[int]:
        return [run.pk for run in self.runs]

    def threshold(self, there: list[float]) -> float:
        """The one asked for where it was counted, else the first."""
        return next((each for each in there if f"{each:g}" == self.wanted), min(there, default=0.0))


def _asked(request: HttpRequest) -> Asked:
    """`runs=1&runs=2` as the form sends them, or `runs=1,2`."""
    words = [word.strip() for each in request.GET.getlist("runs") for word in each.split(",")]
    words = list(dict.fromkeys(word for word in words if word))
    numbers = [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 10]
    known = {str(run.pk): run for run in comparisons.finished().filter(pk__in=numbers[:MOST])}
    counting = request.GET.get("counting", "")
    return Asked(
        runs=[known[word] for word in words if word in known],
        left_out=[word for word in words if word not in known][:5],
        counting=counting if counting in COUNTINGS else next(iter(COUNTINGS)),
        wanted=request.GET.get("threshold", ""),
        initialisations=bool(request.GET.get("initialisations")),
    )


def _longest(bars: list) -> float:
    """The length of the longest bar or mark, for all of them to fit."""
    ends = [max(found.unique.mean, found.unique_by_chance.mean) for _, _, found in bars]
    return max([1.0, *ends])
