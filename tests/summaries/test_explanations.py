"""`explain` from a picture file to sentences and files, with units that a run names and without."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from PIL import Image as Pillow

from annotations import files
from annotations.models import Concept, Image, ImageSet, Segment
from annotations.pictures import png
from summaries.engine.dissection import dissect, explain
from summaries.models import Network, Run
from summaries.pipeline import explanations
from summaries.pipeline.networks import classifier_of
from tests.summaries import world

pytestmark = pytest.mark.django_db

LAST, EARLIER = "features.20", "features.8"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    world.write_pictures(folder / "pictures")
    world.write_network(folder / "network")
    return folder


@pytest.fixture(autouse=True)
def tiny(made):
    call_command("add_network", f"--from={made / 'network' / 'tiny.json'}")


@pytest.fixture
def picture(made) -> Path:
    return made / "pictures" / "wheel" / "0.png"


def dissect_last(made: Path) -> Run:
    """A run over the last layer, in whose images a disc in the middle is marked."""
    call_command("import_images", made / "pictures", name="tiny")
    y, x = np.mgrid[:64, :64]
    disc = files.put(png((np.hypot(x - 32, y - 32) < 12).astype(np.uint8)), ".png")
    concept = Concept.objects.create(category="part", name="hub")
    for image in Image.objects.filter(labelled_images__image_set=ImageSet.objects.get(name="tiny")):
        Segment.objects.create(image=image, concept=concept, file=disc, value=1, area=441, source="imported")
    call_command("dissect", network="tiny", images="tiny", layer=LAST, quantile=0.05)
    return Run.objects.latest("pk")


def told(capsys, picture: Path, **options: object) -> str:
    capsys.readouterr()
    call_command("explain", picture, **{"network": "tiny"} | options)
    return capsys.readouterr().out


def refused(picture: object, **options: object) -> str:
    with pytest.raises(CommandError) as refusal:
        call_command("explain", picture, **{"network": "tiny"} | options)
    assert refusal.value.returncode == 2
    return str(refusal.value)


def found_for(picture: Path, layer: str, **options: object) -> explanations.Explanation:
    network = Network.objects.get(name="tiny")
    photograph = explanations.read_photograph(picture, network.input_size)
    return explanations.explain_picture(
        network, photograph, explanations.choose_source(network, layer, None), **options
    )


def test_contributions_and_bias_sum_to_the_logit_and_the_newest_run_names_the_units(
    made, picture, capsys, tmp_path
):
    run = dissect_last(made)
    words = told(capsys, picture, export=tmp_path / "out")
    assert words.startswith("wheel (predicted). logit ") and f"named by run {run.pk}" in words
    together, logit = re.search(r"together (\S+); the network's logit is (\S+)\.\n", words).groups()
    assert float(together) == pytest.approx(float(logit), abs=2e-4)
    content = json.loads((tmp_path / "out" / "explanation.json").read_text())
    assert content["exact"] and content["run"] == run.pk and content["layer"] == LAST
    assert sum(content["values"]) + content["bias"] == pytest.approx(content["logit"], abs=1e-4)
    assert [each["value"] for each in content["units"]] == sorted(content["values"], reverse=True)[:5]
    for each in content["units"]:
        unit = run.units.get(number=each["unit"])
        assert (each["iou"], each["concept"]) == (unit.iou, unit.concept.name if unit.concept else "")
    shown = Pillow.open(tmp_path / "out" / content["picture"])
    assert shown.size[1] > shown.size[0]


def test_segments_are_where_a_unit_is_above_the_threshold_of_its_run(made, picture):
    run = dissect_last(made)
    found = found_for(picture, LAST, most=96)
    assert any(each.is_active for each in found.top) and not all(each.is_active for each in found.top)
    network = Network.objects.get(name="tiny")
    classifier, probe = classifier_of(network), {LAST: dissect.Probe(LAST)}
    images = torch.from_numpy(found.photograph).movedim(-1, 0)[None] / 255
    maps = dissect.read_maps(classifier, probe, images)[LAST][0]
    for each in found.top:
        peak = float(maps[each.number].amax())
        assert each.is_active == (peak > run.units.get(number=each.number).threshold)


def test_an_earlier_layer_is_explained_by_hiding_units_and_said_to_be_approximate(picture, capsys):
    words = told(capsys, picture, layer=EARLIER, top=2)
    assert "no finished dissection names" in words and "approximation" in words and "together" not in words
    found = found_for(picture, EARLIER)
    assert not found.exact
    network = Network.objects.get(name="tiny")
    classifier = classifier_of(network)
    images = torch.from_numpy(found.photograph).movedim(-1, 0)[None] / 255
    best = found.top[0]
    with torch.no_grad():
        whole = classifier.logits(images)[0, found.index]
        layer = dissect.find_layers(classifier, {EARLIER: dissect.Probe(EARLIER)})[EARLIER]
        with explain.ablated(classifier, layer, [best.number]):
            less = classifier.logits(images)[0, found.index]
    assert best.value == pytest.approx(float(whole - less), abs=1e-5)


def test_another_class_is_explained_when_it_is_named(picture, capsys):
    assert told(capsys, picture, layer=LAST, label="flag").startswith("flag (not the predicted class)")
    assert told(capsys, picture, layer=LAST, label="0").startswith("wheel (predicted)")


def test_what_cannot_be_explained_is_refused_in_a_sentence(made, picture, tmp_path):
    (tmp_path / "words.png").write_text("no picture")
    assert "cannot be read" in refused(tmp_path / "nothing.png")
    assert "not a picture" in refused(tmp_path / "words.png")
    assert "no network called 'other'" in refused(picture, network="other")
    assert "no layer 'feature.20'" in refused(picture, layer="feature.20")
    assert "no class 'ship'; it has wheel" in refused(picture, label="ship")
    assert "no finished dissection of 'tiny'" in refused(picture, run=99)
    assert "at least one unit" in refused(picture, layer=LAST, top=0)
    run = dissect_last(made)
    assert f"did not dissect layer '{EARLIER}'" in refused(picture, layer=EARLIER, run=run.pk)
