"""What automatic taggers say of summaries."""

from django.db import models

from summaries.models.runs import Run
from summaries.models.visual import Summary


class Tagging(models.Model):
    """One tagger's ranked tags of one summary. People who name summaries never see them.

    The run holds the tagger's name and version, its vocabulary and every parameter.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="taggings")
    summary = models.ForeignKey(Summary, on_delete=models.CASCADE, related_name="taggings")
    tags = models.JSONField(help_text="[tag, score], best first")
    members = models.JSONField(help_text="of each shown member: its id and its tags")
    scores = models.JSONField(
        default=dict, help_text="coherence, specificity and purity, with the same of each control"
    )

    class Meta:
        ordering = ["run", "summary"]
        constraints = [models.UniqueConstraint(fields=["run", "summary"], name="one_tagging_per_summary")]

    def __str__(self) -> str:
        return f"tags of {self.summary}"
