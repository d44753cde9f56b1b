"""What a class's matches hand on: which picture is the row, which the column, and who is left out."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from summaries.pipeline import evidence, matches, presets

BOXES = (9, 7, 8, 6, 5)
ON_MASK = [np.array(each, np.int64) for each in ([0, 3, 8], [], [1, 2, 5, 7], [], [4])]
"""Two pictures have no box on their mask, so that nothing is needed of that pair."""
TOP = 4
PICTURES = range(len(BOXES))


@dataclass(frozen=True)
class Picture:
    number: int
    run_class = SimpleNamespace(run=None)


@pytest.fixture
def blocks(monkeypatch) -> dict[tuple[int, int], np.ndarray]:
    """The confidence of every pair, the earlier picture's boxes as rows."""
    rng = np.random.default_rng(0)
    blocks = {(a, b): rng.random((BOXES[a], BOXES[b])) for a in PICTURES for b in PICTURES[a:]}
    options = replace(presets.VisualParams(), regions=presets.RegionParams(quality_count=TOP))
    monkeypatch.setattr(evidence, "params_of", lambda run: options)
    monkeypatch.setattr(matches, "on_mask", lambda picture: ON_MASK[picture.number])
    monkeypatch.setattr(
        matches, "confidences", lambda a, partners: [blocks[a.number, b.number] for b in partners]
    )
    return blocks


@pytest.fixture
def handed_on(blocks, monkeypatch) -> matches.ClassMatches:
    pictures = [Picture(number) for number in PICTURES]
    stored = {each.number: matches.match(each, pictures[each.number :], iter) for each in pictures}
    monkeypatch.setattr(matches, "matches_key", lambda partners: partners[0].number)
    monkeypatch.setattr(
        matches.artifacts,
        "require",
        lambda key, wanted: {name: array for name, array in stored[key].items() if wanted(name)},
    )
    return matches.ClassMatches(pictures)


def test_a_block_holds_the_boxes_on_the_masks_the_earlier_picture_in_the_rows(blocks, handed_on):
    for first, second in ((0, 0), (0, 2), (2, 4), (4, 4)):
        expected = [
            [blocks[first, second][row, column] for column in ON_MASK[second]] for row in ON_MASK[first]
        ]
        assert np.array_equal(handed_on.block(first, second), expected)


@pytest.mark.parametrize("place", [0, 2, 4])
def test_the_best_scores_are_those_of_a_pictures_own_boxes_in_every_box_of_every_other(
    blocks, handed_on, place
):
    others = [other for other in PICTURES if other != place]
    for other, found in zip(others, handed_on.tops([0, 2, 4])[place], strict=True):
        pair = blocks[place, other] if place < other else blocks[other, place].T
        assert pair.shape == (BOXES[place], BOXES[other])
        assert found.tolist() == [sorted(pair[box], reverse=True)[:TOP] for box in ON_MASK[place]]
