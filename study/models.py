"""Studies, what they show, who takes part, and what they answered."""

import secrets
import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from study import agreement

UNAMBIGUOUS = "23456789abcdefghjkmnpqrstuvwxyz"


def random_word(length: int) -> str:
    """Letters and digits that nobody confuses when reading them aloud."""
    return "".join(secrets.choice(UNAMBIGUOUS) for _ in range(length))


def new_slug() -> str:
    return random_word(10)


def new_seed() -> int:
    return secrets.randbelow(2**31)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def new_code() -> str:
    return random_word(17)


def _both_or_neither(time: str, text: str) -> Q:
    return Q(**{f"{time}__isnull": True, text: ""}) | (Q(**{f"{time}__isnull": False}) & ~Q(**{text: ""}))


class Study(models.Model):
    """Stimuli, and the words around them. All but the state is frozen once the study has been opened."""

    class State(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open"
        CLOSED = "closed"

    title = models.CharField(max_length=200, help_text="For researchers only; participants never see it.")
    slug = models.SlugField(
        "link name",
        max_length=60,
        unique=True,
        default=new_slug,
        help_text="Part of the participants' link, so name neither class nor network in it.",
    )
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    consent = models.TextField(
        "consent text",
        help_text="Say who is responsible, whom to ask, and which ethics board approved the study.",
    )
    instructions = models.TextField()
    thanks = models.TextField("closing words")
    question = models.CharField(
        max_length=200, blank=True, help_text="Asked on every page in place of the summaries' own question."
    )
    seed = models.PositiveIntegerField(default=new_seed, help_text="Decides the order for each participant.")
    created = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    opened_at = models.DateTimeField("first opened", null=True, blank=True, editable=False)
    closed_at = models.DateTimeField("last closed", null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "studies"
        ordering = ["-created", "-id"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("study:start", args=[self.slug])


class Stimulus(models.Model):
    """One exhibit, frozen: its pictures are copies without metadata, its key is kept as text."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="stimuli")
    position = models.PositiveIntegerField()
    exhibit = models.CharField(max_length=300)
    pictures = models.JSONField()
    """Keys of PNG files in the storage, in the order in which they are shown."""
    question = models.CharField(max_length=200)
    alternative_text = models.CharField(max_length=300)
    title = models.CharField(max_length=300)
    """For researchers only, as is the group."""
    group = models.CharField(max_length=200)

    class Meta:
        verbose_name_plural = "stimuli"
        ordering = ["study", "position"]
        constraints = [
            models.UniqueConstraint(fields=["study", "exhibit"], name="one_stimulus_per_exhibit"),
            models.UniqueConstraint(fields=["study", "position"], name="one_stimulus_per_position"),
        ]

    def __str__(self) -> str:
        return self.title


class Participant(models.Model):
    """A person under a pseudonym. No address, no device, no name is kept."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="participants")
    token = models.CharField(max_length=64, unique=True, default=new_token)
    """Known to the participant's browser alone; whoever holds it is the participant."""
    code = models.CharField(max_length=32, unique=True, default=new_code)
    """The pseudonym in exports; says nothing about the token."""
    number = models.PositiveIntegerField()
    """Order of arrival, from 1; previews are numbered apart."""
    preview = models.BooleanField(default=False)
    started_at = models.DateTimeField(auto_now_add=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    consent_sha256 = models.CharField(max_length=64, blank=True)
    instructed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    completion_code = models.CharField(max_length=32, blank=True)

    class Meta:
        ordering = ["study", "number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "preview", "number"], name="one_participant_per_number"),
            models.CheckConstraint(
                condition=_both_or_neither("consented_at", "consent_sha256"), name="consent_names_its_text"
            ),
            models.CheckConstraint(
                condition=_both_or_neither("finished_at", "completion_code"),
                name="completion_code_at_the_end",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Trial(models.Model):
    """One stimulus at its place in one participant's order."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="trials")
    stimulus = models.ForeignKey(Stimulus, on_delete=models.PROTECT, related_name="trials")
    position = models.PositiveIntegerField()
    key = models.UUIDField(unique=True, default=uuid.uuid4)
    """Stands in the participant's addresses; says nothing."""

    class Meta:
        ordering = ["participant", "position"]
        constraints = [
            models.UniqueConstraint(fields=["participant", "stimulus"], name="one_trial_per_stimulus"),
            models.UniqueConstraint(fields=["participant", "position"], name="one_trial_per_position"),
        ]

    def __str__(self) -> str:
        return str(self.key)


class Answer(models.Model):
    """What was answered, exactly as typed. Rows are added, never changed."""

    class Kind(models.TextChoices):
        NAME = agreement.NAME
        NOTHING_IN_COMMON = agreement.NOTHING_IN_COMMON
        CANNOT_TELL = agreement.CANNOT_TELL

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="answers")
    kind = models.CharField(max_length=20, choices=Kind)
    words = models.CharField(max_length=100, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    """On the page, by the browser's clock; none where scripts are off."""
    shown_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    software_version = models.CharField(max_length=20)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["trial"], name="one_answer_per_trial"),
            models.CheckConstraint(
                condition=Q(kind=agreement.NAME) & ~Q(words="") | ~Q(kind=agreement.NAME) & Q(words=""),
                name="words_exactly_where_a_name_is_given",
            ),
            models.CheckConstraint(
                condition=Q(seconds__isnull=True) | Q(seconds__gte=0), name="time_runs_forward"
            ),
        ]

    def __str__(self) -> str:
        return self.words or self.kind
