import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from annotations.creatures.picture import render
from summaries.engine import Refusal
from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier, build, fingerprint, fit_state, load_state
from summaries.engine.preprocessing import Preprocessing, parse_preprocessing
from summaries.engine.visual import annealing, masks
from summaries.engine.visual.scenes import build_scene

CPU = torch.device("cpu")
ANNEALED = masks.MaskParams(schedule="annealed")
PLACES = ((slice(8, 24), slice(8, 24)), (slice(36, 52), slice(30, 46)))
NETWORKS = Path(__file__).resolve().parents[2] / "summaries" / "networks"


class TwoTextures(nn.Module):
    """Surer of class 1 the more high frequencies two squares hold, thrice as much by the first."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, images):
        grey = images.mean(1, keepdim=True)
        rough = (grey - functional.avg_pool2d(grey, 5, stride=1, padding=2))[:, 0].pow(2)
        first, second = (rough[:, rows, columns].mean((1, 2)) for rows, columns in PLACES)
        logit = 900.0 * first + 300.0 * second - 12.0
        return torch.stack([torch.zeros_like(logit), logit], 1) + self.weight * 0


def make_textures(count: int) -> torch.Tensor:
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def read_creatures(count: int) -> tuple[Classifier, torch.Tensor, torch.Tensor]:
    form = json.loads((NETWORKS / "creatures.json").read_text())
    network = build(form["architecture"], len(form["classes"]), form["kwargs"])
    classifier = Classifier(
        fit_state(network, load_state(NETWORKS / form["file"])), parse_preprocessing(form), CPU
    )
    images = to_tensor(np.stack([render(11, index).rgb for index in range(count)]))
    return classifier, images, classifier.logits(images).argmax(1)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Mean intersection over union of two stacks of stored masks."""
    one, other = one > 128, other > 128
    return float(((one & other).sum((1, 2)) / (one | other).sum((1, 2))).mean())


def test_a_square_that_decides_and_one_that_helps_are_found_and_little_else():
    classifier = Classifier(TwoTextures(), Preprocessing(64, None, (0.0,) * 3, (1.0,) * 3), CPU)
    found = masks.find_masks(classifier, make_textures(2), torch.tensor([1, 1]), params=ANNEALED)
    for mask in found.crisp > 128:
        covered = [mask[place].mean() for place in PLACES]
        elsewhere = mask.sum() - sum(mask[place].sum() for place in PLACES)
        assert covered[0] > 0.9 and covered[1] > 0.5 and elsewhere / mask.sum() < 0.2
    assert (found.p > 0.9).all() and (found.p_masked < 0.01).all()
    assert found.passes.tolist() == [44, 44] and found.losses.shape == (2, 4, 5)


def test_the_shipped_network_loses_its_class_in_a_tenth_of_the_published_passes():
    classifier, images, classes = read_creatures(8)
    found = masks.find_masks(classifier, images, classes, params=ANNEALED)
    assert ((found.p - found.p_masked) / found.p).mean() > 0.99
    assert found.area.mean() < 0.2
    assert (found.passes <= 45).all()


def test_a_dearer_area_hides_less():
    classifier, images, classes = read_creatures(4)
    areas = [
        masks.find_masks(
            classifier, images, classes, params=replace(ANNEALED, annealing=annealing.Annealing(area=area))
        ).area.mean()
        for area in (1.0, 4.0)
    ]
    assert areas[1] < 0.7 * areas[0]


def test_an_image_gets_the_same_annealed_mask_alone_and_in_company():
    classifier, images, classes = read_creatures(5)
    together = masks.find_masks(classifier, images, classes, params=ANNEALED)
    for i in (0, 4):
        alone = masks.find_masks(classifier, images[i : i + 1], classes[i : i + 1], params=ANNEALED)
        np.testing.assert_allclose(together.losses[i], alone.losses[0], atol=1e-4)
        assert together.p_masked[i] == pytest.approx(alone.p_masked[0], abs=1e-4)
        assert np.abs(together.crisp[i].astype(int) - alone.crisp[0]).max() <= 1


def test_a_batch_of_one_or_a_short_dtype_covers_the_same():
    classifier, images, classes = read_creatures(8)
    found = masks.find_masks(classifier, images, classes, params=ANNEALED)
    single = masks.find_masks(classifier, images, classes, params=ANNEALED, batch_size=1)
    short = masks.find_masks(classifier, images, classes, params=replace(ANNEALED, dtype="bfloat16"))
    assert overlap(found.crisp, single.crisp) >= 0.95
    assert overlap(found.crisp, short.crisp) >= 0.95


def test_progress_counts_every_pass_and_the_network_is_left_as_it_was():
    classifier, images, classes = read_creatures(3)
    classifier.module.train()
    before, steps = fingerprint(classifier.module.state_dict()), []
    options = annealing.Annealing(probes=2, steps=3)
    masks.find_masks(
        classifier,
        images,
        classes,
        params=replace(ANNEALED, annealing=options),
        track=lambda these: (steps.append(step) or step for step in these),
        batch_size=2,
    )
    assert steps == list(range(2 * 5))
    assert fingerprint(classifier.module.state_dict()) == before and classifier.module.training


def test_an_image_without_any_evidence_is_not_masked_to_death():
    classifier = Classifier(TwoTextures(), Preprocessing(64, None, (0.0,) * 3, (1.0,) * 3), CPU)
    found = masks.find_masks(classifier, torch.full((1, 3, 64, 64), 0.5), torch.tensor([1]), params=ANNEALED)
    assert np.isfinite(found.losses).all() and found.area[0] < 0.05


class Heard(TorchDispatchMode):
    """The names of all operations."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.add(operation.name())
        return operation(*args, **(kwargs or {}))


def test_the_loop_never_looks_at_a_value_so_no_device_is_waited_for():
    classifier, images, classes = read_creatures(2)
    options = annealing.Annealing(probes=1, steps=4)
    scene, ladder = build_scene(classifier.lean(), images, classes), annealing.build_ladder(128, options, CPU)
    with Heard() as heard:
        annealing.find_by_annealing(scene, options, ladder, iter(range(5)))
    waiting = {"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select"}
    assert "aten::convolution" in heard.names and not waiting & heard.names


def test_gaussians_narrow_and_steps_shorten_from_the_first_to_the_last():
    ladder = annealing.build_ladder(224, annealing.Annealing(), CPU)
    assert ladder.up.shape == (224, 112) and len(ladder.blurs) == len(ladder.rates) == 40
    peaks = [float(matrix[56, 56]) for matrix in ladder.blurs]
    assert peaks == sorted(peaks) and peaks[0] == pytest.approx(1 / (4 * np.sqrt(2 * np.pi)), rel=0.01)
    assert ladder.rates[0] == pytest.approx(0.06) and ladder.rates[-1] == pytest.approx(0.01)
    torch.testing.assert_close(ladder.up.sum(1), torch.ones(224))


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (replace(ANNEALED, dtype="float16"), "float32, bfloat16"),
        (masks.MaskParams(dtype="bfloat16"), "float32 alone"),
        (replace(ANNEALED, annealing=annealing.Annealing(steps=0)), "a probe and a step"),
    ],
)
def test_parameters_that_do_not_fit_the_schedule_are_refused(params, sentence):
    with pytest.raises(Refusal, match=sentence):
        masks.find_masks(*read_creatures(1), params=params)
