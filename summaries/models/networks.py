"""Networks under study: weights by their content, classes in order, and how pictures are fed to them."""

import hashlib
import json

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

    @property
    def fingerprint(self) -> str:
        """All that decides what the network answers to a picture of its input size."""
        geometry = {key: self.preprocessing[key] for key in ("input_size", "mean", "std")}
        content = json.dumps([self.sha256, self.architecture, self.options, geometry], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def class_name(self, index: int) -> str:
        return self.classes[index]["name"]
