"""Against the slow loop of the formulas, to the pixel; invariances; labels that are only partly there."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from summaries.engine import Refusal
from summaries.engine.dissection.dissect import Batch, DissectParams, Probe, count, dissect, read_maps, sketch
from summaries.engine.dissection.quantiles import exact_quantile
from summaries.engine.dissection.score import best, iou
from summaries.engine.dissection.tally import NONE, Counts, Labels, Tally
from summaries.engine.networks import Classifier
from summaries.engine.preprocessing import Preprocessing

SIDE, SIZE = 32, (16, 16)
CONCEPTS = 7
CATEGORIES = np.array([0, 0, 0, 1, 1, 2, NONE])
"""Concepts 0 to 2 are objects, 3 and 4 colours, 5 a scene, 6 is in no category."""


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(inplace=True), nn.Conv2d(6, 12, 3, stride=2)
        )
        self.act = nn.ReLU(inplace=True)
        self.head = nn.Linear(12, 3)

    def forward(self, images):
        return self.head(self.act(self.features(images)).mean((2, 3)))


def classify(module: nn.Module) -> Classifier:
    return Classifier(module.eval(), Preprocessing(SIDE, None, (0.5,) * 3, (0.5,) * 3), torch.device("cpu"))


def make_labels(rng: np.random.Generator, number: int) -> Labels:
    """Objects in boxes, colours in stripes in two images of three, a scene in one of four."""
    objects, colours, again = (np.zeros(SIZE, np.int16) for _ in range(3))
    for _ in range(2):
        top, left = rng.integers(0, 12, 2)
        objects[top : top + 5, left : left + 5] = rng.integers(1, 4)
    if number % 3:
        colours[rng.integers(16) :, :] = rng.integers(4, 6)
        again[:, :3] = rng.choice([0, 4, 7])
    whole = (5,) if number % 4 == 0 else ()
    return Labels(torch.from_numpy(np.stack([objects, colours, again])), whole)


def make_batches(count: int, size: int) -> list[Batch]:
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.random((count, 3, 8, 8)).astype(np.float32))
    images = nn.functional.interpolate(images, (SIDE, SIDE), mode="bilinear")
    labels = [make_labels(rng, number) for number in range(count)]
    places = torch.arange(count).split(size)
    return [Batch(images[own], [labels[int(i)] for i in own], own.tolist()) for own in places]


def count_literally(maps: np.ndarray, thresholds: np.ndarray, labels: list[Labels], layer) -> Counts:
    """Image by image, unit by unit, concept by concept: section 1 of the method, nothing clever."""
    from tests.engine.dissection.test_geometry import upsample_literally

    units, images = maps.shape[1], len(maps)
    both = np.zeros((units, CONCEPTS), np.int64)
    labelled, images_with = np.zeros(CONCEPTS, np.int64), np.zeros(CONCEPTS, np.int64)
    active_in, active_over = np.zeros((units, 3), np.int64), np.zeros((units, 3), np.int64)
    active = np.zeros(units, np.int64)
    for x in range(images):
        where = {
            c: (labels[x].maps.numpy() == c + 1).any(0) | (c in labels[x].whole) for c in range(CONCEPTS)
        }
        for c in range(CONCEPTS):
            labelled[c] += where[c].sum()
            images_with[c] += where[c].any()
        for k in range(units):
            mask = upsample_literally(maps[x, k], SIZE, layer.geometry) > thresholds[k]
            active[k] += mask.sum()
            for c in range(CONCEPTS):
                both[k, c] += (mask & where[c]).sum()
            for category in range(3):
                own = [where[c] for c in range(CONCEPTS) if CATEGORIES[c] == category]
                active_in[k, category] += mask.sum() * any(each.any() for each in own)
                active_over[k, category] += mask.sum() * any((each & mask).any() for each in own)
    return Counts(
        both=both,
        labelled=labelled,
        images_with=images_with,
        active_in=active_in,
        active_over=active_over,
        active=active,
        categories=CATEGORIES,
        images=images,
        pixels=images * SIZE[0] * SIZE[1],
    )


CONCEPTS_TOLD = {"categories": CATEGORIES, "category_count": 3}
PARAMS = DissectParams(level=0.95)


def run(batches: list[Batch], *, params: DissectParams = PARAMS):
    return dissect(classify(Small()), {"it": Probe("act")}, batches, params=params, **CONCEPTS_TOLD)["it"]


def same(one: Counts, other: Counts) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


def test_fifty_images_count_as_the_slow_loop_counts_them_to_the_pixel():
    batches = make_batches(50, 8)
    found = run(batches)
    images = torch.cat([batch.images for batch in batches])
    maps = read_maps(classify(Small()), {"it": Probe("act")}, images)["it"]
    thresholds = exact_quantile(maps.movedim(1, -1).flatten(0, 2), 0.95)
    assert torch.equal(found.thresholds, thresholds)
    labels = [each for batch in batches for each in batch.labels]
    expected = count_literally(maps.double().numpy(), thresholds.double().numpy(), labels, found.layer)
    counts = found.tally.counts()
    assert same(counts, expected)
    assert counts.both.sum() > 1000 and (counts.active_over <= counts.active_in).all()
    shares = [
        both / (expected.active_in[k, CATEGORIES[c]] + expected.labelled[c] - both)
        for k in range(12)
        for c, both in enumerate(expected.both[k, :-1])
    ]
    assert iou(counts)[:, :-1].ravel() == pytest.approx(shares, abs=1e-12)
    assert (iou(counts)[:, -1] == 0).all()  # of no category
    lite, own, unrestricted = (iou(counts, rule) for rule in ("lite", "netdissect", "unrestricted"))
    assert (lite >= own - 1e-9).all() and (own >= unrestricted).all()
    assert (lite > own).any() and (own > unrestricted).any()


def test_neither_batches_nor_order_nor_cuts_matter():
    whole, single = make_batches(20, 20), make_batches(20, 1)
    expected, alone = run(whole), run(single)
    assert same(alone.tally.counts(), expected.tally.counts())
    assert torch.equal(alone.tops.images, expected.tops.images)
    assert same(run(single[::-1]).tally.counts(), expected.tally.counts())
    classifier, probes = classify(Small()), {"it": Probe("act")}
    first, second = (sketch(classifier, probes, part)["it"] for part in (single[:7], single[7:]))
    first.merge(second)
    thresholds = {"it": first.quantile(0.95)}
    assert torch.equal(thresholds["it"], alone.thresholds)
    parts = [
        count(classifier, probes, thresholds, part, **CONCEPTS_TOLD)["it"]
        for part in (single[12:], single[:12])
    ]
    merged = Tally.from_arrays(parts[0].tally.to_arrays())
    merged.merge(parts[1].tally)
    assert same(merged.counts(), expected.tally.counts())
    parts[0].tops.merge(parts[1].tops)
    assert torch.equal(parts[0].tops.images, expected.tops.images)


def test_images_without_labels_of_a_category_change_nothing_in_it_but_would_without_the_rule():
    batches = make_batches(24, 8)
    found = run(batches)
    bare = [replace(batch, labels=[Labels(each.maps[:1]) for each in batch.labels]) for batch in batches]
    classifier, probes = classify(Small()), {"it": Probe("act")}
    more = count(
        classifier,
        probes,
        {"it": found.thresholds},
        [*batches, *bare],
        **CONCEPTS_TOLD,
    )["it"].tally.counts()
    counts = found.tally.counts()
    others = np.flatnonzero(CATEGORIES > 0)
    assert np.array_equal(iou(more)[:, others], iou(counts)[:, others])
    assert (iou(more, "unrestricted")[:, others] < iou(counts, "unrestricted")[:, others]).any()


def test_units_as_a_linear_map_of_channels_and_several_layers_go_in_one_pass():
    batches, classifier = make_batches(12, 4), classify(Small())
    order = torch.tensor([3, 1, 7])
    twice = torch.zeros(3, 12).index_put_((torch.arange(3), order), torch.tensor(2.0))
    probes = {"natural": Probe("act"), "chosen": Probe("act", twice), "early": Probe("features.0")}
    found = dissect(classifier, probes, batches, **CONCEPTS_TOLD)
    assert torch.equal(found["chosen"].thresholds, 2 * found["natural"].thresholds[order])
    natural, chosen = (found[key].tally.counts() for key in ("natural", "chosen"))
    assert np.array_equal(chosen.both, natural.both[order])
    assert found["early"].tally.counts().both.shape == (6, CONCEPTS)
    with pytest.raises(Refusal, match="has 6 channels; the basis is one of 12"):
        dissect(classifier, {"it": Probe("features.0", twice)}, batches, **CONCEPTS_TOLD)


def test_top_images_are_those_of_the_highest_maxima():
    batches = make_batches(30, 7)
    found = run(batches, params=DissectParams(top_images=4))
    images = torch.cat([batch.images for batch in batches])
    peaks = read_maps(classify(Small()), {"it": Probe("act")}, images)["it"].amax((2, 3))
    for unit in range(12):
        expected = sorted(range(30), key=lambda image: (-float(peaks[image, unit]), image))[:4]
        assert found.tops.images[unit].tolist() == expected


def test_dead_constant_and_binary_units_are_never_labelled_and_never_nan():
    class Planted(nn.Module):
        def __init__(self):
            super().__init__()
            self.maps = nn.Identity()

        def forward(self, images):
            bright = (images[:, :1] > 0).float()
            zero = torch.zeros_like(bright)
            return self.maps(torch.cat([zero, zero + 0.3, bright, -bright], 1)).mean((2, 3))

    batches = make_batches(10, 5)
    found = dissect(classify(Planted()), {"it": Probe("maps")}, batches, **CONCEPTS_TOLD)["it"]
    for rule in ("netdissect", "lite", "unrestricted"):
        scores = iou(found.tally.counts(), rule)
        assert (scores == 0).all()
        assert (best(scores).label == NONE).all()


def test_iterators_are_refused_and_the_network_is_left_as_found():
    module = Small().train()
    classifier = replace(classify(module), module=module.train())
    with pytest.raises(Refusal, match="twice"):
        dissect(
            classifier,
            {"it": Probe("act")},
            iter(make_batches(2, 1)),
            **CONCEPTS_TOLD,
        )
    dissect(classifier, {"it": Probe("act")}, make_batches(2, 1), **CONCEPTS_TOLD)
    assert all(part.training and not part._forward_hooks for part in module.modules())
    assert all(weight.requires_grad for weight in module.parameters())
