import pytest
import torch
from torch import nn

from summaries.engine.images import blur
from summaries.engine.networks import Classifier
from summaries.engine.preprocessing import Preprocessing
from summaries.engine.visual.attribution import attribute

CPU = torch.device("cpu")
SIDE = 24
STD = (0.5, 0.25, 2.0)


class Linear(nn.Module):
    """Two logits, each a weighted sum of the pixels."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)))

    def forward(self, images):
        return torch.einsum("nchw,kchw->nk", images, self.weight)


class Smooth(Linear):
    def forward(self, images):
        return torch.tanh(super().forward(images) / 100).exp()


def classify(module: nn.Module) -> Classifier:
    return Classifier(module.eval(), Preprocessing(SIDE, None, (0.1, 0.2, 0.3), STD), CPU)


def pictures(count: int) -> torch.Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def test_of_a_linear_network_it_is_the_weight_times_what_blurring_takes():
    images = pictures(2)
    found = attribute(classify(module := Linear()), images, torch.tensor([1, 0]), steps=1)
    detail = (images - blur(images)) / torch.tensor(STD)[:, None, None]
    expected = (module.weight.detach()[[1, 0]] * detail).sum(1)
    assert found == pytest.approx(expected.numpy(), abs=1e-4)


def test_it_sums_to_what_the_detail_adds_to_the_logit():
    images, classes = pictures(3), torch.tensor([0, 1, 1])
    classifier = classify(Smooth())
    added = (classifier.logits(images) - classifier.logits(blur(images))).gather(1, classes[:, None])[:, 0]
    coarse, fine = (attribute(classifier, images, classes, steps=steps).sum((1, 2)) for steps in (8, 64))
    assert fine == pytest.approx(added.detach().numpy(), rel=1e-3)
    assert coarse == pytest.approx(added.detach().numpy(), rel=0.02)


def test_company_changes_nothing_and_the_network_is_left_as_found():
    images, classifier = pictures(3), classify(Smooth())
    classifier.module.train()
    together = attribute(classifier, images, torch.tensor([0, 1, 0]))
    alone = attribute(classifier, images[1:2], torch.tensor([1]))
    assert (together[1] == alone[0]).all()
    assert classifier.module.training and classifier.module.weight.requires_grad
    assert classifier.module.weight.grad is None
