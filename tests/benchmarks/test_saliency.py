from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmarks.saliency.curves import areas_under_curves
from benchmarks.saliency.published import optimise_plainly
from benchmarks.saliency.subjects import CREATURES, read_network, read_pictures
from summaries.engine.images import blur
from summaries.engine.networks import Classifier
from summaries.engine.preprocessing import Preprocessing
from summaries.engine.visual import masks

CPU = torch.device("cpu")


class LeftHalf(nn.Module):
    """Probability of class 1 = the share of the left half that is as in one known picture."""

    def __init__(self, picture: torch.Tensor):
        super().__init__()
        self.picture = picture

    def forward(self, images):
        same = (images - self.picture).abs().amax(1)[:, :, :16] < 1e-6
        p = same.float().mean((1, 2)).clamp(1e-6, 1 - 1e-6)
        return torch.stack([(1 - p).log(), p.log()], 1)


def test_a_map_that_knows_the_evidence_deletes_fast_and_inserts_fast():
    picture = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert not torch.isclose(blur(picture[None])[0], picture, atol=1e-6).all(0).any()
    classifier = Classifier(LeftHalf(picture), Preprocessing(32, None, (0.0,) * 3, (1.0,) * 3), CPU)
    left = torch.zeros(32, 32)
    left[:, :16] = 1.0
    # The probability falls in a line to nothing at half the picture: a triangle of 1/4.
    assert areas_under_curves(classifier, picture, 1, left) == pytest.approx((0.25, 0.75), abs=1e-3)
    assert areas_under_curves(classifier, picture, 1, -left) == pytest.approx((0.75, 0.25), abs=1e-3)


def test_the_plain_loop_of_the_benchmark_finds_the_literal_masks():
    classifier = read_network(CREATURES, CPU)
    pictures, classes = read_pictures(CREATURES, classifier, 2)
    params = masks.MaskParams()
    params = replace(
        params, smooth=replace(params.smooth, iterations=20), crisp=replace(params.crisp, iterations=10)
    )
    found = masks.find_masks(classifier, pictures, classes, params=params)
    for i, outcome in enumerate(optimise_plainly(classifier, pictures, classes, params=params)):
        assert outcome.area == pytest.approx(found.area[i], abs=0.01)
        assert outcome.drop == pytest.approx((found.p[i] - found.p_masked[i]) / found.p[i], abs=0.02)
