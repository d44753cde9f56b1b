"""The pages of the report, and the figures of what a study found."""

from functools import lru_cache
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from study import figures, looks
from study.access import may_look
from study.agreement import LAYERS
from study.models import Study
from study.report import latex, plates, references, writing
from study.report.facts import facts

STYLES_OF_ITS_OWN = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""What a figure that is opened by itself may do: an SVG carries its styles in itself, and nothing else."""
HELD = 24
"""Figures kept in memory."""


class ChoiceForm(forms.Form):
    """What of a figure is asked for in its address."""

    layer = forms.ChoiceField(choices=[(layer, layer) for layer in LAYERS], required=False)
    analysis = forms.ChoiceField(choices=[("main", "main"), ("all", "all")], required=False)
    page = forms.IntegerField(min_value=1, max_value=10_000, required=False)


@require_safe
@may_look
def figure(request: HttpRequest, study: Study, name: str, format: str) -> HttpResponse:
    form, found = ChoiceForm(request.GET), looks.shown(study)
    known = name in figures.FIGURES and format in figures.FORMATS
    if not known or not form.is_valid() or not found.content:
        raise Http404
    masked = found.state.words if found.masked and name in figures.ESTIMATES else ""
    chosen = {key: value for key, value in form.cleaned_data.items() if value}
    draw = _drawn.__wrapped__ if name == "flow" else _drawn  # people come without new findings to be shown
    drawn = draw(study.pk, found.content["stamp"], name, format, masked, tuple(chosen.items()))
    response = HttpResponse(drawn, content_type=figures.FORMATS[format])
    response["Content-Security-Policy"] = STYLES_OF_ITS_OWN
    if format != "svg":
        response["Content-Disposition"] = f'attachment; filename="{study.slug}-{name}.{format}"'
    return response


@require_safe
@may_look
def report(request: HttpRequest, study: Study) -> HttpResponse:
    document = writing.write(study)
    numbered = [(number, key, references.line(key)) for number, key in enumerate(document.cited, 1)]
    return render(
        request, "study/report.html", {"study": study, "document": document, "references": numbered}
    )


@require_safe
@may_look
def report_latex(request: HttpRequest, study: Study) -> HttpResponse:
    known = facts(study)
    data = latex.bundle(study, known.content, writing.document(known))
    response = HttpResponse(data, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{study.slug}-report.zip"'
    return response


@lru_cache(maxsize=HELD)
def _drawn(
    study: int, stamp: str, name: str, format: str, masked: str, chosen: tuple[tuple[str, Any], ...]
) -> bytes:
    """The same findings make the same figure."""
    row = Study.objects.get(pk=study)
    content = row.snapshots.get(stamp=stamp).content
    return plates.draw(row, content, name, format, masked=masked, **dict(chosen))


urlpatterns = [
    path("desk/<slug:slug>/results/figures/<slug:name>.<slug:format>", figure, name="figure"),
    path("desk/<slug:slug>/report/", report, name="report"),
    path("desk/<slug:slug>/report.zip", report_latex, name="report_latex"),
]
