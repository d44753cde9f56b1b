import numpy as np
import pytest
import torch
from torch import nn

from summaries.engine import Refusal
from summaries.engine.dissection.dissect import Probe, read_maps
from summaries.engine.dissection.explain import (
    ablated,
    ablation_drops,
    contribution_maps,
    contributions,
    effect_by_class,
    find_pooled_head,
)
from summaries.engine.dissection.layers import pick
from summaries.engine.networks import Classifier, build
from summaries.engine.preprocessing import Preprocessing

SIDE = 64


def classify(architecture: str, classes: int = 9) -> Classifier:
    torch.manual_seed(0)
    module = build(architecture, classes).eval()
    return Classifier(module, Preprocessing(SIDE, None, (0.5,) * 3, (0.5,) * 3), torch.device("cpu"))


def pictures(count: int) -> torch.Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("architecture", "layer"),
    [
        ("meronym:creatures", "features"),
        ("torchvision:mobilenet_v2", "features"),
        ("timm:mobilenetv1_100", "bn2"),
    ],
)
def test_contributions_and_bias_sum_to_the_logit(architecture, layer):
    classifier, images = classify(architecture), pictures(5)
    found = pick(classifier.module, SIDE, [layer])[layer]
    head = find_pooled_head(classifier, found)
    with torch.no_grad():
        logits = classifier.logits(images)
    classes = logits.argmax(1)
    maps = read_maps(classifier, {"it": Probe(layer)}, images)["it"]
    parts = contributions(head, maps, classes)
    scale = float(logits.abs().amax())
    assert torch.allclose(
        parts.sum(1) + head.bias[classes], logits.gather(1, classes[:, None])[:, 0], atol=1e-5 * scale
    )
    assert torch.allclose(contribution_maps(head, maps, classes).mean((2, 3)), parts, atol=1e-5)
    top = parts.argmax(1)
    for image in range(5):
        drop = ablation_drops(
            classifier, found, images[image, None], classes[image, None], [[int(top[image])]]
        )
        assert drop.item() == pytest.approx(float(parts[image, top[image]]), abs=1e-5 * scale)


@pytest.mark.parametrize(
    ("architecture", "layer"),
    [
        ("torchvision:squeezenet1_0", "features"),  # a convolution and a ReLU stand before the pooling
        ("torchvision:alexnet", "features.11"),
        ("meronym:creatures", "features.17"),  # an earlier layer of a network that has such a head
        ("torchvision:mobilenet_v2", "features.18.1"),
    ],
)
def test_a_layer_without_a_pooled_linear_head_is_said_to_have_none(architecture, layer):
    classifier = classify(architecture)
    assert find_pooled_head(classifier, pick(classifier.module, SIDE, [layer])[layer]) is None


def test_a_normalisation_between_pooling_and_head_is_noticed():
    class Normalised(nn.Module):
        def __init__(self):
            super().__init__()
            self.features, self.norm, self.head = nn.Conv2d(3, 8, 3), nn.LayerNorm(8), nn.Linear(8, 4)

        def forward(self, images):
            return self.head(self.norm(self.features(images).mean((2, 3))))

    classifier = Classifier(
        Normalised().eval(), Preprocessing(SIDE, None, (0.5,) * 3, (0.5,) * 3), torch.device("cpu")
    )
    layer = pick(classifier.module, SIDE, ["features"])["features"]
    assert find_pooled_head(classifier, layer) is None


def test_ablated_units_are_zero_inside_and_back_outside():
    classifier, images = classify("meronym:creatures"), pictures(2)
    layer = pick(classifier.module, SIDE, ["features.8"])["features.8"]
    before = read_maps(classifier, {"it": Probe("features.8")}, images)["it"]
    with ablated(classifier, layer, [3, 5]):
        inside = read_maps(classifier, {"it": Probe("features.8")}, images)["it"]
    assert not inside[:, [3, 5]].any() and torch.equal(inside[:, :3], before[:, :3])
    assert torch.equal(read_maps(classifier, {"it": Probe("features.8")}, images)["it"], before)
    with pytest.raises(Refusal, match="units 0 to 47"), ablated(classifier, layer, [48]):
        pass


def test_units_of_vision_transformers_are_ablated_in_every_token():
    torch.manual_seed(0)
    module = build("timm:vit_tiny_patch16_224", 9, {"img_size": SIDE}).eval()
    classifier = Classifier(module, Preprocessing(SIDE, None, (0.5,) * 3, (0.5,) * 3), torch.device("cpu"))
    layer = pick(module, SIDE, ["blocks.5"])["blocks.5"]
    drops = ablation_drops(classifier, layer, pictures(2), torch.tensor([1, 2]), [[], list(range(96))])
    assert drops[:, 0].tolist() == [0, 0] and (drops[:, 1] != 0).all()


def test_effects_are_told_class_by_class():
    classifier, images = classify("meronym:creatures"), pictures(6)
    layer = pick(classifier.module, SIDE, ["features"])["features"]
    head = find_pooled_head(classifier, layer)
    classes = torch.tensor([0, 0, 4, 4, 4, 7])
    maps = read_maps(classifier, {"it": Probe("features")}, images)["it"]
    batches = list(zip(images.split(4), classes.split(4), strict=True))
    found = effect_by_class(classifier, layer, batches, [1, 2])
    assert found.images.tolist() == [2, 0, 0, 0, 3, 0, 0, 1, 0]
    expected = contributions(head, maps, classes)[:, [1, 2]].sum(1).numpy()
    assert found.logit_drop[4] == pytest.approx(expected[2:5].mean(), abs=1e-5)
    assert np.isnan(found.logit_drop[1]) and 0 <= found.accuracy_without[0] <= 1
