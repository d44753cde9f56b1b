import numpy as np
import pytest
import torch

from benchmarks import dissection
from benchmarks.saliency.subjects import CREATURES, read_network
from summaries.engine.dissection.dissect import Probe


@pytest.fixture(scope="module")
def pictures():
    return dissection.draw_pictures(3, 5)


def test_the_literal_and_the_frugal_loop_count_what_ours_counts(pictures):
    classifier, probe = read_network(CREATURES, torch.device("cpu")), Probe("features.11")
    shown = dissection.fit(classifier, pictures)
    literal, thresholds, seconds = dissection.run_loop(classifier, probe, shown, frugal=False)
    frugal, *_ = dissection.run_loop(classifier, probe, shown, frugal=True)
    ours = dissection.count_with(classifier, probe, shown, torch.from_numpy(thresholds))
    assert literal.both.any() and seconds[0] > seconds[1] > 0
    for name in vars(ours):
        assert np.array_equal(getattr(literal, name), getattr(ours, name)), name
        assert np.array_equal(getattr(frugal, name), getattr(ours, name)), name


def test_sixty_concepts_are_labelled_and_pictures_come_again_in_each_pass(pictures):
    assert len(dissection.CONCEPTS) == 60
    passes = [[number for batch in pictures for number in batch.numbers] for _ in range(2)]
    assert passes == [list(range(5))] * 2
    numbers = {int(number) for each in pictures.labels for number in each.maps.unique()}
    shown = [dissection.CONCEPTS[number - 1] for number in numbers if number]
    assert ("object", "background") in shown and ("object", "animal") in shown
    assert {"part", "object", "colour"} == {kind for kind, _ in shown}
