"""The contest of `benchmarks/parts.py`: its scores by hand, its methods on pictures too few to win on."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("pytorch_grad_cam", reason="the benchmarks' packages are not installed")

from annotations.creatures.image_set import path_of
from annotations.creatures.picture import render
from annotations.creatures.plan import CLASSES
from benchmarks import parts
from benchmarks.contest import controls, curve, maps, methods, networks, product, tables, tuning, world, worth
from benchmarks.contest.meter import Meter
from benchmarks.contest.scores import score
from benchmarks.contest.subject import LAYERS, Subject
from summaries import runs
from summaries.engine.networks import Classifier, build
from summaries.engine.preprocessing import parse_preprocessing
from summaries.pipeline import presets

ROOT = Path(__file__).resolve().parents[2]
LABEL, SEED, IMAGES = "plimbo", 5, 4


@pytest.fixture(scope="module")
def shipped():
    return networks.read(networks.shipped(ROOT / "summaries" / "networks" / "creatures.json"))


@pytest.fixture(scope="module")
def pictures():
    return world.draw(LABEL, SEED, IMAGES)


# One picture of 4 x 4: part 1 above on the left, part 2 on the right, part 3 below, the last row is scene.
TRUTH = np.array([[[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 3, 3], [0, 0, 0, 0]]])


def cover(*rows: str) -> np.ndarray:
    return np.array([[[letter == "x" for letter in row] for row in rows]])


def test_the_oracle_has_every_score_right():
    found = score(controls.tell_truth(TRUTH, (1, 2, 3)), TRUTH, used=(1, 2, 3), unused=())
    assert (found.miou, found.recall30, found.recall50, found.leak, found.unused) == (1, 1, 1, 0, 0)
    assert (found.per_part, found.nmi, found.ari, found.clusters) == (1, 1, 1, 3)


def test_scores_are_those_counted_by_hand():
    clusters = [
        cover("xx..", "xx..", "....", "x..."),  # part 1 and one pixel of scene: IoU 4/5
        cover("x...", "....", "....", "...."),  # a corner of part 1: IoU 1/4, but part 1 is taken
        cover("....", "....", "xxx.", "...x"),  # most of part 3: IoU 3/5
        cover("....", "....", "....", ".xx."),  # scene alone
    ]
    found = score(clusters, TRUTH, used=(1, 2), unused=(3,), stamp=2)
    assert found.miou == pytest.approx((4 / 5 + 0) / 2)
    assert (found.recall30, found.recall50) == (1 / 2, 1 / 2)
    assert found.leak == pytest.approx(4 / 12)
    assert found.unused == 2 / 4
    assert found.per_part == 2
    assert found.stamp == 0


def test_a_part_between_used_and_unused_is_held_against_nobody():
    found = score([TRUTH == 3], TRUTH, used=(1,), unused=(2,))
    assert (found.unused, found.miou) == (0, 0)


def test_the_matching_serves_the_sum_and_not_the_first():
    clusters = [cover("xxxx", "xxxx", "....", "...."), cover("xx..", "....", "....", "....")]
    found = score(clusters, TRUTH, used=(1, 2), unused=())
    assert found.miou == pytest.approx((2 / 4 + 4 / 8) / 2)


def test_no_clusters_score_nothing_and_leak_nothing():
    found = score([], TRUTH, used=(1, 2), unused=(3,), stamp=2)
    assert (found.miou, found.recall30, found.leak, found.unused, found.clusters, found.stamp) == (0,) * 6


def test_where_clusters_overlap_a_pixel_counts_for_the_smallest():
    everything = np.ones_like(TRUTH, bool)
    assert score([everything, *(part == TRUTH for part in (1, 2, 3))], TRUTH, used=(1,), unused=()).ari == 1


def test_shuffled_regions_are_the_parts_cut_up(pictures):
    clusters = controls.shuffle_regions(pictures.truth, seed=0)
    assert (sum(clusters) == (pictures.truth > 0)).all()


def test_pictures_without_a_part_differ_there_alone(pictures):
    for number, bare in enumerate(pictures.without, 1):
        changed = (bare != pictures.pixels).any(3)
        grown = changed & ~np.array([_near(marks == number) for marks in pictures.truth])
        assert not grown.any()
    assert (pictures.pixels[1] == render(SEED, pictures.index + 9).rgb).all()


def _near(mask: np.ndarray) -> np.ndarray:
    """The part, its edge, and what it hides of itself; parts cast no light on others."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) > 0


def test_the_stamp_is_worth_most_to_its_class_and_is_used(shipped, pictures):
    known = worth.measure(shipped, pictures)
    assert world.PART_NAMES[np.nanargmax(known.share)] == "stamp"
    assert len(world.PART_NAMES) in known.used


def test_a_cut_map_is_where_it_reaches_its_threshold_and_exclusive_where_it_leads():
    soft = np.stack([np.tile(np.linspace(0, 1, 8), (8, 1)), np.full((8, 8), 0.75)])[:, None]
    first, second = maps.cut(soft, 8, threshold=0.5, exclusive=False)
    assert first[0, 0].tolist() == [False] * 4 + [True] * 4 and second.all()
    first, second = maps.cut(soft, 8, threshold=0.5, exclusive=True)
    assert not (first & second)[0, :, :7].any()


@pytest.mark.parametrize(("name", "passes"), [("dff", 1), ("craft", 17), ("ace", 60), ("kmeans", 1)])
def test_a_peer_gives_clusters_and_its_passes_are_counted(shipped, pictures, name, passes):
    method, subject = tuning.PEERS[name], Subject(shipped, pictures.index, pictures.pixels)
    with Meter() as meter:
        clusters = method.find(subject, method.settings(count=5), 0)
    assert clusters and all(cluster.shape == (IMAGES, 128, 128) for cluster in clusters)
    assert all(cluster.dtype == bool and cluster.any() for cluster in clusters)
    found = meter.passes / IMAGES
    assert found >= passes if name == "ace" else found == pytest.approx(passes, abs=0.5)


