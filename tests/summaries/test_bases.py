"""`basis` from its arguments to a table and files, and the check that the network's function is unchanged."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from PIL import Image as Pillow

from annotations import files
from annotations.models import Concept, Image, ImageSet, Segment
from annotations.pictures import png
from summaries import dissections
from summaries.engine.dissection import dissect, rotation
from summaries.models import Network, Run
from summaries.pipeline import bases
from summaries.pipeline.networks import classifier_of
from tests.summaries import world

pytestmark = pytest.mark.django_db

LAYER = "features.8"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    world.write_pictures(folder / "pictures")
    world.write_network(folder / "network")
    return folder


@pytest.fixture(autouse=True)
def tiny(made):
    """The image set, with a disc in the middle of each picture marked and, left of it, a bar."""
    call_command("import_images", made / "pictures", name="tiny")
    call_command("add_network", f"--from={made / 'network' / 'tiny.json'}")
    y, x = np.mgrid[:64, :64]
    marked = (np.hypot(x - 32, y - 32) < 9).astype(np.uint8)
    marked[20:50, 6:14] = 2
    key = files.put(png(marked), ".png")
    for value, name in ((1, "hub"), (2, "bar")):
        concept = Concept.objects.create(category="part", name=name)
        for image in Image.objects.all():
            area = int((marked == value).sum())
            Segment.objects.create(
                image=image, concept=concept, file=key, value=value, area=area, source="imported"
            )


def options(**more: object) -> dict:
    return {"network": "tiny", "layer": LAYER, "images": "tiny", "seeds": 2, "alphas": "0,1"} | more


def refused(**more: object) -> str:
    with pytest.raises(CommandError) as refusal:
        call_command("basis", **options(**more))
    assert refusal.value.returncode == 2
    return str(refusal.value)


def test_a_curve_begins_where_the_dissection_of_the_layer_stands(capsys, tmp_path):
    call_command("dissect", network="tiny", images="tiny", layer=LAYER, quantile=0.05)
    (layer,) = dissections.layers_of(Run.objects.latest("pk"))
    capsys.readouterr()
    call_command("basis", **options(quantile=0.05, export=tmp_path))
    words = capsys.readouterr().out
    assert "unique detectors of 48 units by top label, over 2 rotations" in words
    assert "The network's function is unchanged: on 9 images" in words
    content = json.loads((tmp_path / "basis.json").read_text())
    assert content["thresholds"] == [0.04, 0.1, 0.2, 0.3] and content["options"]["seeds"] == [0, 1]
    assert np.shape(content["unique"]) == np.shape(content["unique_by_chance"]) == (2, 2, 4)
    found = [layer.counted("top label", threshold)[0] for threshold in content["thresholds"]]
    for seed in content["unique"]:
        assert seed[0] == [each["unique"] for each in found]
    for seed in content["detectors"]:
        assert seed[0] == [each["units"] for each in found]
    assert content["unchanged"]["holds"] and content["unchanged"]["answers_changed"] == 0
    assert Pillow.open(tmp_path / content["picture"]).size[0] > 1000


def test_turned_and_back_is_the_layer_itself_and_turned_alone_is_not():
    network = Network.objects.get(name="tiny")
    classifier = classifier_of(network)
    layer = dissect.find_layers(classifier, {"": dissect.Probe(LAYER)})[""]
    batches = bases.read(ImageSet.objects.get(name="tiny"), network.input_size)
    told = bases.compare_answers(classifier, layer, batches, [0, 1], lambda it: it)
    assert told.holds and told.images == 9 and told.difference < 1e-4 * told.largest
    basis = torch.as_tensor(rotation.haar(48, 0))
    stretched = basis * 1.5  # no rotation, so what comes back is not what went in
    (first, *_) = batches
    with torch.no_grad():
        plain = classifier.logits(first.images)
        with bases.turned_and_back(classifier, layer, stretched):
            other = classifier.logits(first.images)
        after = classifier.logits(first.images)
    assert (plain - other).abs().amax() > 1e-2 and torch.equal(plain, after)


def test_what_gives_no_curve_is_refused_in_a_sentence():
    assert "numbers with commas" in refused(alphas="0,half")
    assert "from 0" in refused(alphas="0,2") and "from 0" in refused(alphas="")
    assert "at least one seed" in refused(seeds=0)
    assert "no layer 'feature.8'" in refused(layer="feature.8")
    assert "no image set called 'other'" in refused(images="other")
    assert "at least one image" in refused(limit=0)
    Segment.objects.all().delete()
    assert "No concept is marked" in refused()
