"""Grouping on made descriptions: parts with a direction of their own among the descriptors, and a place.

Pictures show an object of parts around its middle among scenery, which has little evidence. A part has one
colour in a picture, another in the next; half the pictures are mirrored.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from summaries.engine.visual.parts import NONE, PartParams, find_mirrored, group
from summaries.engine.visual.segments import Described

PARTS = 5
SCENERY = 6
LENGTH = 24
PLACES = np.array([(-1.5, -1.0), (1.5, -1.0), (0.0, 0.2), (-1.0, 1.4), (1.2, 1.6)])
MIRRORED = np.array([False, True] * 6 + [False])
FEW = PartParams(finest=PARTS, scenery=3, share=PARTS / (PARTS + SCENERY))


def describe(rng: np.random.Generator, flipped: bool) -> Described:
    """PARTS segments of parts, then scenery; neighbours are next to each other in that order."""
    count = PARTS + SCENERY
    is_part = np.arange(count) < PARTS
    directions = np.concatenate([np.eye(LENGTH)[:PARTS], np.eye(LENGTH)[rng.integers(8, LENGTH, SCENERY)]])
    descriptors = directions + rng.normal(0, 0.05, directions.shape)
    places = np.concatenate([PLACES, rng.uniform(-4, 4, (SCENERY, 2))]) + rng.normal(0, 0.1, (count, 2))
    views = np.eye(4)[:2] + rng.normal(0, 0.1, (2, 4))
    return Described(
        labels=np.arange(count, dtype=np.int32)[None],
        area=np.where(is_part, 40, 150).astype(np.float32),
        evidence=np.where(is_part, rng.uniform(3, 4, count), 0.2).astype(np.float32),
        centre=(places * [-1 if flipped else 1, 1]).astype(np.float32),
        colour=(40.0 * np.arange(count)[:, None] * [0, 1, 1]).astype(np.float32),
        palette=np.eye(count, dtype=np.float32)[rng.permutation(count)],
        borders=(10 * (np.eye(count, k=1) + np.eye(count, k=-1))).astype(np.float32),
        descriptors=(descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True)).astype(np.float32),
        coarse=(views / np.linalg.norm(views, axis=1, keepdims=True))[:: -1 if flipped else 1].astype(
            np.float32
        ),
    )


def draw(seed: int = 0) -> list[Described]:
    rng = np.random.default_rng(seed)
    return [describe(rng, flipped) for flipped in MIRRORED]


def split(each: Described, part: int, *, touching: bool, coloured_alike: bool) -> Described:
    """The part in two halves that the network tells apart a little; the new one is the last segment."""
    count = len(each.area)
    row = lambda values: np.concatenate([values, values[part : part + 1]])  # noqa: E731
    halves = {name: row(getattr(each, name)) for name in ("evidence", "centre", "colour", "palette")}
    descriptors, borders = row(each.descriptors), np.zeros((count + 1, count + 1), np.float32)
    descriptors[[part, count], -1] = (0.35, -0.35)
    borders[:count, :count] = each.borders
    borders[part, count] = borders[count, part] = 10 * touching
    # So far from its neighbour in mean colour, a half keeps its descriptor when these are smoothed.
    halves["colour"][count] += 60
    if not coloured_alike:
        halves["palette"][count] = np.roll(halves["palette"][count], 1)
    return replace(each, **halves, area=row(each.area), descriptors=descriptors, borders=borders)


def without_last_part(each: Described) -> Described:
    kept = np.arange(len(each.area)) != PARTS - 1
    rows = {name: value[kept] for name, value in each.to_arrays().items() if len(value) == len(kept)}
    return replace(each, **rows | {"borders": each.borders[kept][:, kept]})


def groups_of(part: int, of: Sequence[np.ndarray]) -> set[int]:
    return {int(groups[part]) for groups in of}


def test_each_part_is_a_group_and_scenery_is_none():
    found = group(draw(), params=FEW)
    numbers = [groups_of(part, found.of) for part in range(PARTS)]
    assert all(len(number) == 1 for number in numbers)
    assert set.union(*numbers) == set(range(PARTS))
    assert all((groups[PARTS:] == NONE).all() for groups in found.of)
    assert found.recurrence.tolist() == [1.0] * PARTS
    assert (np.diff(found.evidence) <= 0).all() and (found.evidence > 3).all()
    assert all((alike[:PARTS] > 0.9).all() and (alike[PARTS:] == 0).all() for alike in found.similarity)


def test_mirrored_pictures_are_recovered_from_their_two_views():
    assert (find_mirrored([each.coarse for each in draw()]) == MIRRORED).all()
    assert (group(draw(), params=FEW).mirrored == MIRRORED).all()


def test_the_order_of_the_pictures_changes_nothing():
    described = draw()
    order = np.random.default_rng(3).permutation(len(described))
    found, again = group(described, params=FEW), group([described[place] for place in order], params=FEW)
    assert all((found.of[place] == groups).all() for place, groups in zip(order, again.of, strict=True))
    assert found.evidence == pytest.approx(again.evidence, rel=1e-5)


@pytest.mark.parametrize(
    ("touching", "coloured_alike", "joined"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_halves_are_joined_where_they_touch_and_share_their_colours(touching, coloured_alike, joined):
    described = [split(each, 2, touching=touching, coloured_alike=coloured_alike) for each in draw()]
    found = group(described, params=replace(FEW, finest=PARTS + 1, share=0.5))
    first, second = groups_of(2, found.of), groups_of(-1, found.of)
    assert len(first) == len(second) == 1 and NONE not in first | second
    assert (first == second) is joined
    assert len(found.evidence) == PARTS + (not joined)


def test_a_part_in_too_few_pictures_is_no_group():
    rare = [each if number < 5 else without_last_part(each) for number, each in enumerate(draw())]
    found = group(rare, params=replace(FEW, share=0.42))
    assert len(found.evidence) == PARTS - 1
    assert groups_of(PARTS - 1, found.of[:5]) == {NONE}


def test_beyond_the_sample_pictures_are_assigned_to_the_same_groups():
    described = draw()
    found, sampled = group(described, params=FEW), group(described, params=replace(FEW, sample=8), seed=1)
    together = set(zip(np.concatenate(found.of).tolist(), np.concatenate(sampled.of).tolist(), strict=True))
    assert len(together) == PARTS + 1


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_pictures_have_no_parts_in_common(count):
    found = group(draw()[:count])
    assert len(found.evidence) == len(found.recurrence) == 0
    assert len(found.of) == len(found.mirrored) == count
    assert all((groups == NONE).all() for groups in found.of)