def test_the_meter_counts_whole_passes_also_of_copies_and_nothing_outside(shipped):
    images = torch.zeros(3, 3, 128, 128)
    lean = shipped.lean()
    with Meter() as meter, torch.no_grad():
        shipped.logits(images)
        lean.logits(images[:2])
        shipped.module.features(images[:1])
        torch.nn.ReLU()(torch.zeros(2, 8))
    shipped.logits(images)
    assert meter.passes == 6 and meter.seconds > 0


@pytest.mark.parametrize("build_name", networks.BUILDS)
def test_layers_are_found_in_every_build(build_name):
    form = networks.describe("untrained", build_name, Path("untrained.safetensors"))
    network = build(form["architecture"], 9, form["kwargs"]).eval()
    classifier = Classifier(network, parse_preprocessing(form), torch.device("cpu"))
    asked = Subject(classifier, 0, np.zeros((1, 128, 128, 3), np.uint8))
    sizes = [asked.look(layer).activations.shape[-1] for layer in LAYERS]
    assert sizes[:3] == [32, 16, 8] and sizes[3] <= 8


@pytest.mark.parametrize("name", tuning.PEERS)
def test_the_settings_kept_are_among_those_tried(name):
    method = tuning.PEERS[name]
    assert tuning.chosen(name) in tuning.draw(method, tuning.TRIALS, seed=0)


def test_trials_begin_with_the_defaults_and_never_repeat():
    method = tuning.PEERS["dff"]
    drawn = tuning.draw(method, 24, seed=0)
    assert drawn[0] == method.settings() and len(set(drawn)) == 24
    assert drawn == tuning.draw(method, 24, seed=0)


def test_differences_are_paired_by_network_and_class():
    rows = [
        {
            "method": method,
            "network": "n",
            "label": str(number),
            "miou": number / 10 + (method == "ours") * 0.2,
        }
        for method in ("ours", "dff")
        for number in range(5)
    ]
    found = tables.compare([*rows, rows[0] | {"label": "alone"}], "ours", "dff", "miou")
    assert (found.mean, found.low, found.high) == pytest.approx((0.2, 0.2, 0.2))


def test_the_best_peer_is_the_one_where_ours_took_part():
    figures = dict.fromkeys(tables.FIGURES, 0.0)
    miou = {("standard", "a"): 0.6, ("dff", "a"): 0.2, ("kmeans", "a"): 0.3, ("dff", "b"): 0.9}
    rows = [
        figures | {"method": method, "network": "n", "label": label, "miou": value}
        for (method, label), value in miou.items()
    ]
    found = tables.against_best(rows)
    assert "standard - kmeans" in found and "mIoU: +0.300 [+0.300, +0.300]" in found and "2.00" in found
    assert tables.against_best(rows[1:]) is None


def test_a_later_row_takes_the_place_of_an_earlier_one_and_all_is_written_down(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "RESULTS", tmp_path / "results" / "parts.json")
    row = {"method": "dff", "network": "n", "label": "a", "miou": 0.1}
    parts.add_results({"rows": [row], "worth": []})
    parts.add_results({"rows": [row | {"miou": 0.2}, row | {"label": "b"}], "worth": []})
    assert [each["miou"] for each in parts.read_results()["rows"]] == [0.2, 0.1]


def test_the_curve_is_drawn_from_the_rows_that_there_are(tmp_path):
    rows = [
        {"method": method, "network": "n", "label": "a"} | dict.fromkeys(tables.FIGURES, passes)
        for method, passes in (("standard", 60.0), ("dff", 1.0))
    ]
    curve.draw(rows, tmp_path / "curve.png")
    assert Image.open(tmp_path / "curve.png").size == (1050, 630)


def test_the_quick_contest_ends_in_one_json_object(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(parts, "QUICK_IMAGES", IMAGES)
    chosen = argparse.Namespace(methods=("dff", "kmeans", "oracle"))
    parts.report(parts.compete(parts.quick_turns(chosen), tmp_path))
    table = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(table) == ["dff", "kmeans", "oracle"]
    assert table["oracle"]["miou"] == 1
    assert {"miou", "recall30", "leak", "unused", "passes", "seconds"} <= table["dff"].keys()


def test_our_clusters_are_read_from_what_the_command_exports(tmp_path):
    mask = np.zeros((8, 8), np.uint8)
    mask[2:4, 3:7] = 255
    Image.fromarray(mask).save(tmp_path / "region.png")
    index = pictures_of(LABEL, 3)
    member = {"file": path_of(index), "mask": "region.png", "shown": False}
    (found,) = product.read({"summaries": [{"members": [member]}]}, tmp_path, (4, 8, 8))
    assert (found[3] == (mask > 0)).all() and found.sum() == (mask > 0).sum()


def pictures_of(label: str, number: int) -> int:
    return CLASSES.index(label) + len(CLASSES) * number


def test_a_variant_differs_from_standard_in_what_was_said(monkeypatch):
    monkeypatch.setattr(presets, "VISUAL", dict(presets.VISUAL))
    monkeypatch.setattr(runs, "PRESETS", dict(runs.PRESETS))
    standard = presets.standard(128)
    for name, overrides in methods.VARIANTS.items():
        product.add_variant(name, overrides)
        made = presets.VISUAL[name](128)
        assert made.segments == replace(standard.segments, **overrides["segments"])
        assert made.masks.annealing.steps == 1 and made.parts == standard.parts
