"""The page on which a study's data are chosen and taken away."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods

from annotations import Refusal
from study import exports, looks
from study.access import may_look
from study.exports.flavours import ANALYSIS, SEMICOLON, SPREADSHEET
from study.models import Study

SHOWN, WIDE = 5, 40
"""Rows and columns of the excerpt."""
FLAVOURS = [(each.name, each.words) for each in (ANALYSIS, SPREADSHEET, SEMICOLON)]
PEOPLE = [("all", "everybody; two columns say who is excluded"), ("main", "without the excluded")]
REASON = "Estimates are hidden now, and answers tell them. Say why you take them: it stands in the report."


class WholeForm(forms.Form):
    """All tables as one zip."""

    flavour = forms.ChoiceField(label="How it is written", choices=FLAVOURS, widget=forms.RadioSelect)
    people = forms.ChoiceField(label="Whose rows", choices=PEOPLE, widget=forms.RadioSelect)
    identifiable = forms.BooleanField(
        label="also columns that may tell who somebody is, and exact times", required=False
    )
    psych_ds = forms.BooleanField(
        label="laid out as a Psych-DS dataset (written for analysis)", required=False
    )
    reason = forms.CharField(max_length=300, required=False, error_messages={"required": REASON})

    def __init__(self, *args: Any, study: Study, user: Any, reveals: bool = True, **kwargs: Any):
        super().__init__(*args, label_suffix="", **kwargs)
        self.study = study
        self.may_identify = user.has_perm("study.export_identifiable")
        state = looks.state(study)
        self.masked = reveals and state.masked
        self.fields["reason"].required = self.masked and not state.due
        if not self.may_identify:
            del self.fields["identifiable"]

    def clean(self) -> dict[str, Any]:
        told = super().clean()
        if told.get("psych_ds") and told.get("flavour") not in (None, ANALYSIS.name):
            self.add_error("flavour", "A Psych-DS dataset is exact to the byte: choose “for analysis”.")
        return told

    @property
    def choice(self) -> exports.Choice:
        told = self.cleaned_data
        flavour, without = exports.FLAVOURS[told["flavour"]], told["people"] == "main"
        return exports.Choice(self.study, flavour, without, told.get("identifiable", False))

    def ways(self) -> list[tuple[forms.BoundField, list[tuple[str, str]]]]:
        return [(self["flavour"], FLAVOURS), (self["people"], PEOPLE)]


class TableForm(WholeForm):
    """One table, column by column."""

    table = forms.ChoiceField(choices=[(name, name) for name in exports.TABLES], widget=forms.HiddenInput)
    columns = forms.MultipleChoiceField(
        error_messages={
            "required": "Choose at least one column.",
            "invalid_choice": "“%(value)s” is not one of the columns that you may take.",
        }
    )

    def __init__(self, *args: Any, table: exports.Table, study: Study, **kwargs: Any):
        super().__init__(*args, study=study, reveals=table.reveals, **kwargs)
        for name in ("identifiable", "psych_ds"):
            self.fields.pop(name, None)
        self.table, self.known = table, _choices(table.columns(study), self.may_identify)
        self.fields["columns"].choices = [(column.choice, column.choice) for column in self.known]

    @property
    def choice(self) -> exports.Choice:
        told = self.cleaned_data
        picked = {self.table.name: frozenset(told["columns"])}
        flavour, without = exports.FLAVOURS[told["flavour"]], told["people"] == "main"
        return exports.Choice(self.study, flavour, without, picked=picked)

    def boxes(self) -> list[tuple[exports.Column, bool]]:
        chosen = self["columns"].value() or []
        return [(column, column.choice in chosen) for column in self.known]


@require_http_methods(["GET", "HEAD", "POST"])
@may_look
def export(request: HttpRequest, study: Study) -> HttpResponseBase:
    """What there is, with the first rows; what was chosen comes as a stream."""
    table = exports.TABLES.get(request.POST.get("table") or request.GET.get("table") or "answers")
    table = table or exports.TABLES["answers"]
    try:
        return _act(request, study, table, request.POST.get("act"))
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return _page(request, study, table)


def _act(request: HttpRequest, study: Study, table: exports.Table, act: str | None) -> HttpResponseBase:
    if act == "zip":
        whole = WholeForm(request.POST, study=study, user=request.user)
        return _zip(request, whole) if whole.is_valid() else _page(request, study, table, whole=whole)
    if act is None:
        return _page(request, study, table)
    form = TableForm(request.POST, table=table, study=study, user=request.user)
    if act == "show":
        form.fields["reason"].required = False
    if not form.is_valid() or act == "show":
        return _page(request, study, table, form=form)
    return _table(request, form)


def plain(request: HttpRequest, study: Study, name: str) -> HttpResponseBase:
    """A table under its long-standing address, as it always was. Where answers would tell an estimate that is
    hidden, the page asks for a reason first."""
    choice, table = exports.Choice(study), exports.TABLES[name]
    if table.reveals and choice.masked:
        messages.info(request, REASON)
        return redirect(f"{reverse('study:export', args=[study.slug])}?table={name}")
    columns = table.chosen(choice)
    _log(request, choice, {table.file: columns})
    return _download(f"{name}-{study.slug}.csv", exports.lines(choice, name))


def _table(request: HttpRequest, form: TableForm) -> HttpResponseBase:
    choice, table = form.choice, form.table
    columns = table.chosen(choice)
    _note(request, form, table.file)
    _log(request, choice, {table.file: columns})
    name = exports.name_of(f"{table.name}-{form.study.slug}", columns)
    return _download(name, exports.lines(choice, table.name))


def _zip(request: HttpRequest, form: WholeForm) -> HttpResponseBase:
    choice = form.choice
    tables = {table.file: table.chosen(choice) for table in exports.TABLES.values()}
    _note(request, form, "all tables")
    _log(request, choice, tables)
    every = [column for columns in tables.values() for column in columns]
    name = exports.name_of(form.study.slug, every, ".zip")
    stream = exports.stream(choice, as_psychds=form.cleaned_data["psych_ds"])
    return _download(name, stream, "application/zip")


def _download(name: str, pieces: Any, kind: str = "text/csv; charset=utf-8") -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _note(request: HttpRequest, form: WholeForm, what: str) -> None:
    """Who takes answers home while estimates are hidden has looked."""
    if form.masked:
        looks.note_export(form.study, request.user.get_username(), what, form.cleaned_data["reason"])


def _log(request: HttpRequest, choice: exports.Choice, tables: dict[str, tuple[exports.Column, ...]]) -> None:
    """Who took what, on the study's history page."""
    named = {file: dict.fromkeys(column.choice for column in columns) for file, columns in tables.items()}
    told = "; ".join(f"{file}: {', '.join(names)}" for file, names in named.items())
    whose = "without the excluded" if choice.without_excluded else "everybody"
    words = f"Exported ({choice.flavour.name}, {whose}). {told}"
    LogEntry.objects.log_actions(request.user.pk, [choice.study], CHANGE, words, single_object=True)


