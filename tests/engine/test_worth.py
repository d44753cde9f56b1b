import cv2
import numpy as np
import pytest
import torch
from torch import nn

from summaries.engine.networks import Classifier
from summaries.engine.preprocessing import Preprocessing
from summaries.engine.visual import worth
from summaries.engine.visual.segments import SIDE as REFERENCE

SIDE = 32
COUNT = 4


class Linear(nn.Module):
    """Logit 1 is a weighted sum of the pixels, without a constant."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)))

    def forward(self, images):
        logit = (images * self.weight).sum((1, 2, 3))
        return torch.stack([torch.zeros_like(logit), logit], 1)


@pytest.fixture(scope="module")
def scene():
    """A linear network; two pictures of four squares on a ground of one colour; the second lacks part 3."""
    classifier = Classifier(
        Linear().eval(), Preprocessing(SIDE, None, (0.0,) * 3, (1.0,) * 3), torch.device("cpu")
    )
    y, x = np.mgrid[:SIDE, :SIDE]
    square = (y % 16 >= 4) & (y % 16 < 12) & (x % 16 >= 4) & (x % 16 < 12)
    labels = np.where(square, 2 * (y // 16) + x // 16, -1)
    both = [labels, np.where(labels == 3, -1, labels)]
    colours = np.random.default_rng(0).integers(0, 256, (COUNT, 3))
    ground = np.array([90, 120, 60])
    pictures = np.stack([np.where(each[..., None] < 0, ground, colours[each]) for each in both])
    return classifier, pictures.astype(np.uint8), both


def measure(scene):
    classifier, pictures, labels = scene
    return worth.measure(classifier, pictures, labels, 1, count=COUNT)


def test_a_part_is_painted_over_as_if_it_were_not_there(scene):
    """The second picture is the first without part 3."""
    found = measure(scene)
    lost = found.logits[0] - found.logits[1]
    assert found.drop[3, 0] * (found.logits[0] - found.blurred[0]) == pytest.approx(lost, rel=0.1)


def test_of_a_linear_network_the_drop_is_the_weight_of_what_was_painted_over(scene):
    classifier, pictures, labels = scene
    found = measure(scene)
    wide = worth.STRONG_BLUR * SIDE / REFERENCE
    blurred = cv2.GaussianBlur(pictures[0], (0, 0), wide, borderType=cv2.BORDER_REFLECT)
    weight = classifier.module.weight.detach().numpy().transpose(1, 2, 0)
    evidence = ((pictures[0] / 255.0 - blurred / 255.0) * weight).sum()
    assert found.logits[0] - found.blurred[0] == pytest.approx(evidence, rel=1e-3)
    ground = np.array([90, 120, 60])
    for number in range(COUNT):
        part = (labels[0] == number).astype(np.float32)
        soft = cv2.GaussianBlur(part, (0, 0), worth.SOFT_EDGE * SIDE / REFERENCE)[..., None]
        lost = ((pictures[0] - ground) / 255.0 * weight * soft).sum()
        assert found.drop[number, 0] * max(evidence, worth.LEAST_EVIDENCE) == pytest.approx(lost, rel=0.05)


def test_a_part_that_a_picture_does_not_show_has_no_drop_there(scene):
    assert np.isnan(measure(scene).drop).tolist() == [[False, False]] * 3 + [[False, True]]


def test_a_picture_without_parts_is_asked_all_the_same(scene):
    classifier, pictures, _ = scene
    found = worth.measure(classifier, pictures, [np.full((SIDE, SIDE), -1)] * 2, 1, count=COUNT)
    assert np.isnan(found.drop).all() and (found.logits != found.blurred).all()


def test_parts_are_judged_in_words():
    drop = np.full((3, 5), np.nan, np.float32)
    drop[0] = (0.2, 0.3, 0.25, 0.2, 0.3)
    drop[1] = (-0.01, 0.01, 0.0, 0.005, -0.005)
    drop[2, :2] = 0.5
    kept, worthless, rare = worth.judge(worth.Worth(drop, np.full(5, 6.0), np.zeros(5)))
    assert kept == ""
    assert worthless.startswith("hiding it costs 0.0% of the class's evidence")
    assert rare.startswith("in 2 images only")


def test_where_no_detail_speaks_for_the_class_no_part_has_a_share():
    shares = np.full((2, 5), 0.3, np.float32)
    reasons = worth.judge(worth.Worth(shares, np.full(5, 0.4), np.zeros(5)))
    assert len(reasons) == 2
    assert all(
        reason.startswith("the detail of all images adds 0.40 to the class's logit") for reason in reasons
    )
