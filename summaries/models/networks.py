"""Networks under study: weights by their content, classes in their order, and how pictures are fed to them."""

from django.db import models


class Network(models.Model):
    name = models.CharField(max_length=100, unique=True)
    architecture = models.CharField(max_length=200, help_text="torchvision:NAME or timm:NAME")
    options = models.JSONField(default=dict, blank=True, help_text="keyword arguments of the architecture")
    weights = models.CharField(max_length=200, help_text="key of the stored file")
    sha256 = models.CharField(max_length=64, help_text="of the weights file")
    classes = models.JSONField(help_text="in the order of the outputs: {name, synset}")
    preprocessing = models.JSONField(help_text="input size, resize, mean, std, interpolation, crop")
    licence = models.TextField(blank=True)
    source = models.TextField(blank=True)
    check_result = models.JSONField(
        default=dict, blank=True, help_text="top-1 and images per second at registration"
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def input_size(self) -> int:
        return self.preprocessing["input_size"]

    def class_name(self, index: int) -> str:
        return self.classes[index]["name"]
