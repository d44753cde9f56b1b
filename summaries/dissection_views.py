"""The gallery's pages of network dissection: the units of a run, and single ones. Nothing here computes."""

from math import isfinite

from django.contrib.admin.views.decorators import staff_member_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from summaries import dissections, gallery
from summaries.models import Run, Unit
from summaries.progress import progress_of

UNITS_PER_PAGE = 24
SHOWN = 3
"""Images of each unit in the overview."""


@require_safe
@staff_member_required
@never_cache
def units(request: HttpRequest, pk: int) -> HttpResponse:
    """The layers of a run with their detectors by category, and the units that are asked for."""
    shown = _run(pk)
    layers, wanted = dissections.layers_of(shown), _wanted(request)
    found = dissections.units_of(shown, wanted)
    page = Paginator(dissections.with_images(found, SHOWN), UNITS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"run": shown, "layers": layers, "wanted": wanted, "page": page, "total": found.count()}
    context |= {"progress": progress_of(shown), "settings": gallery.settings_of(shown)}
    context |= {"categories": dissections.categories_of(shown), "asked": _asked(request)}
    return render(request, "summaries/units.html", context)


@require_safe
@staff_member_required
def units_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """One layer in NetDissect's result format."""
    shown = _run(pk)
    names = [layer.name for layer in dissections.layers_of(shown)]
    if (wanted := request.GET.get("layer") or next(iter(names), "")) not in names:
        raise Http404
    told = {"Content-Disposition": f'attachment; filename="run-{pk}-{dissections.file_name(wanted)}"'}
    content = dissections.as_csv(shown, wanted)
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=told)


@require_safe
@staff_member_required
def unit(request: HttpRequest, pk: int) -> HttpResponse:
    found = dissections.with_images(Unit.objects.select_related("run__network", "run__image_set", "concept"))
    shown = get_object_or_404(found, pk=pk)
    before, after = dissections.units_beside(shown)
    context = {"unit": shown, "run": shown.run, "concepts": dissections.concepts_of(shown)}
    context["is_detector"] = (shown.iou or 0) > shown.run.parameters["threshold"]
    return render(request, "summaries/unit.html", context | {"before": before, "after": after})


def _run(pk: int) -> Run:
    runs = Run.objects.select_related("network", "image_set", "created_by")
    return get_object_or_404(runs, pk=pk, method=Run.Method.DISSECTION)


def _wanted(request: HttpRequest) -> dissections.Wanted:
    """What the form asks for; a number that is none asks for nothing."""
    layer, category, concept = (request.GET.get(name, "") for name in ("layer", "category", "concept"))
    return dissections.Wanted(layer, category, concept.strip(), _share(request.GET.get("least", "")))


def _share(words: str) -> float:
    try:
        number = float(words.replace(",", "."))
    except ValueError:
        return 0.0
    return number if isfinite(number) else 0.0


def _asked(request: HttpRequest) -> str:
    """The form's part of the address, for the pages that follow."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()
