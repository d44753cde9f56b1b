from collections import Counter

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2lab
from torch import nn

from summaries.engine.activations import estimate_statistics, project
from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier
from summaries.engine.preprocessing import Preprocessing
from summaries.engine.visual.attribution import attribute
from summaries.engine.visual.segments import COLOUR_BINS, LIGHTNESS_BINS, Described, describe, segment

SIDE = 64
CENTRES = ((18, 18), (46, 20), (32, 46))


class Toy(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.fine = nn.Conv2d(3, 6, 5, stride=4, padding=2)
        self.coarse = nn.Conv2d(6, 8, 3, stride=2, padding=1)
        self.head = nn.Linear(8, 2)

    def forward(self, images):
        return self.head(self.coarse(self.fine(images).tanh()).tanh().mean((2, 3)))


def paint(seed: int) -> np.ndarray:
    """Three discs of one colour each on a noisy ground."""
    rng = np.random.default_rng(seed)
    picture = np.full((SIDE, SIDE, 3), rng.integers(60, 120), np.uint8)
    for centre in CENTRES:
        cv2.circle(picture, centre, 10, rng.integers(0, 255, 3).tolist(), -1)
    return np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def world():
    """A network, pictures, statistics, and the first picture described."""
    preprocessing = Preprocessing(SIDE, None, (0.5,) * 3, (0.5,) * 3)
    classifier = Classifier(Toy().eval(), preprocessing, torch.device("cpu"))
    pictures = np.stack([paint(seed) for seed in range(3)])
    statistics = estimate_statistics(classifier, to_tensor(pictures))
    return classifier, pictures, statistics, describe(classifier, pictures[:1], 1, statistics)[0]


def test_labels_are_numbered_without_gaps_and_follow_outlines():
    picture = paint(0)
    labels = segment(picture)
    assert np.unique(labels).tolist() == list(range(labels.max() + 1))
    discs = np.zeros((SIDE, SIDE), int)
    for number, (x, y) in enumerate(CENTRES, start=1):
        discs[np.hypot(*np.mgrid[-y : SIDE - y, -x : SIDE - x]) <= 10] = number
    shared = np.histogram2d(labels.ravel(), discs.ravel(), bins=(labels.max() + 1, 4))[0]
    assert shared.max(1).sum() / SIDE**2 > 0.97


def test_areas_colours_and_evidence_are_the_means_of_a_plain_loop(world):
    classifier, pictures, _, found = world
    lab = rgb2lab(pictures[0])
    attribution = attribute(classifier, to_tensor(pictures[:1]), torch.tensor([1]))[0]
    evidence = gaussian_filter(np.maximum(attribution, 0), 2.0 * SIDE / 128)
    evidence /= evidence.mean()
    for number in range(found.labels.max() + 1):
        inside = found.labels == number
        assert found.area[number] == inside.sum()
        assert found.colour[number] == pytest.approx(lab[inside].mean(0), abs=1e-3)
        assert found.evidence[number] == pytest.approx(evidence[inside].mean(), rel=1e-4)


def test_centres_lie_apart_as_the_segments_do(world):
    found = world[3]
    middles = np.array(
        [np.argwhere(found.labels == number).mean(0)[::-1] for number in range(len(found.area))]
    )
    apart, expected = found.centre - found.centre[0], middles - middles[0]
    scale = (apart * expected).sum() / (expected**2).sum()
    assert scale > 0 and apart == pytest.approx(scale * expected, abs=1e-4)


def test_borders_count_the_neighbouring_pixels_of_two_segments(world):
    labels = world[3].labels
    counted: Counter[tuple[int, int]] = Counter()
    for y in range(SIDE):
        for x in range(SIDE):
            for there in ((y + 1, x), (y, x + 1)):
                if max(there) < SIDE and labels[there] != labels[y, x]:
                    counted[labels[y, x], labels[there]] += 1
    expected = np.zeros_like(world[3].borders)
    for (one, other), times in counted.items():
        expected[one, other] += times
        expected[other, one] += times
    assert (world[3].borders == expected).all()


def test_palettes_are_histograms_of_lab_space_blurred_over_the_bins(world):
    _, pictures, _, found = world
    lab = rgb2lab(pictures[0]).clip((0, -80, -80), (100, 80, 80))
    shape = (LIGHTNESS_BINS, COLOUR_BINS, COLOUR_BINS)
    for number in range(len(found.area)):
        counts, _ = np.histogramdd(
            lab[found.labels == number], bins=shape, range=((0, 100), (-80, 80), (-80, 80))
        )
        assert found.palette[number] == pytest.approx(gaussian_filter(counts, 0.7).ravel(), abs=1e-2)


def test_descriptors_are_whitened_means_of_both_views_over_the_segment(world):
    classifier, pictures, statistics, found = world
    layer = statistics.layers[0]
    with torch.no_grad():
        normal = classifier.normalise(to_tensor(pictures[:1]))
        maps = (classifier.module.fine(normal) + classifier.module.fine(normal.flip(3)).flip(3)) / 2
        full = nn.functional.interpolate(maps, size=SIDE, mode="bilinear")[0].movedim(0, -1).numpy()
    means = np.stack([full[found.labels == number].mean(0) for number in range(len(found.area))])
    width = layer.projection.shape[1]
    expected = project(layer, means) / np.sqrt(len(statistics.layers))
    assert found.descriptors[:, :width] == pytest.approx(expected, abs=1e-4)
    assert np.linalg.norm(found.descriptors, axis=1) == pytest.approx(1, abs=1e-4)


def test_a_picture_is_described_alike_alone_and_in_company(world):
    classifier, pictures, statistics, alone = world
    together = describe(classifier, pictures[::-1], 1, statistics)[-1].to_arrays()
    again = Described.from_arrays(together).to_arrays()
    assert all((value == again[name]).all() for name, value in alone.to_arrays().items())


def test_a_mirrored_picture_has_its_two_coarse_views_exchanged(world):
    classifier, pictures, statistics, found = world
    turned = describe(classifier, pictures[:1, :, ::-1].copy(), 1, statistics)[0]
    assert turned.coarse @ found.coarse.T == pytest.approx((found.coarse @ found.coarse.T)[::-1], abs=0.02)
