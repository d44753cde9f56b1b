"""The album of photographs: views of outlined objects, figures of regions, and a row from the command."""

import json
import sys
from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
pytest.importorskip("pytorch_grad_cam", reason="requirements-bench.txt is not installed")

from annotations.creatures.picture import render  # noqa: E402
from annotations.creatures.plan import CLASSES  # noqa: E402
from benchmarks import photographs  # noqa: E402
from benchmarks.contest import networks, subject  # noqa: E402
from benchmarks.photography import albums, figures, rounds  # noqa: E402
from summaries.engine.visual import worth  # noqa: E402
from tests.shared_data import SHARED, needs_shared  # noqa: E402

SHIPPED = ROOT / "summaries" / "networks" / "creatures.json"
SIDE = 128


def test_views_keep_the_object_and_come_mirrored():
    objects = np.zeros((60, 80), bool)
    objects[20:40, 30:50] = True
    annotated = albums.Annotated("one", np.dstack([objects * 255] * 3), "cat", objects, ((30, 20, 50, 40),))
    found = list(albums.views_of(annotated))
    assert len(found) == 2 * len(albums.MARGINS)
    assert all(view.objects.sum() == 400 for view in found)
    assert all(((view.rgb[:, :, 0] > 0) == view.objects).all() for view in found)
    assert (found[0].objects == found[1].objects[:, ::-1]).all()
    assert found[0].objects.shape == (22, 22)


def test_objects_too_small_to_look_at_have_no_box_but_still_count_as_object(tmp_path):
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((50, 50, 3), np.uint8))
    large, small = np.zeros((50, 50), bool), np.zeros((50, 50), bool)
    large[10:30, 5:25], small[40, 40] = True, True
    found = albums.outline(tmp_path / "a.jpg", "cat", [large, small])
    assert found.boxes == ((5, 10, 25, 30),) and found.objects.sum() == 401


@needs_shared
def test_outlined_objects_are_read_with_their_kind():
    found = list(albums.read_annotated(SHARED / "data" / "parts"))
    cats = [each for each in found if each.kind == "cat"]
    assert len(cats) == 3 and all(len(each.boxes) == 1 for each in cats)
    assert all(each.rgb.shape[:2] == each.objects.shape for each in found)


def test_the_share_inside_counts_each_region_for_itself():
    objects = np.zeros((1, 4, 4), bool)
    objects[0, :2] = True
    inside, across = objects.copy(), np.ones((1, 4, 4), bool)
    assert figures.share_inside(np.stack([inside, across]), objects) == pytest.approx((8 + 8) / (8 + 16))
    assert figures.share_inside(np.zeros((1, 1, 4, 4), bool), objects) is None


@pytest.fixture(scope="module")
def shipped():
    return networks.read(networks.shipped(SHIPPED))


@pytest.fixture(scope="module")
def pictures():
    """Of class 0."""
    return np.stack([render(5, number * len(CLASSES)).rgb for number in range(2)])


def test_hiding_a_region_costs_the_logit_of_the_picture_in_which_it_is_blurred(shipped, pictures):
    picture, region = pictures[0], np.zeros((1, SIDE, SIDE), bool)
    region[0, 20:60, 30:90] = True
    blurred = cv2.GaussianBlur(picture, (0, 0), worth.STRONG_BLUR, borderType=cv2.BORDER_REFLECT)
    soft = cv2.GaussianBlur(region[0].astype(float), (0, 0), worth.SOFT_EDGE)[..., None]
    hidden = (picture * (1 - soft) + blurred * soft) / 255
    asked = np.stack([picture / 255, blurred / 255, hidden]).transpose(0, 3, 1, 2)
    whole, nothing, without = shipped.logits(torch.from_numpy(asked).float())[:, 0].tolist()
    found = figures.hide(shipped, picture, region, 0)
    assert found == pytest.approx([(whole - without) / (whole - nothing)], abs=1e-3)


def test_figures_of_a_concept_that_is_everything_and_of_one_that_is_nothing(shipped, pictures):
    clusters = [np.ones((2, SIDE, SIDE), bool), np.zeros((2, SIDE, SIDE), bool)]
    found = figures.measure(shipped, pictures, clusters, 0)
    assert (found.concepts, found.regions, found.region_area, found.all_area) == (1, 2, 1, 1)
    assert found.region_drop == found.all_drop == pytest.approx(1, abs=1e-3)
    assert found.inside is None and found.idle == 0
    nothing = figures.measure(shipped, pictures, [], 0)
    assert (nothing.concepts, nothing.region_drop, nothing.all_area) == (0, None, 0)
    assert nothing.all_drop == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(("side", "widths"), [(225, (57, 29, 15)), (128, (32, 16, 8))])
def test_layers_are_those_nearest_in_width_whatever_the_padding(side, widths):
    maps = [(width, torch.nn.Identity()) for width in (side // 2, *widths, widths[-1] // 2)]
    for part, width in zip((4, 8, 16), widths, strict=True):
        assert subject.last(maps, side / part) is dict(maps)[width]


@pytest.mark.django_db
def test_a_class_gives_a_row_for_ours_and_one_for_the_peer(tmp_path):
    label = CLASSES[0]
    (tmp_path / "pictures" / label).mkdir(parents=True)
    for number in range(4):
        path = tmp_path / "pictures" / label / f"{number}.png"
        albums.write(path, render(5, number * len(CLASSES)).rgb)
    call_command("add_network", form=str(SHIPPED))
    objects = {f"{label}/{number}.png": np.ones((SIDE, SIDE), bool) for number in range(4)}
    network = json.loads(SHIPPED.read_text())["name"]
    album = photographs.bring_in(
        albums.Album("few", tmp_path / "pictures", (label,), objects), network, limit=4
    )
    turn = rounds.Turn(network, album, label, "standard", ("dff",), 4)
    ours, peer = rounds.play(turn, masked=False)
    assert (ours["method"], peer["method"]) == ("standard", "dff")
    assert ours["images"] == peer["images"] == 4 and ours["object"] == 1
    assert peer["inside"] == 1 and peer["concepts"] > 0 and peer["seconds"] > 0
    assert "mask_drop" not in ours and ours["seconds"] is None


def test_rows_are_kept_and_done_again_only_with_more_pictures_or_masks(tmp_path, monkeypatch):
    monkeypatch.setattr(photographs, "RESULTS", tmp_path / "results" / "photographs.json")
    row = {"network": "n", "album": "views", "label": "a", "method": "standard", "limit": 8, "images": 3}
    row["inside"] = 0.5
    photographs.write_rows({photographs.key_of(row): row})
    (kept,) = photographs.read_rows().values()
    assert kept == row
    assert photographs.is_done(kept, 8, unmasked=True) and not photographs.is_done(kept, 8, unmasked=False)
    assert not photographs.is_done(kept, 20, unmasked=True)
    assert photographs.is_done(kept | {"mask_drop": 0.9}, 8, unmasked=False)
    assert photographs.is_done(kept | {"images": 0}, 8, unmasked=False)
    assert not photographs.is_done(None, 8, unmasked=True)
    table = photographs.average([row, row | {"label": "b", "inside": None}])
    assert table["views"]["n"]["standard"]["inside"] == 0.5
    assert table["views"]["n"]["standard"]["classes"] == 2


def test_without_the_photographs_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(photographs, "DATA", tmp_path / "nowhere")
    monkeypatch.setattr(photographs, "read_options", lambda: Namespace(quick=True))
    photographs.main()
    assert "is not here" in json.loads(capsys.readouterr().out)["missing"]
