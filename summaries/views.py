"""The gallery: runs, what they found, and single images. For staff only; nothing here computes."""

import re

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_POST, require_safe

import annotations
from annotations import files
from summaries import gallery, steering, taggings
from summaries.models import Run
from summaries.progress import progress_of
from summaries.runs import Refusal

RUNS_PER_PAGE = 25
CLASSES_PER_PAGE = 10
PICTURE = re.compile(r"content/[0-9a-f]{2}/[0-9a-f]{64}\.png")
"""The key of a picture as `annotations.files.put` gives it."""

keep_for_ever = cache_control(private=True, max_age=31_536_000, immutable=True)
"""For what never changes under its address."""
may_change_runs = permission_required("summaries.change_run", raise_exception=True)


@require_safe
@staff_member_required
@never_cache
def runs(request: HttpRequest) -> HttpResponse:
    shown = gallery.runs().exclude(method=Run.Method.TAGS)
    page = Paginator(shown, RUNS_PER_PAGE).get_page(request.GET.get("page"))
    dissected = Run.objects.filter(method=Run.Method.DISSECTION, state=Run.State.FINISHED)
    return render(request, "summaries/runs.html", {"page": page, "has_dissections": dissected.exists()})


@require_safe
@staff_member_required
@never_cache
def run(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(Run.objects.select_related("network", "image_set", "created_by"), pk=pk)
    if shown.method == Run.Method.TAGS:
        return redirect("summaries:tags", shown.of_id)
    if shown.method == Run.Method.DISSECTION:
        return redirect("summaries:units", shown.pk)
    page = Paginator(gallery.classes_of(shown), CLASSES_PER_PAGE).get_page(request.GET.get("page"))
    gallery.sort_images(page.object_list)
    context = {"run": shown, "page": page, "progress": progress_of(shown)}
    context["offers"] = shown.state == Run.State.FINISHED and gallery.has_summaries(shown)
    context["tagged"] = shown.tag_runs.exists()
    return render(request, "summaries/run.html", context | {"settings": gallery.settings_of(shown)})


@require_safe
@staff_member_required
@never_cache
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of a run's page that changes while it runs."""
    shown = get_object_or_404(Run, pk=pk)
    context = {"run": shown, "progress": progress_of(shown)}
    return render(request, "summaries/_progress.html", context)


@require_POST
@staff_member_required
@may_change_runs
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    if steering.stop(get_object_or_404(Run, pk=pk)):
        messages.success(request, "The run was cancelled. What is finished is kept; it can be resumed.")
    return redirect("summaries:run", pk)


@require_POST
@staff_member_required
@may_change_runs
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    if steering.go_on(get_object_or_404(Run, pk=pk)):
        messages.success(request, "The run goes on where it stood.")
    return redirect("summaries:run", pk)


@require_safe
@staff_member_required
@never_cache
def tags(request: HttpRequest, pk: int) -> HttpResponse:
    """What automatic taggers say of a run's summaries, beside what chance gives."""
    tagged = get_object_or_404(Run.objects.select_related("network", "image_set"), pk=pk, method="visual")
    runs = list(taggings.runs_of(tagged))
    shown = taggings.newest(runs)
    going = {each: progress_of(each) for each in runs if each.state == Run.State.RUNNING}
    context = {"run": tagged, "runs": [(each, going.get(each)) for each in runs], "told": taggings.MEASURES}
    context["measured"] = [(each, taggings.measures(each)) for each in shown]
    context["classes"] = taggings.classes_of(tagged, shown)
    context |= {"taggers": steering.TAGGERS.items(), "going": going}
    return render(request, "summaries/tags.html", context)


@require_safe
@staff_member_required
def tags_csv(request: HttpRequest, pk: int) -> HttpResponse:
    tagged = get_object_or_404(Run, pk=pk, method="visual")
    content = taggings.as_csv(taggings.newest(taggings.runs_of(tagged)))
    told = {"Content-Disposition": f'attachment; filename="run-{pk}-tags.csv"'}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=told)


@require_POST
@staff_member_required
@permission_required("summaries.add_run", raise_exception=True)
def tag(request: HttpRequest, pk: int) -> HttpResponse:
    """Hands the summaries of a run to the chosen taggers, on the workers."""
    tagged = get_object_or_404(Run, pk=pk, method="visual")
    try:
        started = steering.tag(tagged, request.POST.getlist("tagger"), request.user)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{len(started)} tagger{'s' * (len(started) > 1)} started.")
    return redirect("summaries:tags", pk)


@require_safe
@staff_member_required
def summary(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(gallery.summaries(), pk=pk)
    members, others = gallery.tiles_of(shown)
    before, after = gallery.neighbours(shown)
    context = {"summary": shown, "members": members, "others": others, "total": len(members) + len(others)}
    return render(request, "summaries/summary.html", context | {"before": before, "after": after})


@require_safe
@staff_member_required
def image(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(gallery.run_images(), pk=pk)
    before, after = gallery.images_beside(shown)
    context = {"image": shown, "mask": getattr(shown, "mask", None), "regions": gallery.regions_of(shown)}
    return render(request, "summaries/image.html", context | {"before": before, "after": after})


@require_safe
@staff_member_required
@cache_control(private=True, max_age=600)  # a row's number may mean another picture in another home
def photograph(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(gallery.run_images(), pk=pk)
    try:
        return HttpResponse(gallery.photograph(shown), content_type="image/png")
    except (files.Missing, annotations.Refusal) as error:
        raise Http404 from error


@require_safe
@staff_member_required
@keep_for_ever
def file(request: HttpRequest, key: str) -> HttpResponseBase:
    """A stored PNG; weights, arrays and everything else in the store stay closed."""
    if not PICTURE.fullmatch(key):
        raise Http404
    try:
        return FileResponse(default_storage.open(key), content_type="image/png")
    except FileNotFoundError as error:
        raise Http404 from error
