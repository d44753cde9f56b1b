"""A run of a method over a network and an image set, and the jobs that it is cut into."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from annotations.models import ClassLabel, Image, ImageSet
from summaries.models.networks import Network


class Run(models.Model):
    class Method(models.TextChoices):
        VISUAL = "visual", "visual summaries"
        TAGS = "tags", "automatic tags"
        DISSECTION = "dissection", "network dissection"

    class Recipe(models.TextChoices):
        BOXES = "boxes", "boxes, as published"
        PARTS = "parts", "parts"
        TAGS = "tags", "tags of summaries"
        UNITS = "units", "units of layers"

    class State(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"
        CANCELLED = "cancelled"

    method = models.CharField(max_length=20, choices=Method, default=Method.VISUAL)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="runs")
    image_set = models.ForeignKey(ImageSet, on_delete=models.PROTECT, related_name="runs")
    of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="tag_runs",
        help_text="of a run that tags: whose summaries",
    )
    preset = models.CharField(max_length=20)
    recipe = models.CharField(
        max_length=20, choices=Recipe, default=Recipe.BOXES, help_text="which stages, as the preset says"
    )
    parameters = models.JSONField(help_text="every option of every stage, as the preset gave it")
    seed = models.PositiveIntegerField(default=0)
    limit = models.PositiveIntegerField(null=True, blank=True, help_text="images per class")
    engine_version = models.CharField(max_length=20)
    libraries = models.JSONField(default=dict)
    state = models.CharField(max_length=20, choices=State, default=State.RUNNING)
    stage = models.CharField(max_length=20, blank=True, help_text="empty until the first jobs are planned")
    reason = models.TextField(blank=True, help_text="why it failed, in words")
    queued = models.BooleanField(
        default=True, help_text="handed to the workers; else one process does the jobs"
    )
    created = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.network} on {self.image_set}"

    @property
    def seconds(self) -> float:
        return ((self.finished or timezone.now()) - self.created).total_seconds()


class RunClass(models.Model):
    """One class of a run: what the image set calls it and which output of the network it is."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="classes")
    label = models.ForeignKey(ClassLabel, on_delete=models.PROTECT, related_name="+")
    index = models.PositiveIntegerField()
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["run", "position"]
        verbose_name_plural = "run classes"
        constraints = [models.UniqueConstraint(fields=["run", "label"], name="one_class_per_run")]

    def __str__(self) -> str:
        return self.label.name


class RunImage(models.Model):
    """One image that a run was given; either evidence came of it or a reason why not."""

    run_class = models.ForeignKey(RunClass, on_delete=models.CASCADE, related_name="images")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    file = models.CharField(max_length=1000, help_text="path in the image set when the run was made")
    position = models.PositiveIntegerField()
    skipped = models.TextField(blank=True, help_text="why no evidence came of it")

    class Meta:
        ordering = ["run_class", "position"]
        constraints = [models.UniqueConstraint(fields=["run_class", "image"], name="one_place_per_run_class")]

    def __str__(self) -> str:
        return self.file


class Job(models.Model):
    """A piece of one stage. A worker owns it while its lease lasts; `summaries.jobs` holds the rules."""

    class State(models.TextChoices):
        WAITING = "waiting"
        CLAIMED = "claimed"
        DONE = "done"
        FAILED = "failed"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="jobs")
    stage = models.CharField(max_length=20)
    key = models.CharField(max_length=100, help_text="which piece of the stage")
    queue = models.CharField(max_length=10)
    payload = models.JSONField(default=dict, help_text="ids of the rows that it works on")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    worker = models.CharField(max_length=100, blank=True)
    lease = models.DateTimeField(null=True, blank=True, help_text="safe from other workers until then")
    attempts = models.PositiveSmallIntegerField(default=0)
    reason = models.TextField(blank=True)
    sent = models.DateTimeField(null=True, blank=True, help_text="when a message last went out")
    sends = models.PositiveSmallIntegerField(default=0)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "stage", "key"], name="one_job_per_piece")]
        indexes = [models.Index(fields=["state", "lease"], name="jobs_to_reap")]

    def __str__(self) -> str:
        return f"{self.stage} {self.key}"
