"""Selective search: OpenCV's hierarchies, the published filter, and an order that the seed alone decides."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from summaries.engine import Refusal
from summaries.engine.visual.proposals import (
    OPENCV_QUALITY,
    PAPER,
    Hierarchy,
    Segments,
    TooFewProposals,
    propose,
)
from tests.shared_data import SHARED, needs_shared

ROOT = Path(__file__).resolve().parents[2]
LENIENT = replace(PAPER, strict=False)


def cluttered_picture(seed: int = 0, side: int = 96) -> np.ndarray:
    rng = np.random.default_rng(seed)
    picture = np.full((side, side, 3), 128, np.uint8)
    for _ in range(25):
        centre, radius = rng.integers(0, side, 2).tolist(), int(rng.integers(3, side // 6))
        cv2.circle(picture, centre, radius, rng.integers(0, 256, 3).tolist(), -1)
    return np.clip(picture + rng.normal(0, 5, picture.shape), 0, 255).astype(np.uint8)


def as_set(boxes) -> set[tuple[int, ...]]:
    return {tuple(int(v) for v in box) for box in boxes}


def test_the_boxes_keep_the_published_rules():
    boxes = propose(cluttered_picture(), params=LENIENT, seed=0)

    assert boxes.dtype == np.int32 and boxes.shape[1] == 4
    assert 50 < len(boxes) <= 500
    assert len(as_set(boxes)) == len(boxes)
    assert (boxes[:, 2:] - boxes[:, :2] + 1 >= 20).all()
    spans = (boxes == [0, 0, 95, 95]).all(1)
    assert ((boxes[:, :2] >= 1).all(1) & (boxes[:, 2:] <= 94).all(1) | spans).all()


def test_the_margin_is_counted_from_one_as_published():
    boxes = propose(cluttered_picture(side=225), params=replace(LENIENT, count=10**6), seed=0)

    whole = (boxes[:, :2] <= 1).all(1) & (boxes[:, 2:] >= 222).all(1)
    assert whole.any()
    assert (boxes[~whole][:, :2] >= 2).all() and (boxes[~whole][:, 2:] <= 221).all()


def test_a_strict_count_is_a_refusal_with_the_count_in_it():
    flat = np.full((64, 64, 3), 90, np.uint8)

    with pytest.raises(TooFewProposals, match=r"only 1 proposals where the method wants 500") as refusal:
        propose(flat, seed=0)
    assert isinstance(refusal.value, Refusal)
    assert propose(flat, params=LENIENT, seed=0).tolist() == [[0, 0, 63, 63]]


def test_the_seed_decides_the_order_and_not_the_boxes():
    everything = replace(LENIENT, count=10**6)
    picture = cluttered_picture()

    first, second = (propose(picture, params=everything, seed=seed) for seed in (1, 2))

    assert as_set(first) == as_set(second)
    assert not np.array_equal(first, second)
    assert np.array_equal(propose(picture, params=LENIENT, seed=1), first[:500])


def test_coarse_first_puts_larger_boxes_in_front():
    def mean_side_of_the_first(params):
        boxes = propose(cluttered_picture(), params=replace(params, count=60), seed=0)
        return (boxes[:, 2:] - boxes[:, :2]).mean()

    assert mean_side_of_the_first(LENIENT) > mean_side_of_the_first(replace(LENIENT, coarse_first=False)) + 3


def test_another_process_with_other_threads_and_another_history_finds_the_same(tmp_path):
    picture = cluttered_picture()
    np.save(tmp_path / "picture.npy", picture)
    here = hashlib.sha256(propose(picture, params=LENIENT, seed=5).tobytes()).hexdigest()
    program = (
        "import hashlib, sys, cv2, numpy as np\n"
        "from summaries.engine.visual.proposals import ProposalParams, propose\n"
        "picture, lenient = np.load(sys.argv[1]), ProposalParams(strict=False)\n"
        "cv2.setNumThreads(int(sys.argv[2])); cv2.setRNGSeed(int(sys.argv[2]))\n"
        "propose(picture[::-1].copy(), params=lenient, seed=1)\n"
        "print(hashlib.sha256(propose(picture, params=lenient, seed=5).tobytes()).hexdigest())\n"
    )

    for threads in ("1", "3"):
        command = [sys.executable, "-c", program, str(tmp_path / "picture.npy"), threads]
        there = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        assert there.stdout.strip() == here


@pytest.mark.parametrize("k", [50, 150])
def test_the_hierarchy_is_the_one_that_opencv_builds(k):
    picture = cv2.cvtColor(cluttered_picture(3), cv2.COLOR_RGB2Lab)
    cv = cv2.ximgproc.segmentation
    segmentation = cv.createGraphSegmentation(0.8, float(k), k)
    search = cv.createSelectiveSearchSegmentation()
    search.setBaseImage(picture)
    search.addImage(picture)
    search.addGraphSegmentation(segmentation)
    search.addStrategy(cv.createSelectiveSearchSegmentationStrategyTexture())
    texture = cv.createSelectiveSearchSegmentationStrategyTexture()

    hierarchy = Hierarchy(picture, Segments(segmentation.processImage(picture)), texture, 0)

    opencv = {(x, y, x + w - 1, y + h - 1) for x, y, w, h in search.process().tolist()}
    assert as_set(hierarchy.boxes) == opencv


def test_mergers_are_ranked_from_the_last_and_segments_come_behind():
    labels = np.repeat(np.arange(3, dtype=np.int32), 8)[None].repeat(9, axis=0)
    picture = np.where(labels[..., None] == 2, 200, 40).astype(np.uint8).repeat(3, axis=2)
    colour = cv2.ximgproc.segmentation.createSelectiveSearchSegmentationStrategyColor()

    hierarchy = Hierarchy(picture, Segments(labels), colour, 0)

    assert hierarchy.boxes[3:] == [(0, 0, 15, 8), (0, 0, 23, 8)]
    assert hierarchy.ranks(coarse_first=True) == [3, 3, 3, 2, 1]
    assert hierarchy.ranks(coarse_first=False) == [1, 1, 1, 2, 3]


@needs_shared
def test_a_photograph_yields_five_hundred():
    path = sorted((SHARED / "data" / "images" / "n02110341_dalmatian").iterdir())[0]
    picture = cv2.resize(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), (225, 225))

    assert len(propose(picture, seed=0)) == 500
    assert len(propose(picture, params=replace(OPENCV_QUALITY, strict=False), seed=0)) > 200
