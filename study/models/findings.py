"""What was computed of a study's answers, and who looked at it when."""

from django.db import models
from django.db.models import Q

from study.models.studies import Study


class Snapshot(models.Model):
    """The findings of a study for one state of its answers, names and exclusions: they can be made again."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="snapshots")
    stamp = models.CharField(max_length=64)
    """Hash of everything that the findings depend on."""
    content = models.JSONField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["study", "stamp"], name="one_snapshot_per_state")]

    def __str__(self) -> str:
        return self.stamp[:12]


class Look(models.Model):
    """Somebody saw an estimate while answers were still coming. Rows are only added."""

    class Decision(models.TextChoices):
        GO_ON = "go on"
        REACHED = "reached", "precision reached"
        FUTILE = "futile"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="looks_taken")
    number = models.PositiveSmallIntegerField(null=True, blank=True)
    """Which declared look, from 1; none: an undeclared one."""
    by = models.CharField(max_length=150, blank=True)
    """User name, as text; empty: the clock."""
    where = models.CharField(max_length=40)
    """On which page or in which file."""
    reason = models.CharField(max_length=300, blank=True)
    participants = models.PositiveIntegerField()
    answers = models.PositiveIntegerField()
    estimate = models.JSONField(default=dict, blank=True)
    """measure, layer, value, low, high, level: what was seen. No names."""
    decision = models.CharField(max_length=20, choices=Decision, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "number"], condition=Q(number__isnull=False), name="each_declared_look_once"
            )
        ]

    def __str__(self) -> str:
        return f"look {self.number}" if self.number else "undeclared look"