def _page(
    request: HttpRequest,
    study: Study,
    table: exports.Table,
    *,
    form: TableForm | None = None,
    whole: WholeForm | None = None,
) -> HttpResponse:
    wrong = [each for each in (form, whole) if each is not None and not each.is_valid()]
    form = form or TableForm(table=table, study=study, user=request.user, initial=_defaults(study, table))
    whole = whole or WholeForm(study=study, user=request.user, initial=_defaults(study, table))
    choice = form.choice if form.is_bound and form.is_valid() else _default(study)
    context = {
        "study": study,
        "table": table,
        "tables": [(each, each.count(choice)) for each in exports.TABLES.values()],
        "form": form,
        "whole": whole,
        "masked": exports.Choice(study).masked,
        "columns": [column.id for column in table.chosen(choice)][:WIDE],
        "more": max(len(table.chosen(choice)) - WIDE, 0),
        "rows": [row[:WIDE] for row in _excerpt(choice, table, form)],
        "count": table.count(choice),
    }
    return render(request, "study/export.html", context, status=422 if wrong else 200)


def _excerpt(choice: exports.Choice, table: exports.Table, form: TableForm) -> list[list[object]]:
    """Nothing that tells an estimate while it is hidden."""
    return [] if form.masked else exports.excerpt(choice, table.name, SHOWN)


def _default(study: Study) -> exports.Choice:
    return exports.Choice(study, ANALYSIS)


def _defaults(study: Study, table: exports.Table) -> dict[str, Any]:
    columns = [column.choice for column in table.chosen(_default(study))]
    return {"flavour": ANALYSIS.name, "people": "all", "table": table.name, "columns": columns}


def _choices(columns: tuple[exports.Column, ...], may_identify: bool) -> list[exports.Column]:
    """One of each family, and none that the user may not take."""
    first = {column.choice: column for column in reversed(columns) if may_identify or not column.identifiable}
    return [first[name] for name in dict.fromkeys(column.choice for column in columns) if name in first]


urlpatterns = [path("desk/<slug:slug>/export/", export, name="export")]
