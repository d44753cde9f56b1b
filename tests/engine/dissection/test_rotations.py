import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from summaries.engine import Refusal
from summaries.engine.dissection.dissect import rotate
from summaries.engine.dissection.quantiles import exact_quantile
from summaries.engine.dissection.rotation import bases, curve, fold, haar, power
from summaries.engine.dissection.score import detectors, iou
from summaries.engine.dissection.tally import Labels, Tally


def special_rotations() -> dict[str, np.ndarray]:
    turn = haar(6, 3)
    pairs = np.diag([-1.0, -1, -1, -1, 1, 1])
    return {
        "even": haar(8, 0),
        "odd": haar(9, 1),
        "identity": np.eye(5),
        "half turns": turn @ pairs @ turn.T,
        "exchange of axes": np.eye(4)[[1, 2, 3, 0]] * np.array([[1], [1], [1], [-1]]),
        "one": np.eye(1),
    }


@pytest.mark.parametrize("rotation", special_rotations().values(), ids=special_rotations())
def test_powers_are_rotations_on_the_way_from_the_identity(rotation):
    size = len(rotation)
    for alpha in (0.0, 0.1, 0.5, 0.9, 1.0):
        turned = power(rotation, alpha)
        assert turned @ turned.T == pytest.approx(np.eye(size), abs=1e-8)
        assert np.linalg.det(turned) == pytest.approx(1, abs=1e-8)
    assert power(rotation, 0) == pytest.approx(np.eye(size), abs=1e-8)
    assert power(rotation, 1) == pytest.approx(rotation, abs=1e-8)
    assert power(rotation, 0.5) @ power(rotation, 0.5) == pytest.approx(rotation, abs=1e-8)
    assert power(rotation, 0.3) @ power(rotation, 0.4) == pytest.approx(power(rotation, 0.7), abs=1e-8)
    angles = np.sort(np.abs(np.angle(np.linalg.eigvals(rotation))))
    assert np.sort(np.abs(np.angle(np.linalg.eigvals(power(rotation, 0.5))))) == pytest.approx(
        angles / 2, abs=1e-6
    )


def test_random_rotations_are_drawn_evenly():
    """Over SO(3) the trace is 1 + 2 cos theta with density (1 - cos theta) / pi: mean 0, variance 1."""
    traces = np.array([np.trace(haar(3, seed)) for seed in range(3000)])
    assert abs(traces.mean()) < 4 / np.sqrt(3000)
    assert traces.var() == pytest.approx(1, abs=0.12)
    entries = np.array([haar(3, seed)[2, 0] for seed in range(3000)])  # uniform on [-1, 1] (Archimedes)
    assert abs(entries.mean()) < 0.05 and entries.var() == pytest.approx(1 / 3, abs=0.03)


def test_what_is_no_rotation_is_refused():
    for matrix in (np.eye(3)[[1, 0, 2]], 2 * np.eye(2)):
        with pytest.raises(Refusal, match="Only rotations"):
            power(matrix, 0.5)


@pytest.mark.parametrize("following", [nn.Conv2d(16, 5, 1), nn.Conv2d(16, 5, 3, padding=1), nn.Linear(16, 5)])
def test_the_next_layer_undoes_the_rotation(following):
    torch.manual_seed(0)
    rotation = haar(16, 5)
    maps = torch.randn(2, 16, 6, 6).relu()
    turned = rotate(maps, torch.from_numpy(rotation))
    folded = fold(following, rotation)
    if isinstance(following, nn.Linear):
        maps, turned = maps.mean((2, 3)), turned.mean((2, 3))
    assert torch.allclose(folded(turned), following(maps), atol=1e-4)
    assert not torch.allclose(folded.weight, following.weight, atol=1e-2)
    with pytest.raises(Refusal, match="cannot undo"):
        fold(following, haar(15, 0))


UNITS, IMAGES, CELLS = 40, 300, 16


def planted(seed: int) -> tuple[torch.Tensor, list[Labels]]:
    """As many concepts as units, each lighting up its own unit, under noise."""
    rng = np.random.default_rng(seed)
    cells = IMAGES * CELLS * CELLS
    concept = np.where(rng.random(cells) < 0.2, rng.integers(1, UNITS + 1, cells), 0)
    maps = (concept == np.arange(1, UNITS + 1)[:, None]).astype(np.float32)
    maps += rng.normal(0, 0.4, maps.shape).astype(np.float32)
    shape = (IMAGES, CELLS, CELLS)
    labels = [Labels(torch.from_numpy(each)[None]) for each in concept.reshape(shape)]
    return torch.from_numpy(maps.reshape(UNITS, *shape)).movedim(0, 1), labels


def scores_of(maps: torch.Tensor, labels: list[Labels], basis: np.ndarray) -> np.ndarray:
    turned = rotate(maps, torch.from_numpy(basis))
    thresholds = exact_quantile(turned.movedim(1, -1).flatten(0, 2), 0.995)
    tally = Tally(UNITS, np.zeros(UNITS, np.int64), 1)
    tally.add(turned > thresholds[:, None, None], labels)
    return iou(tally.counts())


def test_planted_detectors_fade_on_the_way_to_a_random_basis():
    alphas, seeds = (0.0, 0.25, 0.5, 0.75, 1.0), range(5)
    worlds = iter([planted(seed) for seed in seeds])

    def score(wanted):
        maps, labels = next(worlds)
        return {alpha: scores_of(maps, labels, basis) for alpha, basis in wanted.items()}

    found = curve(
        score,
        UNITS,
        categories=np.zeros(UNITS, np.int64),
        category_count=1,
        seeds=seeds,
        alphas=alphas,
    )
    assert found.unique.shape == (5, 5, 4) and found.thresholds == (0.04, 0.1, 0.2, 0.3)
    assert (found.unique[:, 0, :3] >= 0.95 * UNITS).all()
    for threshold in (0.04, 0.2):
        middle = np.median(found.unique[:, :, found.thresholds.index(threshold)], 0)
        assert middle[-1] < 0.5 * middle[0], (threshold, middle)
    for row in found.matched:
        assert spearmanr(alphas, row).statistic < -0.8


def test_powers_of_one_rotation_are_named_by_their_exponent():
    found = bases(6, 2, (0.0, 1.0))
    assert found[0.0] == pytest.approx(np.eye(6)) and found[1.0] == pytest.approx(haar(6, 2))


def test_rotating_only_the_names_of_units_changes_no_count():
    maps, labels = planted(0)
    order = np.random.default_rng(0).permutation(UNITS)
    one, other = (scores_of(maps, labels, basis) for basis in (np.eye(UNITS), np.eye(UNITS)[order]))
    assert np.array_equal(other, one[order])
    kinds = np.zeros(UNITS, np.int64)
    assert detectors(one, kinds, 1).unique == detectors(other, kinds, 1).unique
