"""Networks at a glance, runs to start and steer, and the jobs that they are cut into."""

from collections.abc import Iterable

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html

from annotations.models import ImageSet
from summaries import gallery, progress, steering, words
from summaries.models import Job, Network, Run
from summaries.runs import PRESETS, Refusal, plan_run

MOST_CLASSES_LISTED = 40


@admin.register(Network)
class NetworkAdmin(admin.ModelAdmin):
    """Networks come in by command, with their weights; only the notes on them are edited here."""

    list_display = ["name", "architecture", "class_count", "input", "check_result_in_words", "created"]
    search_fields = ["name", "architecture"]
    fields = ["name", "architecture", "input", "class_count", "first_classes", "check_result_in_words"]
    fields += ["sha256", "created", "licence", "source"]

    def get_readonly_fields(self, request: HttpRequest, obj: Network | None = None) -> list[str]:
        return [field for field in self.fields if field not in ("licence", "source")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="classes")
    def class_count(self, network: Network) -> int:
        return len(network.classes)

    @admin.display(description="their names")
    def first_classes(self, network: Network) -> str:
        names = [each["name"] for each in network.classes[:MOST_CLASSES_LISTED]]
        more = len(network.classes) - len(names)
        return ", ".join(names) + (f" and {more} more" if more else "")

    @admin.display(description="input")
    def input(self, network: Network) -> str:
        return f"{network.input_size} × {network.input_size} px"

    @admin.display(description="check")
    def check_result_in_words(self, network: Network) -> str:
        found = network.check_result
        if not found.get("images"):
            return "not checked"
        right, speed = words.percent(found["top1"]), found["images_per_second"]
        return f"top-1 {right} on {found['images']} images, {speed:.0f} images per second"


class RunForm(forms.Form):
    """What a run needs to know; `plan` makes it or says in the form why not."""

    network = forms.ModelChoiceField(Network.objects.all())
    image_set = forms.ModelChoiceField(ImageSet.objects.all(), label="Image set")
    classes = forms.CharField(
        initial="all",
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}),
        help_text="Names, synsets or indices, with commas between them; or “all” that both know.",
    )
    preset = forms.ChoiceField(
        choices=[(name, name) for name in PRESETS],
        help_text="; ".join(f"{name}: {preset.told}" for name, preset in PRESETS.items()),
    )
    limit = forms.IntegerField(
        min_value=2, required=False, label="Images per class", help_text="At most; empty: all of them."
    )
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        initial=0,
        help_text="The same seed gives the same result.",
    )

    def plan(self, user) -> Run | None:
        given = dict(self.cleaned_data)
        classes = given.pop("classes").replace("\n", ",").split(",")
        try:
            return plan_run(
                given.pop("network"),
                given.pop("image_set"),
                "all" if [word.strip() for word in classes] == ["all"] else classes,
                created_by=user,
                **given,
            )
        except Refusal as refusal:
            self.add_error(None, str(refusal))
            return None


@admin.register(Run)
class RunAdmin(admin.ModelAdmin):
    list_display = ["__str__", "preset", "state_in_words", "summaries_found", "created", "in_gallery"]
    list_filter = ["state", "network", "image_set"]
    list_select_related = ["network", "image_set"]
    actions = ["go_on_with_runs", "cancel_runs"]
    fields = ["network", "image_set", "class_names", "preset", "seed", "limit", "state_in_words", "reason"]
    fields += ["engine_version", "created", "created_by", "finished"]
    readonly_fields = fields
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        return gallery.runs()

    def has_change_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        """Runs are frozen; changing one means to steer it, by the actions of the list."""
        return obj is None and super().has_change_permission(request)

    def get_deleted_objects(self, objs: Iterable[Run], request: HttpRequest) -> tuple:
        """All that a run found goes with it; listing thousands of rows helps nobody."""
        runs = [str(run) for run in objs]
        return runs, {"runs and all they found": len(runs)}, set(), []

    @admin.display(description="state")
    def state_in_words(self, run: Run) -> str:
        return progress.state_in_words(run, run.done_now, run.jobs_now)

    @admin.display(description="summaries")
    def summaries_found(self, run: Run) -> int:
        return run.summary_count

    @admin.display(description="gallery")
    def in_gallery(self, run: Run) -> str:
        return format_html('<a href="{}">Open run {}</a>', self.view_on_site(run), run.pk)

    @admin.display(description="classes")
    def class_names(self, run: Run) -> str:
        return ", ".join(run.classes.values_list("label__name", flat=True))

    def view_on_site(self, run: Run) -> str:
        return reverse("summaries:run", args=[run.pk])

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context=None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RunForm(request.POST or None, initial=request.GET.dict())
        if request.method == "POST" and form.is_valid() and (run := form.plan(request.user)):
            steering.start(run)
            self.log_addition(request, run, "planned")
            return redirect(self.view_on_site(run))
        context = self.admin_site.each_context(request) | {"title": "Start a run", "form": form}
        return render(request, "admin/summaries/run/start.html", context | {"opts": self.opts})

    @admin.action(description="Retry or resume the selected runs", permissions=["change"])
    def go_on_with_runs(self, request: HttpRequest, chosen: QuerySet[Run]) -> None:
        self._tell(
            request, sum(steering.go_on(run) for run in chosen), "taken up again", "failed or cancelled"
        )

    @admin.action(description="Cancel the selected runs", permissions=["change"])
    def cancel_runs(self, request: HttpRequest, chosen: QuerySet[Run]) -> None:
        self._tell(request, sum(steering.stop(run) for run in chosen), "cancelled", "running")

    def _tell(self, request: HttpRequest, count: int, done: str, needed: str) -> None:
        if count:
            self.message_user(request, f"{count} run{'s' if count > 1 else ''} {done}.", messages.SUCCESS)
        else:
            self.message_user(request, f"None of these runs is {needed}.", messages.WARNING)


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):
    """A record to look things up in; jobs are steered through their run."""

    list_display = ["__str__", "run", "state", "attempts", "reason", "worker", "took"]
    list_filter = ["state", "stage"]
    list_select_related = ["run__network", "run__image_set"]
    search_fields = ["reason", "worker", "=run__id"]
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    @admin.display(description="took")
    def took(self, job: Job) -> str:
        if not (job.started and job.finished):
            return "–"
        return words.duration((job.finished - job.started).total_seconds())
