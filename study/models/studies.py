"""Studies: their texts and design, the conditions and stimuli, and the versions that people took part in."""

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

from study.models.words import new_seed, new_slug

LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]


class Study(models.Model):
    """The design as it stands on the desk. What people take part in is a Version, frozen at publication."""

    class State(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open", "published"
        PAUSED = "paused"
        CLOSED = "closed"

    class Order(models.TextChoices):
        RANDOM = "random", "random, by the seed"
        LATIN = "latin", "Latin square"

    class Recruiter(models.TextChoices):
        PLAIN = "plain", "plain links"
        PROLIFIC = "prolific", "Prolific"
        CONNECT = "connect", "CloudResearch Connect"
        SONA = "sona", "SONA"

    title = models.CharField(max_length=200, help_text="For researchers only; participants never see it.")
    slug = models.SlugField(
        "link name",
        max_length=60,
        unique=True,
        default=new_slug,
        help_text="Part of the participants' link, so name neither class nor network in it.",
    )
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)

    language = models.CharField(max_length=10, choices=LANGUAGES, default="en")
    consent = models.TextField(
        "consent text",
        help_text="Say who is responsible, whom to ask, and which ethics board approved the study.",
    )
    least_age = models.PositiveSmallIntegerField("age asked for", default=18)
    questions = models.JSONField(
        default=list,
        blank=True,
        help_text="Optional questions before the instructions: "
        '[{"key": "sight", "text": "…", "choices": ["…"]}]; without choices a line to type in. '
        "Nobody has to answer.",
    )
    instructions = models.TextField()
    comprehension = models.JSONField(
        "comprehension check",
        default=list,
        blank=True,
        help_text='[{"text": "…", "choices": ["…", "…"], "right": 0}]; two attempts, then a kind way out.',
    )
    feedback_asked = models.BooleanField("ask for feedback at the end", default=True)
    thanks = models.TextField("closing words")
    question = models.CharField(
        max_length=200, blank=True, help_text="Asked on every page in place of the summaries' own question."
    )
    contact = models.CharField(
        max_length=200, blank=True, help_text="Whom to ask; stands at the foot of every page."
    )

    target = models.PositiveIntegerField(
        "answers per stimulus", default=20, validators=[MinValueValidator(1)]
    )
    per_participant = models.PositiveIntegerField(
        "stimuli per participant",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Empty: all of the participant's condition. Decoys, gold and repeats come on top.",
    )
    order = models.CharField(max_length=10, choices=Order, default=Order.RANDOM)
    seed = models.PositiveIntegerField(default=new_seed, help_text="Decides the order for each participant.")
    revisable = models.BooleanField(
        "answers may be changed", default=False, help_text="By going back; every revision is kept."
    )
    lease_minutes = models.PositiveIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 60)],
        help_text="After so long without a sign of life a place is given to somebody else. "
        "Who comes back may finish all the same.",
    )
    exclusion = models.JSONField(
        "exclusion rules",
        default=dict,
        blank=True,
        help_text="Declared before anybody answers: "
        '{"least_seconds": 1.0, "gold_missed": 2, "decoys_named": 3}.',
    )
    plan = models.TextField("analysis plan", blank=True)
    looks = models.JSONField(
        "looks at the estimate",
        default=dict,
        blank=True,
        help_text="Declared before anybody answers: at how many participants the estimate may be seen, the "
        "precision aimed at, and how the looks share the level. Empty: it may be seen at any time.",
    )
    coder = models.CharField(
        "names merged by",
        max_length=150,
        blank=True,
        help_text="User name of the coder whose decisions make the merged names. Empty: who decided first.",
    )
    blind_naming = models.BooleanField(
        "coders work blind",
        default=True,
        help_text="They see neither conditions nor networks while they merge names.",
    )

    recruiter = models.CharField(max_length=10, choices=Recruiter, default=Recruiter.PLAIN)
    return_address = models.URLField(
        blank=True, help_text="Where participants go at the end, if the recruiter has no address of its own."
    )
    webhook_secret = models.CharField(max_length=200, blank=True)
    withdraw_days = models.PositiveIntegerField(
        default=30, help_text="Days after the last page within which participants can withdraw."
    )
    retention_days = models.PositiveIntegerField(
        default=365, help_text="Days after which recruiters' identifiers and exact times are deleted."
    )

    created = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    researchers = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="+",
        help_text="Who may see this study beside whoever made it and administrators.",
    )
    opened_at = models.DateTimeField("first published", null=True, blank=True, editable=False)
    closed_at = models.DateTimeField("last closed", null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "studies"
        ordering = ["-created", "-id"]
        permissions = [("export_identifiable", "Can export columns that may tell who somebody is")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("study:start", args=[self.slug])


class Version(models.Model):
    """What was frozen: every text and number of the design and the list of stimuli, under one hash.

    A draft that somebody previews is frozen too, but has no number.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(null=True, blank=True)
    content = models.JSONField()
    """What `study.versions.content_of` tells: texts and numbers by Study's field names, the stimuli."""
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["study", "number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="one_version_per_number"),
            models.UniqueConstraint(fields=["study", "sha256"], name="one_version_per_content"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}" if self.number else "preview"

    def setting(self, name: str) -> Any:
        """A text or number of the design as it was frozen; the default where it did not exist yet."""
        return self.content.get(name, Study._meta.get_field(name).get_default())


class Condition(models.Model):
    """What one group of participants sees: one network's summaries, say, or the baseline's."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="conditions")
    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["study", "position"]
        constraints = [
            models.UniqueConstraint(fields=["study", "position"], name="one_condition_per_position"),
            models.UniqueConstraint(fields=["study", "name"], name="one_condition_per_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Stimulus(models.Model):
    """One exhibit, frozen: its pictures are copies without metadata, its key is kept as text."""

    class Kind(models.TextChoices):
        SUMMARY = "summary"
        DECOY = "decoy", "decoy (nothing in common)"
        GOLD = "gold", "gold (accepted names)"
        REPEAT = "repeat", "repeat (images in another order)"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="stimuli")
    condition = models.ForeignKey(
        Condition, null=True, blank=True, on_delete=models.PROTECT, related_name="stimuli"
    )
    """None: everybody sees it."""
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.SUMMARY)
    source = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="repeats"
    )
    """Of a repeat: what it repeats."""
    accepted = models.JSONField(default=list, blank=True)
    """Of gold: the names that are right."""
    position = models.PositiveIntegerField()
    exhibit = models.CharField(max_length=300)
    pictures = models.JSONField()
    """Keys of PNG files in the storage, in the order in which they are shown."""
    sizes = models.JSONField(default=list)
    """[width, height] of each picture in pixels."""
    question = models.CharField(max_length=200)
    alternative_text = models.CharField(max_length=300)
    title = models.CharField(max_length=300)
    """For researchers only, as is the group."""
    group = models.CharField(max_length=200)
    versions = models.ManyToManyField(Version, related_name="stimuli")
    removed_at = models.DateTimeField(null=True, blank=True)
    """Taken out of the design after publication: later versions do not show it, earlier ones still do."""
    stopped_at = models.DateTimeField(null=True, blank=True)
    """No further answers are collected, as the study declared beforehand."""
    stop_reason = models.CharField(max_length=300, blank=True)
    answers_saved = models.PositiveIntegerField(default=0)
    """How many answers short of the target it was stopped."""

    class Meta:
        verbose_name_plural = "stimuli"
        ordering = ["study", "position"]
        constraints = [
            models.UniqueConstraint(fields=["study", "exhibit"], name="one_stimulus_per_exhibit"),
            models.UniqueConstraint(fields=["study", "position"], name="one_stimulus_per_position"),
        ]

    def __str__(self) -> str:
        return self.title
