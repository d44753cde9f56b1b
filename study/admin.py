"""The researchers' desk: make a study from a run, open and close it, watch it, take its answers home."""

import tempfile
from collections.abc import Callable

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Count, ManyToManyField, Q, QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
)
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from annotations import Refusal, files
from study import (
    access,
    changes,
    desk,
    desk_forms,
    export_views,
    preregistration,
    publishing,
    reconciliation_views,
    sessions,
    views,
)
from study.looks import forms as looks_forms
from study.models import Outcome, Study, Version, new_token

FIELDSETS = [
    (None, {"fields": ["title"]}),
    ("What participants read", {"fields": ["consent", "contact", "instructions", "question", "thanks"]}),
    ("Before and after the pages", {"fields": ["least_age", "questions", "comprehension", "feedback_asked"]}),
    ("Who sees how much", {"fields": ["target", "per_participant", "order", "revisable", "lease_minutes"]}),
    (
        "Whose answers are left out, by rules declared before",
        {"fields": [*desk_forms.RULES], "description": "Empty: no such rule."},
    ),
    ("What is planned with the answers", {"fields": ["plan"]}),
    (
        "When the estimate may be seen while answers come, and when a summary has enough",
        {"fields": [*looks_forms.FIELDS], "description": "Declared before anybody takes part."},
    ),
    ("Whose decisions on names count", {"fields": ["coder", "blind_naming"]}),
    (
        "The way here and back",
        {"fields": ["recruiter", "return_address", "webhook_secret", "withdraw_days", "retention_days"]},
    ),
    ("Link, language and seed", {"fields": ["slug", "language", "seed"]}),
    ("Who works on it", {"fields": ["researchers"]}),
]


