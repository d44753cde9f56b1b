"""The figures of `benchmarks/sanity.py` and `benchmarks/growth.py`, on answers made by hand."""

from argparse import Namespace

import numpy as np
import pytest

from benchmarks import growth, sanity
from summaries.engine.visual.parts import NONE, Grouping
from summaries.engine.visual.segments import Described

LABELS = np.array([[[0, 0, 1, 1], [0, 0, 1, 1], [NONE, NONE, NONE, NONE]]])


def make_described(segments: int) -> Described:
    rng = np.random.default_rng(0)
    square, row = np.ones((segments, segments), np.float32), np.ones(segments, np.float32)
    return Described(
        labels=np.arange(segments, dtype=np.int32)[None],
        area=4 * row,
        evidence=row,
        centre=rng.normal(size=(segments, 2)).astype(np.float32),
        colour=square[:, :3],
        palette=square,
        borders=square,
        descriptors=np.eye(segments, dtype=np.float32),
        coarse=square[:2],
    )


def make_grouping(*of: list[int]) -> Grouping:
    nothing = np.zeros(0, np.float32)
    return Grouping([np.array(each) for each in of], [], nothing, nothing, np.zeros(len(of), bool))


def test_groups_of_other_numbers_agree_and_those_cut_across_do_not():
    renamed = np.where(LABELS == NONE, NONE, 1 - LABELS)
    across = np.where(LABELS == NONE, NONE, [[[0], [1], [0]]])
    assert sanity.agree(LABELS, renamed) == 1
    assert sanity.agree(LABELS, across) < 0.1
    assert sanity.agree(LABELS, np.full_like(LABELS, NONE)) == 0


def test_a_part_is_claimed_by_a_summary_that_covers_it():
    truth = np.array([[[1, 1, 2, 0], [1, 1, 0, 0], [3, 3, 0, 0]]])
    asked = sanity.Planted(0, np.zeros((1, 3, 4, 3), np.uint8), truth)
    assert sanity.count_groups(LABELS) == 2
    assert sanity.count_claims(asked, LABELS) == 1
    assert sanity.count_claims(asked, np.full_like(LABELS, NONE)) == 0


def test_pictures_are_multiplied_by_others_that_differ_a_little():
    original = [make_described(5), make_described(6)]
    found = growth.multiply(original, 10)
    assert len(found) == 10 and found[:2] == original
    for copy in found[2:]:
        source = original[len(copy.area) - 5]
        assert (copy.borders == source.borders).all()
        moved = np.linalg.norm(copy.descriptors - source.descriptors, axis=1)
        assert (moved > 0).all() and moved.mean() == pytest.approx(growth.JITTER, rel=0.5)


def test_groupings_are_compared_by_the_pixels_of_their_segments():
    described = [make_described(4)]
    one, same, other = make_grouping([0, 0, 1, -1]), make_grouping([1, 1, 0, -1]), make_grouping([0, 1, 0, 1])
    assert growth.compare(described, one, same) == 1
    assert growth.compare(described, one, other) < 0.5


def test_growth_is_the_cost_of_a_thousand_over_that_of_a_hundred():
    costs = {100: {"seconds": 2.0, "peak_mb": 500}, 1000: {"seconds": 5.0, "peak_mb": 900}}
    assert growth.report(costs)["growth"] == 2.5


def test_a_few_real_pictures_pass_through_every_step_of_growth(tmp_path):
    options = Namespace(file=tmp_path / "described.pickle", count=6)
    growth.describe(options)
    assert growth.group(Namespace(file=options.file, count=12))["seconds"] > 0
    found = growth.agree(Namespace(file=options.file, count=4))
    assert (found["described"], found["half"], found["ari"]) == (6, 4, 1.0)
    assert -1 <= found["ari"] <= 1 and min(found["groups"]) > 0


def test_random_weights_have_no_summary_even_of_images_that_they_call_otherwise():
    accepted, claims = sanity.ask(sanity.guess(0), [sanity.draw("grawk", 5)])
    assert accepted == {"rule": 0, "free": 0}
    assert claims == 0
