"""What the method of visual summaries finds: masks, regions, clusters, and the summaries kept of them."""

from django.db import models

from summaries.models.runs import RunClass, RunImage


class Mask(models.Model):
    """Where the network's evidence lies in one image; probabilities of the class, share of pixels."""

    run_image = models.OneToOneField(RunImage, on_delete=models.CASCADE, related_name="mask")
    file = models.CharField(
        max_length=200, help_text="8-bit PNG in the network's input geometry, 255 = evidence"
    )
    smooth_file = models.CharField(max_length=200)
    p = models.FloatField()
    p_blurred = models.FloatField()
    p_smooth = models.FloatField()
    p_crisp = models.FloatField()
    p_masked = models.FloatField(help_text="with the thresholded mask hidden")
    area = models.FloatField()
    passes = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"mask of {self.run_image}"

    @property
    def drop(self) -> float:
        return (self.p - self.p_masked) / self.p


class Region(models.Model):
    """A place that may show a part. Box half-open, in the network's input pixels.

    By boxes: a proposal on the mask that survived pruning; the mask inside it is what counts. By parts: the
    pixels of one group in this image, in a picture of their own, with their bounding box.
    """

    run_image = models.ForeignKey(RunImage, on_delete=models.CASCADE, related_name="regions")
    proposal = models.PositiveIntegerField(help_text="which proposal; by parts: which group")
    file = models.CharField(
        max_length=200,
        blank=True,
        help_text="8-bit PNG of its own pixels, 255 = region; empty: the mask inside the box",
    )
    x0 = models.PositiveIntegerField()
    y0 = models.PositiveIntegerField()
    x1 = models.PositiveIntegerField()
    y1 = models.PositiveIntegerField()
    quality = models.FloatField(help_text="how well it is found elsewhere; by parts: its share of the pixels")
    component = models.PositiveIntegerField(help_text="the mask's component that it overlaps most; 0: none")
    drop = models.FloatField(
        null=True,
        help_text="share of the probability lost when only that component is blurred; by parts: share of the "
        "evidence (logit) lost when only the region is, not known until it is measured",
    )

    class Meta:
        ordering = ["run_image", "id"]
        constraints = [
            models.UniqueConstraint(fields=["run_image", "proposal"], name="one_region_per_proposal")
        ]

    def __str__(self) -> str:
        return f"{self.box} of {self.run_image}"

    @property
    def box(self) -> list[int]:
        return [self.x0, self.y0, self.x1, self.y1]


class Cluster(models.Model):
    """Regions of a class that resemble each other; `dropped` says why it became no summary."""

    run_class = models.ForeignKey(RunClass, on_delete=models.CASCADE, related_name="clusters")
    exemplar = models.OneToOneField(Region, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField(help_text="in the order of exemplars")
    coherence = models.FloatField(
        null=True,
        blank=True,
        help_text="median SSIM over the class's median; by parts: mean similarity to the centre",
    )
    dropped = models.TextField(blank=True)

    class Meta:
        ordering = ["run_class", "number"]
        constraints = [models.UniqueConstraint(fields=["run_class", "number"], name="one_cluster_per_number")]

    def __str__(self) -> str:
        return f"cluster {self.number} of {self.run_class}"


class Member(models.Model):
    """A region in its cluster; `dropped` says why it is not shown."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="members")
    region = models.OneToOneField(Region, on_delete=models.CASCADE, related_name="membership")
    position = models.PositiveIntegerField(help_text="by falling similarity to exemplar or centre")
    similarity = models.FloatField()
    compared = models.BooleanField(default=False, help_text="among the most similar, one of each image")
    shown = models.BooleanField(default=False)
    dropped = models.TextField(blank=True)
    layers = models.JSONField(default=dict, blank=True, help_text="for the gallery: hull, outlines, pictures")

    class Meta:
        ordering = ["cluster", "position"]

    def __str__(self) -> str:
        return f"{self.region} in {self.cluster}"


class Summary(models.Model):
    """A cluster that was kept: the same part, relied on in image after image."""

    run_class = models.ForeignKey(RunClass, on_delete=models.CASCADE, related_name="summaries")
    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="summary")
    rank = models.PositiveIntegerField()
    coverage = models.FloatField(
        help_text="share of the class's images that count: with a shown member; by parts: with any"
    )
    strength = models.FloatField(help_text="mean drop of the shown members")
    coherence = models.FloatField()
    picture = models.CharField(max_length=200, help_text="PNG as the paper's participants saw it")

    class Meta:
        ordering = ["run_class", "rank"]
        verbose_name_plural = "summaries"
        constraints = [models.UniqueConstraint(fields=["run_class", "rank"], name="one_summary_per_rank")]

    def __str__(self) -> str:
        return f"summary {self.rank} of {self.run_class}"
