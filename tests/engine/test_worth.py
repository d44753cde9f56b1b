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
    """A linear network, two pictures, parts that are their quarters; the second lacks part 3."""
    classifier = Classifier(
        Linear().eval(), Preprocessing(SIDE, None, (0.0,) * 3, (1.0,) * 3), torch.device("cpu")
    )
    pictures = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    half = (np.arange(SIDE) >= SIDE // 2).astype(int)
    quarters = 2 * half[:, None] + half
    return classifier, pictures, [quarters, np.where(quarters == 3, -1, quarters)]


def measure(scene):
    classifier, pictures, labels = scene
    return worth.measure(classifier, pictures, labels, 1, count=COUNT)


def test_of_a_linear_network_the_drop_is_the_weight_of_what_was_hidden(scene):
    classifier, pictures, labels = scene
    found = measure(scene)
    wide = worth.STRONG_BLUR * SIDE / REFERENCE
    blurred = cv2.GaussianBlur(pictures[0], (0, 0), wide, borderType=cv2.BORDER_REFLECT)
    weight = classifier.module.weight.detach().numpy().transpose(1, 2, 0)
    lost = ((pictures[0] / 255.0 - blurred / 255.0) * weight).sum(2)
    for number in range(COUNT):
        part = (labels[0] == number).astype(np.float32)
        soft = cv2.GaussianBlur(part, (0, 0), worth.SOFT_EDGE * SIDE / REFERENCE)
        assert found.drop[number, 0] == pytest.approx((lost * soft).sum() / lost.sum(), abs=1e-3)
    assert found.logits[0] - found.blurred[0] == pytest.approx(lost.sum(), rel=1e-3)


def test_parts_that_make_up_the_picture_share_the_evidence_of_a_linear_network(scene):
    assert measure(scene).drop[:, 0].sum() == pytest.approx(1, abs=1e-3)


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
