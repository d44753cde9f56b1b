"""The researchers' desk: make a study from a run, open and close it, watch it, take its answers home."""

from collections.abc import Callable, Iterator

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST

from annotations import Refusal, files
from study import (
    exports,
    publishing,
    readiness,
    reconciliation_views,
    results,
    sessions,
    stimuli,
    texts,
    views,
)
from study.models import Study, new_token
from summaries.models import Run

WORDS = ("consent", "instructions", "thanks", "question")
FROZEN = ("slug", *WORDS, "seed")


class StudyCreation(forms.ModelForm):
    """A new study: which run it shows, and the words around it."""

    run = forms.ModelChoiceField(
        Run.objects.filter(state=Run.State.FINISHED),
        help_text="All summaries of this run are copied into the study; later changes do not touch them.",
    )

    class Meta:
        model = Study
        fields = ("title", *FROZEN)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in ("consent", "instructions", "thanks"):
            self.fields[field].initial = getattr(texts.of("en"), field)

    def clean_run(self) -> Run:
        run = self.cleaned_data["run"]
        try:
            stimuli.check_run(run)
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return run


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
        return (
            super()
            .get_queryset(request)
            .annotate(
                people_started=Count("participants", filter=people),
                people_finished=Count(
                    "participants", filter=people & Q(participants__finished_at__isnull=False)
                ),
            )
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
        return super().get_form(request, obj, **(kwargs if obj else kwargs | {"form": StudyCreation}))

    def get_fieldsets(self, request: HttpRequest, obj: Study | None = None) -> list:
        first = ("title",) if obj else ("run", "title")
        return [
            (None, {"fields": first}),
            ("What participants read", {"fields": WORDS}),
            ("Link and order", {"fields": ("slug", "seed"), "classes": ("collapse",)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Study | None = None) -> tuple[str, ...]:
        return FROZEN if obj and obj.opened_at else ()

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
        count = obj.stimuli.count()
        self.message_user(
            request, f"The study shows {count} summaries. Preview it, then open it.", messages.SUCCESS
        )
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
        return {
            "study": study,
            "counts": results.counts(study),
            "results": results.per_stimulus(study),
            "link": request.build_absolute_uri(study.get_absolute_url()),
            "may_change": self.has_change_permission(request, study),
        }

    def get_urls(self) -> list:
        own = [
            path("<int:pk>/open/", self._acted(publishing.open_study), name="study_open"),
            path("<int:pk>/close/", self._acted(publishing.close_study), name="study_close"),
            path("<int:pk>/preview/", self._posted(self.preview), name="study_preview"),
            path("<int:pk>/answers.csv", self._seen(self.answers_csv), name="study_answers"),
            path("<int:pk>/summaries.csv", self._seen(self.summaries_csv), name="study_summaries"),
            path("<int:pk>/reconcile/", self._seen(reconciliation_views.page), name="study_reconcile"),
            path(
                "<int:pk>/picture/<int:stimulus>-<int:number>.png",
                self._seen(self.picture),
                name="study_picture",
            ),
        ]
        return own + super().get_urls()

    def preview(self, request: HttpRequest, study: Study) -> HttpResponse:
        """A fresh walk through the study as a participant; it counts nowhere."""
        return views.enter(study, sessions.start(study, new_token(), preview=True))

    def answers_csv(self, request: HttpRequest, study: Study) -> StreamingHttpResponse:
        return _csv(f"answers-{study.slug}.csv", exports.answer_lines(study))

    def summaries_csv(self, request: HttpRequest, study: Study) -> StreamingHttpResponse:
        return _csv(f"summaries-{study.slug}.csv", exports.summary_lines(study))

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

    def _posted(self, view: Callable) -> Callable:
        return require_POST(self._seen(view))

    def _acted(self, move: Callable[[Study], None]) -> Callable:
        """A button that moves the study to another state, for those who may change it."""

        def act(request: HttpRequest, study: Study) -> HttpResponse:
            if not self.has_change_permission(request, study):
                raise PermissionDenied
            try:
                move(study)
                self.log_change(request, study, f"state: {study.state}")
                self.message_user(request, f"The study is now {study.state}.", messages.SUCCESS)
                self._warn_of_leaks(request, study)
            except Refusal as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            return redirect(_desk(study))

        return self._posted(act)

    def _warn_of_leaks(self, request: HttpRequest, study: Study) -> None:
        if leaks := readiness.leaks(study):
            told = f"Participants can read the name of what they are shown: {', '.join(leaks)}."
            self.message_user(request, told, messages.WARNING)

    def _study(self, request: HttpRequest, pk: int) -> Study:
        study = self.get_queryset(request).filter(pk=pk).first()
        if study is None:
            raise Http404
        return study


def _desk(study: Study) -> str:
    return reverse("admin:study_study_change", args=[study.pk])


def _csv(name: str, lines: Iterator[str]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
