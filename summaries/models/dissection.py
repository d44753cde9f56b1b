"""What Network Dissection finds: units of a layer, and the concepts that each agrees with."""

from django.db import models

from annotations.models import Concept
from summaries.models.runs import Run, RunImage


class Unit(models.Model):
    """One channel of a layer, in the natural basis or in a rotated one."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="units")
    layer = models.CharField(max_length=200, help_text="the module's name in the network")
    number = models.PositiveIntegerField(help_text="from 0")
    threshold = models.FloatField(help_text="T: its activation lies above it at the top quantile of places")
    concept = models.ForeignKey(
        Concept, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="the best one"
    )
    iou = models.FloatField(null=True, blank=True, help_text="with the best concept")

    class Meta:
        ordering = ["run", "layer", "number"]
        constraints = [models.UniqueConstraint(fields=["run", "layer", "number"], name="one_unit_per_number")]

    def __str__(self) -> str:
        return f"{self.layer} unit {self.number}"


class UnitConcept(models.Model):
    """How far a unit agrees with a concept: pixels over all images, and their ratio."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="concepts")
    concept = models.ForeignKey(Concept, on_delete=models.PROTECT, related_name="+")
    category = models.CharField(max_length=10, help_text="in which the unit was compared with it")
    rank = models.PositiveIntegerField(help_text="from 1, within the category")
    iou = models.FloatField()
    intersection = models.PositiveBigIntegerField()
    activation = models.PositiveBigIntegerField(help_text="active pixels of images labelled in the category")
    truth = models.PositiveBigIntegerField(help_text="pixels that show the concept")

    class Meta:
        ordering = ["unit", "-iou"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "concept", "category"], name="one_score_per_concept")
        ]

    def __str__(self) -> str:
        return f"{self.unit}: {self.concept}"


class UnitImage(models.Model):
    """An image that a unit responds to most."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="images")
    run_image = models.ForeignKey(RunImage, on_delete=models.CASCADE, related_name="+")
    rank = models.PositiveIntegerField()
    activation = models.FloatField(help_text="its highest there")
    file = models.CharField(
        max_length=200, blank=True, help_text="8-bit PNG of where it is active, in the network's input"
    )

    class Meta:
        ordering = ["unit", "rank"]
        constraints = [models.UniqueConstraint(fields=["unit", "rank"], name="one_image_per_rank_of_unit")]

    def __str__(self) -> str:
        return f"{self.unit} in {self.run_image}"
