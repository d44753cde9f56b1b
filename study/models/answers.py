"""Trials, minted by the server, and the answers to them."""

import uuid

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from study import agreement
from study.models.people import Participant
from study.models.studies import Stimulus


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


class AnswerQuerySet(QuerySet):
    def current(self) -> "AnswerQuerySet":
        """The last revision of each trial's answer."""
        # The first comparison is with a constant, which a database sees through at once.
        revised = self.model.objects.filter(revision__gt=1)
        later = revised.filter(trial=OuterRef("trial"), revision__gt=OuterRef("revision"))
        return self.filter(~Exists(later))


class Answer(models.Model):
    """What was answered, exactly as typed. Rows are added, never changed."""

    class Kind(models.TextChoices):
        NAME = agreement.NAME
        NOTHING_IN_COMMON = agreement.NOTHING_IN_COMMON
        CANNOT_TELL = agreement.CANNOT_TELL
        SKIPPED = agreement.SKIPPED

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="answers")
    revision = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=20, choices=Kind)
    words = models.CharField(max_length=100, blank=True)
    body_sha256 = models.CharField(max_length=64, blank=True)
    """Of kind and words: the same answer sent again is known by it."""
    surplus = models.BooleanField(default=False)
    """Came after the lease had run out and others had filled the stimulus: paid, and beyond the target."""
    seconds = models.FloatField(null=True, blank=True)
    """On the page, by the browser's clock; none where scripts are off."""
    shown_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    """By the browser's clock; none where scripts are off."""
    received_at = models.DateTimeField(auto_now_add=True)
    evidence = models.JSONField(default=dict, blank=True)
    """focus_losses, away_seconds, pastes, offline: recorded, never judged by."""
    software_version = models.CharField(max_length=20)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["trial", "revision"], name="one_answer_per_revision"),
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
