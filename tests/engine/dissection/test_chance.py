import numpy as np
import torch

from summaries.engine.dissection.chance import LabelPool
from summaries.engine.dissection.tally import Labels, Presence, find_presence


def presence_of(number: int, side: int = 2) -> Presence:
    return find_presence(Labels(torch.full((1, side, side), number + 1, dtype=torch.int16)))


def draw(count: int, size: int, seed: int = 0) -> list[int | None]:
    pool = LabelPool(seed, size)
    found = [pool.exchange(presence_of(number)) for number in range(count)]
    return [None if each is None else int(each.concepts[0]) for each in found]


def test_each_image_gets_the_labels_of_an_earlier_one_and_the_first_gets_none():
    drawn = draw(200, 16)
    assert drawn[0] is None
    assert all(other < own for own, other in enumerate(drawn) if own)
    assert draw(200, 16) == drawn != draw(200, 16, seed=1)


def test_labels_come_from_all_that_went_before_and_not_from_neighbours_alone():
    distances = [own - other for own, other in enumerate(draw(2_000, 32)) if own > 1_000]
    assert np.mean(np.array(distances) > 500) > 0.4


def test_labels_of_another_size_are_not_lent():
    pool = LabelPool(0)
    pool.exchange(presence_of(1, side=2))
    assert pool.exchange(presence_of(2, side=3)) is None
    assert int(pool.exchange(presence_of(3, side=3)).concepts[0]) == 2
