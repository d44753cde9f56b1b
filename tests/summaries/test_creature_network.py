import json
from pathlib import Path

import numpy as np
import pytest
import torch
from django.conf import settings
from django.core.management import CommandError, call_command

from annotations.creatures.picture import render
from annotations.creatures.plan import CLASSES, PARTS
from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier, build, fit_state, load_state
from summaries.engine.preprocessing import parse_preprocessing
from summaries.management.commands import train_creature_network as training
from summaries.pipeline import networks

FORM = settings.ROOT / "summaries" / "networks" / "creatures.json"
FRESH = 424242


@pytest.fixture(scope="module")
def shipped():
    form = json.loads(FORM.read_text())
    network = fit_state(
        build(form["architecture"], len(form["classes"])), load_state(FORM.parent / form["file"])
    )
    return Classifier(network, parse_preprocessing(form), torch.device("cpu"))


def test_the_shipped_network_is_small_and_says_how_good_it_is():
    form = json.loads(FORM.read_text())
    assert (FORM.parent / form["file"]).stat().st_size <= 1_000_000
    assert form["classes"] == list(CLASSES)
    assert form["test_accuracy"] >= 0.97
    assert (form["input_size"], form["resize_short_side"]) == (128, 128)


def test_the_shipped_network_knows_creatures_that_nobody_has_seen(shipped):
    images = torch.stack([to_tensor(render(FRESH, index).rgb) for index in range(90)])
    with torch.no_grad():
        found = shipped.probabilities(images).argmax(1)
    assert (found == torch.arange(90) % 9).float().mean() >= 0.96


def test_a_class_rests_on_several_parts(shipped):
    worth = json.loads(FORM.read_text())["worth_of_parts"]
    parts = [worth[part] for part in PARTS]
    assert min(parts) > 0.01 and max(parts) < sum(parts) / 2


def test_a_few_steps_of_training_lower_the_loss():
    pixels = torch.stack([torch.from_numpy(render(1, index).rgb) for index in range(64)])
    before, after = (training.probabilities(trained(pixels, epochs), pixels) for epochs in (1, 8))
    truth = torch.arange(64) % len(CLASSES)
    assert after[range(64), truth].mean() > before[range(64), truth].mean()


def trained(pixels, epochs):
    torch.manual_seed(0)
    return training.train(build("meronym:creatures", len(CLASSES)), pixels, epochs=epochs)


def test_another_architecture_is_trained_and_described_for_add_network(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "draw_images", draw_here)
    monkeypatch.setattr(training, "TEST_IMAGES", 18)
    out = tmp_path / "narrow.safetensors"
    chosen = {"architecture": "torchvision:mobilenet_v2", "options": '{"width_mult": 0.1}'}
    arguments = [f"--{name}={value}" for name, value in chosen.items()]
    call_command("train_creature_network", f"--out={out}", "--images=64", "--epochs=1", *arguments)
    form = networks.read_form(str(out.with_suffix(".json")))
    assert form.architecture == "torchvision:mobilenet_v2" and form.options == {"width_mult": 0.1}
    fit_state(build(form.architecture, len(CLASSES), form.options), load_state(Path(form.weights)))


def test_an_architecture_that_is_none_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(CommandError, match="knows no architecture") as refused:
        call_command("train_creature_network", f"--out={tmp_path / 'x'}", "--architecture=timm:nothing")
    assert refused.value.returncode == 2


def draw_here(seed, indices, *, without=None, dropped=0.1):
    """In this process."""
    drawn = [render(seed, index, without=without, dropped=dropped).rgb for index in indices]
    return torch.from_numpy(np.stack(drawn))


def test_erasing_paints_rectangles_and_nothing_else():
    torch.manual_seed(0)
    images = torch.full((40, 3, 128, 128), 2.0)
    erased = (training.erase(images) != 2).any(1).flatten(1).sum(1)
    assert 8 <= (erased > 0).sum() <= 32
    assert erased[erased > 0].min() >= 12 * 12 and erased.max() <= 43 * 43
