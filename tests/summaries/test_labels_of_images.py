import numpy as np
import pytest

from annotations import files
from annotations.models import Concept, Image, Segment
from annotations.pictures import png
from summaries.pipeline import label_maps
from tests.annotations.annotated import store

__all__ = ["store"]


@pytest.mark.django_db
def test_concepts_that_share_a_value_of_a_map_are_both_there():
    values = np.zeros((40, 40), np.uint8)
    values[:10], values[30:] = 1, 2
    file = files.put(png(values), ".png")
    image = Image.objects.create(sha256="0" * 64, width=40, height=40, file="none")
    names = {("part", "tail"): 0, ("part", "spiral tail"): 1, ("part", "wing"): 2}
    for category, name in names:
        concept = Concept.objects.create(category=category, name=name)
        fields = {"value": 2 if name == "wing" else 1, "area": 400, "source": "generated"}
        Segment.objects.create(image=image, concept=concept, file=file, **fields)
    (labels,) = label_maps.read([image], names, 20)
    shown = {number: (labels.maps == number + 1).any(0).sum(1) > 0 for number in names.values()}
    assert shown[0].tolist() == shown[1].tolist() == [True] * 5 + [False] * 15
    assert shown[2].tolist() == [False] * 15 + [True] * 5
