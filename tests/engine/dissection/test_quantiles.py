import numpy as np
import pytest
import torch

from summaries.engine import Refusal
from summaries.engine.dissection.quantiles import QuantileSketch, exact_quantile

LENGTH = 200_000


def make_streams() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    normal = rng.normal(size=LENGTH)
    return {
        "normal": normal,
        "rising": np.sort(normal),
        "falling": np.sort(normal)[::-1],
        "constant": np.full(LENGTH, 3.0),
        "tied": rng.integers(0, 5, LENGTH),
        "a thousandth positive": np.maximum(rng.normal(size=LENGTH) - 3.1, 0),
        "a hundredth positive": np.maximum(rng.normal(size=LENGTH) - 2.3, 0),
        "heavy tail": rng.standard_cauchy(LENGTH),
        "largest first, then noise": np.concatenate([np.full(LENGTH // 200, 9.0), normal])[:LENGTH],
        "waves": np.sin(np.arange(LENGTH) / 50) + 0.01 * normal,
        "zigzag of large and small": normal * np.tile([1, 100], LENGTH // 2),
    }


def rank_errors(streams: torch.Tensor, found: torch.Tensor, level: float) -> np.ndarray:
    """How far `level` is outside the ranks that the value holds in its stream: ties hold several."""
    below = (streams < found).double().mean(0)
    upto = (streams <= found).double().mean(0)
    return torch.maximum(below - level, level - upto).clamp_min(0).numpy()


def sketch_of(streams: torch.Tensor, *, piece: int, seed: int = 1, **options) -> QuantileSketch:
    sketch = QuantileSketch(streams.shape[1], seed, **options)
    for values in streams.split(piece):
        sketch.add(values)
    return sketch


@pytest.fixture(scope="module")
def streams() -> torch.Tensor:
    return torch.from_numpy(np.stack(list(make_streams().values()), 1).astype(np.float32))


@pytest.mark.parametrize("options", [{}, {"levels": 5}], ids=["whole stream", "thinned stream"])
def test_the_rank_is_right_to_a_thousandth_whatever_the_stream_looks_like(streams, options):
    sketch = sketch_of(streams, piece=3_136, **options)
    assert (rank_errors(streams, sketch.quantile(0.995), 0.995) <= 0.001).all()
    assert (sketch.thinning > 0) == bool(options)


def test_merged_in_any_order_the_rank_is_right_too(streams):
    parts = streams.split([50_000, 20_000, 1_000, 129_000])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        sketches = [sketch_of(parts[number], piece=777, seed=number, levels=7) for number in order]
        merged = sketches[0]
        for other in sketches[1:]:
            merged.merge(other)
        assert merged.count == LENGTH
        assert (rank_errors(streams, merged.quantile(0.995), 0.995) <= 0.001).all()


def test_memory_is_bounded(streams):
    sketch = QuantileSketch(streams.shape[1], 0, capacity=256, levels=4)
    sizes = []
    for _ in range(2):
        for values in streams.split(1_000):
            sketch.add(values)
            sizes.append(sum(each.shape[1] for each in (*sketch._levels, *sketch._waiting)))
    assert max(sizes) <= 256 * (4 + 5)


def test_what_fits_is_exact_and_equals_sorting(streams):
    short = streams[:2_000]
    expected = np.sort(short.numpy(), axis=0)[2_000 - 1 - 10]
    assert np.array_equal(exact_quantile(short, 0.995).numpy(), expected)
    assert np.array_equal(sketch_of(short, piece=49).quantile(0.995).numpy(), expected)


def test_a_quantile_is_a_value_with_at_most_its_share_above():
    values = torch.tensor([[0.0, 1.0, 1.0, 2.0, 5.0, 5.0, 5.0, 7.0, 8.0, 9.0]]).T
    assert exact_quantile(values, 0.9).tolist() == [8.0]
    assert exact_quantile(values, 0.5).tolist() == [5.0]
    assert exact_quantile(values, 1.0).tolist() == [9.0]


def test_a_sketch_comes_back_from_its_arrays_and_goes_on(streams):
    sketch = sketch_of(streams[:30_000], piece=999)
    again = QuantileSketch.from_arrays(sketch.to_arrays(), 1)
    assert torch.equal(again.quantile(0.995), sketch.quantile(0.995))
    again.add(streams[30_000:60_000])
    assert (rank_errors(streams[:60_000], again.quantile(0.995), 0.995) <= 0.001).all()


def test_one_sketch_is_not_changed_by_being_merged(streams):
    one, other = (sketch_of(half, piece=500, seed=2) for half in streams.split(LENGTH // 2))
    before = other.quantile(0.995)
    one.merge(other)
    assert torch.equal(other.quantile(0.995), before)
    assert other.count == LENGTH // 2


def test_values_that_are_no_numbers_are_refused():
    sketch = QuantileSketch(2, 0)
    with pytest.raises(Refusal, match="not numbers"):
        sketch.add(torch.tensor([[0.0, float("nan")]]))
    with pytest.raises(Refusal, match="no activations"):
        sketch.quantile(0.995)
    with pytest.raises(Refusal, match="one of 2 units"):
        sketch.add(torch.zeros(3, 5))
