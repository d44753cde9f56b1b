"""A run as files, where one picture stands in two classes."""

import json

import pytest

from annotations import files
from summaries.exports import export_run
from summaries.models import Mask, RunImage
from tests.found_runs import make_found_run

pytestmark = pytest.mark.django_db


def test_a_picture_in_two_classes_keeps_the_mask_of_each(tmp_path):
    run = make_found_run(classes=2, images=3, skipped=0, summaries=0)
    first, second = (RunImage.objects.get(run_class=each, position=0) for each in run.classes.all())
    second.image = first.image
    second.save()
    other = files.put(files.get(first.mask.file) + b"another", ".png")
    Mask.objects.filter(run_image=second).update(file=other)

    content = json.loads(export_run(run, tmp_path).read_text())
    named = [each["images"][0]["mask"] for each in content["classes"]]
    assert named[0] == f"masks/{first.image.sha256}.png"
    assert [(tmp_path / name).read_bytes() for name in named] == [
        files.get(first.mask.file),
        files.get(other),
    ]
