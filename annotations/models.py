"""What is known about images: sets, classes, and which pixels show which concept."""

from django.core.validators import MinValueValidator
from django.db import models


class ImageSet(models.Model):
    """A named collection of labelled images; the images themselves are shared between sets."""

    GENERATED = "generated:"
    """How the source of a set begins whose images were drawn by us."""

    name = models.CharField(max_length=100, unique=True)
    source = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Image(models.Model):
    """One picture, known by its content; width and height are those of the upright picture."""

    sha256 = models.CharField(max_length=64, unique=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    file = models.CharField(max_length=200)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.sha256[:12]


class ClassLabel(models.Model):
    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=200)
    synset = models.CharField(max_length=9, blank=True)
    folder = models.CharField(max_length=255)

    class Meta:
        ordering = ["image_set", "name"]
        constraints = [
            models.UniqueConstraint(fields=["image_set", "name"], name="one_label_per_name"),
            models.UniqueConstraint(fields=["image_set", "folder"], name="one_label_per_folder"),
        ]

    def __str__(self) -> str:
        return self.name


class LabelledImage(models.Model):
    """An image's place in a set: its class there and its path relative to the imported folder."""

    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="labelled_images")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="labelled_images")
    label = models.ForeignKey(ClassLabel, on_delete=models.CASCADE, related_name="labelled_images")
    path = models.CharField(max_length=1000)

    class Meta:
        ordering = ["label", "path"]
        constraints = [models.UniqueConstraint(fields=["label", "image"], name="one_place_per_label")]

    def __str__(self) -> str:
        return self.path


class Concept(models.Model):
    class Category(models.TextChoices):
        PART = "part"
        OBJECT = "object"
        COLOUR = "colour"
        MATERIAL = "material"
        SCENE = "scene"
        TEXTURE = "texture"

    name = models.CharField(max_length=200)
    category = models.CharField(max_length=10, choices=Category)
    synonyms = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["category", "name"]
        constraints = [models.UniqueConstraint(fields=["category", "name"], name="one_concept_per_name")]

    def __str__(self) -> str:
        return self.name


class Segment(models.Model):
    """The pixels of an image that show a concept: those of the label map that equal `value`, or all of it."""

    class Source(models.TextChoices):
        IMPORTED = "imported"
        GENERATED = "generated"
        DRAWN = "drawn"

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="segments")
    concept = models.ForeignKey(Concept, on_delete=models.PROTECT, related_name="segments")
    file = models.CharField(
        max_length=200,
        blank=True,
        help_text="an 8-bit PNG of the upright image's size; empty: the whole image, value 1",
    )
    value = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    area = models.PositiveIntegerField(help_text="pixels")
    source = models.CharField(max_length=10, choices=Source)

    class Meta:
        ordering = ["image", "file", "value"]
        constraints = [
            models.UniqueConstraint(fields=["image", "concept", "file"], name="one_segment_per_map")
        ]

    def __str__(self) -> str:
        return f"{self.concept} in {self.image}"