@admin.register(Study)
class StudyAdmin(admin.ModelAdmin):
    list_display = ("title", "state", "started", "finished", "created")
    list_filter = ("state",)
    search_fields = ("title", "slug")
    actions = None
    view_on_site = False
    change_form_template = "study/desk.html"
    add_form_template = "admin/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        people = Q(participants__preview=False)
        return access.open_to(request.user, super().get_queryset(request)).annotate(
            people_started=Count("participants", filter=people),
            people_finished=Count("participants", filter=people & Q(participants__outcome=Outcome.COMPLETED)),
        )

    @admin.display(ordering="people_started")
    def started(self, study: Study) -> int:
        return study.people_started

    @admin.display(ordering="people_finished")
    def finished(self, study: Study) -> int:
        return study.people_finished

    def get_form(
        self, request: HttpRequest, obj: Study | None = None, **kwargs: object
    ) -> type[forms.ModelForm]:
        form = desk_forms.StudyDesign if obj else desk_forms.StudyCreation
        return super().get_form(request, obj, **kwargs | {"form": form})

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **kwargs: object):
        """Only staff can come to the desk at all."""
        staff = get_user_model().objects.filter(is_staff=True).order_by("username")
        return super().formfield_for_manytomany(db_field, request, queryset=staff, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Study | None = None) -> list:
        return FIELDSETS if obj else [(None, {"fields": ["run", "title", "language"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Study | None = None) -> tuple[str, ...]:
        return ("slug",) if obj and obj.opened_at else ()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict | None = None,
    ) -> HttpResponseBase:
        """Making a study copies pictures for a while: no transaction holds up participants meanwhile."""
        view = super().changeform_view if object_id else self._changeform_view
        return view(request, object_id, form_url, extra_context)

    def add_view(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return super().add_view(request, *args, **kwargs)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect("admin:study_study_add")

    def save_model(self, request: HttpRequest, obj: Study, form: forms.ModelForm, change: bool) -> None:
        if change:
            obj.save()
        else:
            obj.created_by = request.user
            publishing.begin(obj, form.cleaned_data["run"])

    def response_add(
        self, request: HttpRequest, obj: Study, post_url_continue: str | None = None
    ) -> HttpResponse:
        told = f"The study shows {obj.stimuli.count()} summaries. Design it, preview it, then publish it."
        self.message_user(request, told, messages.SUCCESS)
        return redirect(_desk(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not publishing.has_answers(obj))

    def get_deleted_objects(self, objs: list[Study], request: HttpRequest) -> tuple:
        """Stimuli and previews go with their study, so nothing protects it here; answers do, above."""
        counts = {"stimuli and previews of": len(objs)}
        return [str(study) for study in objs], counts, set(), []

    def delete_model(self, request: HttpRequest, obj: Study) -> None:
        publishing.delete_study(obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        study = self.get_object(request, object_id)
        context = self.desk(request, study) if study else {}
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def desk(self, request: HttpRequest, study: Study) -> dict:
        return desk.context(study) | {
            "link": request.build_absolute_uri(study.get_absolute_url()),
            "may_change": self.has_change_permission(request, study),
            "undone": request.session.get(_change_of(study)),
        }

    def get_urls(self) -> list:
        acts = [path(f"<int:pk>/{name}/", self._pressed(name), name=f"study_{name}") for name in desk.ACTS]
        own = [
            path("<int:pk>/undo/", self._changed(self.undo), name="study_undo"),
            path("<int:pk>/preview/", self._posted(self.preview), name="study_preview"),
            path("<int:pk>/answers.csv", self._read(self.answers_csv), name="study_answers"),
            path("<int:pk>/summaries.csv", self._read(self.summaries_csv), name="study_summaries"),
            path("<int:pk>/reconcile/", self._seen(reconciliation_views.page), name="study_reconcile"),
            path("<int:pk>/v<int:number>.zip", self._read(self.bundle), name="study_bundle"),
            path("<int:pk>/v<int:number>.sha256", self._read(self.bundle_hash), name="study_bundle_hash"),
            path(
                "<int:pk>/picture/<int:stimulus>-<int:number>.png",
                self._read(self.picture),
                name="study_picture",
            ),
        ]
        return acts + own + super().get_urls()

    def preview(self, request: HttpRequest, study: Study) -> HttpResponse:
        """A fresh walk through the study as a participant, in one condition; it counts nowhere."""
        try:
            condition = desk_forms.PreviewForm(request.POST, study=study).checked()["condition"]
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(_desk(study))
        walk = sessions.start(study, new_token(), preview=True, condition=condition)
        return views.enter(study, walk)

    def undo(self, request: HttpRequest, study: Study) -> str:
        change = request.session.pop(_change_of(study), None)
        if change is None:
            raise Refusal("There is nothing to undo.")
        changes.take_back(study, change)
        return f"Undone: {change['told']}"

    def bundle(self, request: HttpRequest, study: Study, number: int) -> HttpResponseBase:
        version = _version(study, number)
        out = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
        try:
            preregistration.write_zip(version, out)
        except Refusal as refusal:
            out.close()
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(_desk(study))
        return FileResponse(out, as_attachment=True, filename=preregistration.name_of(version))

    def bundle_hash(self, request: HttpRequest, study: Study, number: int) -> HttpResponse:
        """As `sha256sum` writes it, to check the zip file by."""
        version = _version(study, number)
        with tempfile.TemporaryFile() as out:
            try:
                digest = preregistration.write_zip(version, out)
            except Refusal as refusal:
                return HttpResponse(str(refusal), content_type="text/plain; charset=utf-8", status=409)
        told = f"{digest}  {preregistration.name_of(version)}\n"
        return HttpResponse(told, content_type="text/plain; charset=utf-8")

    def answers_csv(self, request: HttpRequest, study: Study) -> HttpResponseBase:
        return export_views.plain(request, study, "answers")

    def summaries_csv(self, request: HttpRequest, study: Study) -> HttpResponseBase:
        return export_views.plain(request, study, "summaries")

    def picture(self, request: HttpRequest, study: Study, stimulus: int, number: int) -> HttpResponse:
        pictures = study.stimuli.filter(pk=stimulus).values_list("pictures", flat=True).first() or []
        if number >= len(pictures):
            raise Http404
        return HttpResponse(files.get(pictures[number]), content_type="image/png")

    def _seen(self, view: Callable) -> Callable:
        """A page of one study, for those who may look at it."""

        def guarded(request: HttpRequest, pk: int, **address: int) -> HttpResponseBase:
            study = self._study(request, pk)
            if not self.has_view_permission(request, study):
                raise PermissionDenied
            return view(request, study, **address)

        return self.admin_site.admin_view(cache_control(private=True, max_age=0)(guarded))

    def _read(self, view: Callable) -> Callable:
        return require_safe(self._seen(view))

    def _posted(self, view: Callable) -> Callable:
        return require_POST(self._seen(view))

    def _pressed(self, name: str) -> Callable:
        """A button of the desk; the last change of what the study shows is kept, so that it can be undone."""

        def press(request: HttpRequest, study: Study) -> str:
            told, change = desk.press(name, study, request.POST, request.user)
            if change:
                request.session[_change_of(study)] = change | {"told": told}
            return told

        return self._changed(press)

    def _changed(self, act: Callable[[HttpRequest, Study], str]) -> Callable:
        """Does it for those who may change the study, and tells on the desk what came of it."""

        def changed(request: HttpRequest, study: Study) -> HttpResponse:
            if not self.has_change_permission(request, study):
                raise PermissionDenied
            try:
                told = act(request, study)
                self.log_change(request, study, told)
                self.message_user(request, told, messages.SUCCESS)
            except Refusal as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            return redirect(_desk(study))

        return self._posted(changed)

    def _study(self, request: HttpRequest, pk: int) -> Study:
        study = self.get_queryset(request).filter(pk=pk).first()
        if study is None:
            raise Http404
        return study


def _desk(study: Study) -> str:
    return reverse("admin:study_study_change", args=[study.pk])


def _change_of(study: Study) -> str:
    """Under which the researcher's session keeps the last change."""
    return f"study {study.pk} changed"


def _version(study: Study, number: int) -> Version:
    return get_object_or_404(study.versions.select_related("study"), number=number)
