import json

import pytest
import torch
from django.conf import settings

from annotations.creatures.picture import render
from annotations.creatures.plan import CLASSES, PARTS
from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier, build, fit_state, load_state
from summaries.engine.preprocessing import parse_preprocessing
from summaries.management.commands import train_creature_network as training

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
    before = training.probabilities(training.train(pixels, seed=0, epochs=1), pixels)
    after = training.probabilities(training.train(pixels, seed=0, epochs=8), pixels)
    truth = torch.arange(64) % len(CLASSES)
    assert after[range(64), truth].mean() > before[range(64), truth].mean()


def test_erasing_paints_rectangles_and_nothing_else():
    torch.manual_seed(0)
    images = torch.full((40, 3, 128, 128), 2.0)
    erased = (training.erase(images) != 2).any(1).flatten(1).sum(1)
    assert 8 <= (erased > 0).sum() <= 32
    assert erased[erased > 0].min() >= 12 * 12 and erased.max() <= 43 * 43
