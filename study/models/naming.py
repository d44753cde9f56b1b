"""What coders decided about the names that people gave."""

from django.db import models

from study.models.studies import Study


class NameEvent(models.Model):
    """One decision of one coder. Rows are only added: an undo is a row of its own, and replaying them in
    order gives the merged names and the codes at any time."""

    class Kind(models.TextChoices):
        MERGE = "merge"
        SPLIT = "split"
        CODE = "code"
        UNDO = "undo"
        DONE = "done", "done with all"
        OPENED = "opened", "comparison opened"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="name_events")
    coder = models.CharField(max_length=150)
    """Their user name, as text: it stands whatever becomes of the account."""
    kind = models.CharField(max_length=10, choices=Kind)
    names = models.JSONField(default=list, blank=True)
    """Names of the mechanical layer that were merged, taken out of their group, or coded."""
    into = models.CharField(max_length=100, blank=True)
    """Of a merge the name of the group; of a code the code, empty to take it away."""
    undoes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="undone_by"
    )
    reason = models.CharField(max_length=300, blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    """What the proposal said for it, if there was one."""
    answers = models.PositiveIntegerField()
    """How many answers bore these names at that time."""
    blind = models.BooleanField()
    """The coder saw neither conditions nor networks."""
    layer_version = models.CharField(max_length=20)
    """Of the mechanical layer whose names these are."""
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["study", "coder"], name="decisions_of_a_coder")]

    def __str__(self) -> str:
        return f"{self.kind} {', '.join(self.names)}"
