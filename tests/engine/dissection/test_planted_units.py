"""Planted detectors are named; what changes nothing changes nothing; chance finds next to nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from annotations.creatures.anatomy import owner_of
from annotations.creatures.picture import render
from annotations.creatures.plan import PARTS
from summaries.engine.dissection.dissect import Batch, DissectParams, Probe, dissect, find_segments, read_maps
from summaries.engine.dissection.explain import contributions, find_pooled_head
from summaries.engine.dissection.geometry import Geometry, upsample
from summaries.engine.dissection.layers import pick
from summaries.engine.dissection.quantiles import exact_quantile
from summaries.engine.dissection.score import best, detectors, iou
from summaries.engine.dissection.tally import Labels, Tally
from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier, build, fit_state, load_state
from summaries.engine.preprocessing import Preprocessing

SIDE, IMAGES, CONCEPTS = 32, 60, 5
NATIVE = Geometry((SIDE, SIDE), (1.0, 1.0), (0.0, 0.0), (SIDE, SIDE))
COARSE = Geometry((8, 8), (4.0, 4.0), (1.5, 1.5), (SIDE, SIDE))


def planted_world(side: int = 10) -> torch.Tensor:
    """bool (N, C, H, W): each concept a square somewhere in two images of five."""
    rng = np.random.default_rng(0)
    where = np.zeros((IMAGES, CONCEPTS, SIDE, SIDE), bool)
    for image in range(IMAGES):
        for concept in (image % CONCEPTS, (image + 2) % CONCEPTS):
            top, left = rng.integers(0, SIDE - side, 2)
            where[image, concept, top : top + side, left : left + side] = True
    return torch.from_numpy(where)


def labels_of(where: torch.Tensor) -> list[Labels]:
    numbers = torch.arange(1, CONCEPTS + 1)[:, None, None]
    return [Labels((each * numbers).to(torch.int16)) for each in where]


def noisy(maps: torch.Tensor) -> torch.Tensor:
    return maps + 0.01 * torch.rand(maps.shape, generator=torch.Generator().manual_seed(0))


def score(maps: torch.Tensor, where: torch.Tensor, geometry: Geometry, level: float) -> np.ndarray:
    thresholds = exact_quantile(maps.movedim(1, -1).flatten(0, 2), level)
    tally = Tally(maps.shape[1], np.zeros(CONCEPTS, np.int64), 1)
    active = upsample(maps, (SIDE, SIDE), geometry) > thresholds[:, None, None]
    tally.add(active, labels_of(where))
    return iou(tally.counts())


def test_a_planted_unit_is_named_after_its_concept():
    where = planted_world()
    level = 1 - float(where.float().mean((0, 2, 3)).mean())
    scores = score(noisy(where.float()), where, NATIVE, level)
    assert best(scores).label.tolist() == list(range(CONCEPTS))
    assert (best(scores).score > 0.9).all()


def test_at_a_quarter_of_the_resolution_it_is_still_named_and_as_the_formula_says():
    where = planted_world(side=14)
    level = 1 - float(where.float().mean((0, 2, 3)).mean())
    maps = noisy(functional.avg_pool2d(where.float(), 4))
    scores = score(maps, where, COARSE, level)
    assert best(scores).label.tolist() == list(range(CONCEPTS))
    assert (best(scores).score > 0.5).all()
    large = functional.interpolate(maps, (SIDE, SIDE), mode="bilinear", align_corners=False).numpy()
    for unit in range(CONCEPTS):
        values = np.sort(maps[:, unit].numpy(), axis=None)
        mask = large[:, unit] > values[len(values) - 1 - int((1 - level) * len(values))]
        truth = where[:, unit].numpy()
        assert scores[unit, unit] == pytest.approx((mask & truth).sum() / (mask | truth).sum(), abs=1e-6)


@pytest.mark.parametrize(
    ("change", "geometry"),
    [(torch.exp, NATIVE), (lambda a: 4 * a - 8, NATIVE), (lambda a: 4 * a - 8, COARSE)],
    ids=["exp, native", "affine, native", "affine, coarse"],
)
def test_monotone_changes_of_a_unit_change_no_mask(change, geometry):
    where = planted_world()
    cells = geometry.grid[0]
    # Multiples of 1/256 pass through the affine map and bilinear quarters without rounding.
    maps = (functional.adaptive_avg_pool2d(where.float(), cells) * 100).round() / 256
    maps += torch.randint(0, 50, maps.shape, generator=torch.Generator().manual_seed(1)) / 256
    assert np.array_equal(
        score(maps, where, geometry, 0.95), score(change(maps.double()), where, geometry, 0.95)
    )


def test_units_on_a_half_percent_of_places_with_large_concepts_cannot_pass():
    """Of a concept of coverage p at most min(p, q) / max(p, q) can be reached."""
    where = planted_world(side=30)
    scores = score(noisy(where.float()), where, NATIVE, 0.995)
    coverage = where.float().mean((0, 2, 3)).numpy()
    assert (np.diag(scores) <= 0.0051 / coverage).all() and not (scores > 0.04).any()


FOLDER = Path(__file__).resolve().parents[3] / "summaries" / "networks"
CATEGORIES = np.zeros(len(PARTS), np.int64)


def creatures_network(trained: bool) -> Classifier:
    form = json.loads((FOLDER / "creatures.json").read_text())
    torch.manual_seed(0)
    module = build("meronym:creatures", len(form["classes"]))
    if trained:
        module = fit_state(module, load_state(FOLDER / form["file"]))
    return Classifier(module.eval(), Preprocessing(128, None, (0.5,) * 3, (0.5,) * 3), torch.device("cpu"))


@pytest.fixture(scope="module")
def creatures() -> list[Batch]:
    pictures = [render(5_100, index) for index in range(54)]
    owners = [owner_of(part) for part in PARTS]
    number_of = np.zeros(256, np.int16)
    number_of[owners] = np.arange(1, len(PARTS) + 1)
    labels = [Labels(torch.from_numpy(number_of[each.owners])[None]) for each in pictures]
    images = to_tensor(np.stack([each.rgb for each in pictures]))
    return [Batch(images[i : i + 18], labels[i : i + 18], list(range(i, i + 18))) for i in range(0, 54, 18)]


def find(classifier: Classifier, batches: list[Batch], level: float):
    return dissect(
        classifier,
        {"it": Probe("features")},
        batches,
        categories=CATEGORIES,
        category_count=1,
        params=DissectParams(level=level),
    )["it"]


@pytest.mark.parametrize(("level", "threshold", "least"), [(0.995, 0.04, 2), (0.97, 0.1, 3)])
def test_a_trained_network_has_part_detectors_beyond_chance_and_random_weights_have_none(
    creatures, level, threshold, least
):
    """Parts cover some 4 % of a picture and lie about its middle, so at .97 chance alone names some units."""
    trained, random = (find(creatures_network(each), creatures, level) for each in (True, False))
    own, chance, untrained = (
        detectors(iou(tally.counts()), CATEGORIES, 1, threshold=threshold)
        for tally in (trained.tally, trained.chance, random.tally)
    )
    assert own.unique >= least and own.unique > chance.unique and own.units >= 3 * chance.units
    assert untrained.units == 0


def test_the_segment_of_a_detector_lies_on_its_part_in_its_top_image(creatures):
    classifier = creatures_network(True)
    found = find(classifier, creatures, 0.97)
    scores = iou(found.tally.counts())
    unit = int(best(scores).score.argmax())
    part, image = int(best(scores).label[unit]), int(found.tops.images[unit, 0])
    batch, place = creatures[image // 18], image % 18
    maps = read_maps(classifier, {"it": Probe("features")}, batch.images[[place]])["it"][:, unit]
    (segment,) = find_segments(maps, found.thresholds[[unit]], (128, 128), found.layer.geometry)
    on_part = (batch.labels[place].maps[0] == part + 1).numpy()
    assert segment.any() and on_part[segment].mean() > 3 * on_part.mean()


class Marked(nn.Module):
    """Three units, each a colour channel; the class is the colour that is there."""

    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(3, 3, 1, bias=False)
        self.features.weight.data = torch.eye(3)[:, :, None, None]
        self.head = nn.Linear(3, 3)
        self.head.weight.data = 300 * torch.eye(3) - 100
        self.head.bias.data = torch.tensor([0.1, -0.2, 0.3])

    def forward(self, images):
        return self.head(self.features(images).mean((2, 3)))


def test_where_one_part_makes_the_class_the_unit_that_explains_it_bears_its_name():
    rng = np.random.default_rng(3)
    images, labels, classes = [], [], rng.integers(0, 3, 90)
    for kind in classes:
        picture, where = (
            rng.random((3, SIDE, SIDE)).astype(np.float32) * 0.1,
            np.zeros((1, SIDE, SIDE), np.int16),
        )
        top, left = rng.integers(0, SIDE - 4, 2)
        picture[kind, top : top + 4, left : left + 4] += 0.9
        where[0, top : top + 4, left : left + 4] = kind + 1
        images.append(picture)
        labels.append(Labels(torch.from_numpy(where)))
    batches = [Batch(torch.from_numpy(np.stack(images)), labels, list(range(90)))]
    classifier = Classifier(
        Marked().eval(), Preprocessing(SIDE, None, (0,) * 3, (1,) * 3), torch.device("cpu")
    )
    found = dissect(
        classifier,
        {"it": Probe("features")},
        batches,
        categories=np.zeros(3, np.int64),
        category_count=1,
        params=DissectParams(),
    )["it"]
    names = best(iou(found.tally.counts())).label
    layer = pick(classifier.module, SIDE, ["features"])["features"]
    head = find_pooled_head(classifier, layer)
    maps = read_maps(classifier, {"it": Probe("features")}, batches[0].images)["it"]
    predicted = classifier.logits(batches[0].images).argmax(1)
    top = contributions(head, maps, predicted).argmax(1).numpy()
    assert (names[top] == classes).mean() >= 0.9
