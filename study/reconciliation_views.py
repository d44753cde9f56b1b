"""The researchers' page of one study on which its people and the recruiter's meet, and its codes."""

from collections.abc import Mapping
from dataclasses import astuple
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from annotations import Refusal
from study import reconciliation, recruitment, settlement, submissions
from study.models import Outcome, Study
from study.submissions import Line

SALT = "study.reconciliation"
CARRIED_SECONDS = 24 * 60 * 60


class CodesForm(forms.Form):
    """One code for each outcome, as it is registered with the recruiter."""

    def __init__(self, data: Mapping | None, *, study: Study):
        super().__init__(data)
        given = dict(study.codes.values_list("outcome", "code"))
        for outcome in Outcome:
            self.fields[outcome.value] = forms.CharField(
                label=outcome.label.capitalize(),
                max_length=32,
                initial=given.get(outcome.value, ""),
            )


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, study: Study) -> HttpResponseBase:
    """Shows what the recruiter has told so far; by POST takes a file, codes, or the release of a place.

    What a file says is not stored: the page carries it, signed, from one button to the next.
    """
    if not _may(request, study):
        raise PermissionDenied
    do = request.POST.get("do", "")
    try:
        if do in SETTINGS:
            messages.success(request, SETTINGS[do](request, study))
            return redirect("admin:study_reconcile", study.pk)
        lines = _uploaded(request, study) if do == "upload" else _carried(request, study)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:study_reconcile", study.pk)
    if "release" in request.POST:
        messages.info(request, _release(study, _rows(study, lines), request.POST["release"]))
    if do == "csv":
        return _download(study, _rows(study, lines))
    return _show(request, study, lines, needed_only=do == "needed")


def _may(request: HttpRequest, study: Study) -> bool:
    """The page names people as their recruiter does: seeing the study is not enough."""
    desk = admin.site.get_model_admin(Study)
    return desk.has_change_permission(request, study) and request.user.has_perm("study.view_recruit")


def _uploaded(request: HttpRequest, study: Study) -> list[Line]:
    file = request.FILES.get("file")
    if not file:
        raise Refusal("Choose the recruiter's file first.")
    if file.size > submissions.LARGEST_FILE:
        raise Refusal(submissions.TOO_LARGE)
    lines = submissions.read(file.read())
    reconciliation.store(study, lines)
    return lines


def _carry(study: Study, lines: list[Line]) -> str:
    return signing.dumps([study.pk, [astuple(line) for line in lines]], salt=SALT, compress=True)


def _carried(request: HttpRequest, study: Study) -> list[Line] | None:
    """What was uploaded before; None where nothing was."""
    if not request.POST.get("lines"):
        return None
    try:
        pk, lines = signing.loads(request.POST["lines"], salt=SALT, max_age=CARRIED_SECONDS)
    except signing.BadSignature as error:
        raise Refusal("This page is too old; upload the file once more.") from error
    if pk != study.pk:
        raise Refusal("This file was uploaded for another study.")
    return [Line(*line) for line in lines]


def _register_codes(request: HttpRequest, study: Study) -> str:
    form = CodesForm(request.POST, study=study)
    if not form.is_valid():
        raise Refusal("Each outcome needs a code of 1 to 32 characters.")
    recruitment.register_codes(study, form.cleaned_data)
    return "The codes are kept. Who was given another code before keeps that one."


def _make_codes(request: HttpRequest, study: Study) -> str:
    recruitment.code_for(study, Outcome.COMPLETED)
    return "The codes are made. Register each of them with the recruiter."


def _sign_label(request: HttpRequest, study: Study) -> str:
    label = request.POST.get("label", "").strip()
    if not label:
        raise Refusal("A label needs at least one letter.")
    query = urlencode({"label": label, "signature": recruitment.sign_label(study, label)})
    return f"Link with this label: {_link(request, study)}?{query}"


SETTINGS = {"codes": _register_codes, "make": _make_codes, "label": _sign_label}
"""What changes the study's way of recruiting, by the button's name."""


def _release(study: Study, rows: list[reconciliation.Row], pseudonym: str) -> str:
    """Only of somebody whom the recruiter has let go; pressed twice it does nothing more."""
    due = {row.pseudonym: row.status for row in rows if row.action == settlement.RELEASE}
    person = study.participants.filter(code=pseudonym).first() if pseudonym in due else None
    if person and recruitment.release(person, due[pseudonym]):
        return f"The place of {person.code} is free; the answers stay."
    return "That place was free already."


def _rows(study: Study, lines: list[Line] | None) -> list[reconciliation.Row]:
    if lines is None:
        return reconciliation.rows(study, reconciliation.told(study), whole=False)
    return reconciliation.rows(study, lines)


def _show(
    request: HttpRequest, study: Study, lines: list[Line] | None, *, needed_only: bool
) -> TemplateResponse:
    rows = _rows(study, lines)
    context = admin.site.each_context(request) | {
        "title": "Recruitment",
        "study": study,
        "opts": Study._meta,
        "link": _link(request, study) + recruitment.PLACEHOLDERS.get(study.recruiter, ""),
        "hook": request.build_absolute_uri(reverse("study:prolific_hook", args=[study.slug])),
        "codes": CodesForm(None, study=study),
        "coded": study.codes.exists(),
        "carried": _carry(study, lines) if lines else "",
        "rows": [row for row in rows if row.needed or not needed_only],
        "needed_only": needed_only,
        "needed": sum(row.needed for row in rows),
        "all": len(rows),
        "counts": reconciliation.counts(rows),
        "matrix": reconciliation.matrix(rows),
        "nameless": reconciliation.nameless(study),
        "RELEASE": settlement.RELEASE,
    }
    return TemplateResponse(request, "study/reconcile.html", context)


def _download(study: Study, rows: list[reconciliation.Row]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(reconciliation.csv_lines(rows), content_type="text/csv; charset=utf-8")
    name = f"reconciliation-{study.slug}-identifiable.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _link(request: HttpRequest, study: Study) -> str:
    return request.build_absolute_uri(study.get_absolute_url())
