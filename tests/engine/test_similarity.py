"""The region-by-region matrix of a class."""

import numpy as np
import pytest

from summaries.engine.visual import similarity


def blocks_of(rng, sizes):
    return {(i, j): rng.random((a, b)) for i, a in enumerate(sizes) for j, b in enumerate(sizes) if i <= j}


def test_the_matrix_holds_the_kept_rows_above_and_their_transpose_below_the_diagonal():
    rng = np.random.default_rng(1)
    blocks = blocks_of(rng, (6, 5, 4))
    kept = [np.array([4, 1]), np.array([0, 2, 3]), np.array([3])]
    found = similarity.assemble(kept, lambda i, j: blocks[i, j])
    assert found.matrix.shape == (6, 6)
    assert found.image.tolist() == [0, 0, 1, 1, 1, 2]
    assert found.proposal.tolist() == [4, 1, 0, 2, 3, 3]
    for r in range(6):
        for s in range(6):
            (i, p), (j, q) = sorted(
                [(found.image[r], found.proposal[r]), (found.image[s], found.proposal[s])]
            )
            if i == j:
                p, q = found.proposal[r], found.proposal[s]
            assert found.matrix[r, s] == blocks[i, j][p, q]


def test_images_without_regions_are_never_asked_for():
    asked = []

    def block(i, j):
        asked.append((i, j))
        return np.ones((3, 3))

    kept = [np.array([0]), np.zeros(0, np.int64), np.array([2, 1])]
    found = similarity.assemble(kept, block)
    assert asked == [(0, 0), (0, 2), (2, 2)]
    assert found.image.tolist() == [0, 2, 2]


@pytest.mark.parametrize("kept", [[], [np.zeros(0, np.int64)] * 2])
def test_a_class_without_regions_gives_an_empty_matrix(kept):
    found = similarity.assemble(kept, lambda i, j: np.ones((1, 1)))
    assert found.matrix.shape == (0, 0) and found.image.size == found.proposal.size == 0
    assert similarity.shift(found.matrix).shape == (0, 0)


def test_every_pair_passes_through_the_tracker():
    seen = []

    def track(pairs):
        for pair in pairs:
            seen.append(pair)
            yield pair

    similarity.assemble([np.array([0])] * 3, lambda i, j: np.ones((1, 1)), track=track)
    assert len(seen) == 6


def test_the_shift_takes_the_largest_value_self_matches_included():
    shifted = similarity.shift(np.array([[5.0, 1.0], [1.0, 3.0]]))
    assert shifted.tolist() == [[0.0, -4.0], [-4.0, -2.0]]


def test_the_cosine_form_divides_by_self_matches_and_guards_those_that_are_zero():
    matrix = np.array([[4.0, 3.0, 1.0], [3.0, 9.0, 1.0], [1.0, 1.0, 0.0]])
    shifted = similarity.shift(matrix, norm="cosine")
    np.testing.assert_allclose(shifted, [[0, -0.5, -1], [-0.5, 0, -1], [-1, -1, -1]])
