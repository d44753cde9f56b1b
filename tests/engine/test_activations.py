import numpy as np
import pytest
import torch
from torch import nn

from summaries.engine import Refusal
from summaries.engine import activations as engine
from summaries.engine.networks import Classifier
from summaries.engine.preprocessing import Preprocessing

SIDE = 64


class Pyramid(nn.Module):
    """Maps at a half, a quarter, an eighth and a sixteenth of the side; two convolutions at a quarter."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.first_quarter = nn.Conv2d(4, 5, 3, stride=2, padding=1)
        self.last_quarter = nn.Conv2d(5, 6, 3, padding=1)
        self.eighth = nn.Conv2d(6, 7, 3, stride=2, padding=1)
        self.sixteenth = nn.Conv2d(7, 70, 3, stride=2, padding=1)
        self.head = nn.Linear(70, 2)

    def forward(self, images):
        maps = self.last_quarter(self.first_quarter(self.stem(images).tanh()).tanh()).tanh()
        return self.head(self.sixteenth(self.eighth(maps).tanh()).mean((2, 3)))


class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 2)

    def forward(self, images):
        return self.head(images.mean((2, 3)))


def classify(module: nn.Module) -> Classifier:
    preprocessing = Preprocessing(SIDE, None, (0.5,) * 3, (0.5,) * 3)
    return Classifier(module.eval(), preprocessing, torch.device("cpu"))


def pictures(count: int) -> torch.Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def rows_of(classifier: Classifier, images: torch.Tensor, layer: engine.Layer) -> np.ndarray:
    (maps,) = engine.activations(classifier, images, [layer.name])
    return maps.movedim(1, -1).reshape(-1, maps.shape[1]).numpy()


def test_the_last_layer_of_each_of_three_resolutions_is_taken_from_fine_to_coarse():
    assert engine.choose_layers(classify(Pyramid())) == ["last_quarter", "eighth", "sixteenth"]


def test_a_network_without_maps_is_refused():
    with pytest.raises(Refusal, match="no convolutional maps"):
        engine.choose_layers(classify(Flat()))


def test_activations_are_the_layers_outputs_and_hooks_are_gone_after():
    module, images = Pyramid(), pictures(3)
    (found,) = engine.activations(classify(module), images, ["stem"])
    assert torch.allclose(found, module.stem((images - 0.5) / 0.5), atol=1e-5)
    engine.choose_layers(classify(module))
    assert not any(part._forward_hooks for part in module.modules())
    assert module.stem.weight.requires_grad


def test_whitened_channels_are_uncorrelated_and_of_unit_variance_where_nothing_damps(monkeypatch):
    monkeypatch.setattr(engine, "DAMPING", 0.0)
    classifier, images = classify(Pyramid()), pictures(6)
    for layer in engine.estimate_statistics(classifier, images).layers[:2]:
        white = (rows_of(classifier, images, layer) - layer.mean) @ layer.projection
        assert white.mean(0) == pytest.approx(0, abs=1e-3)
        assert np.cov(white.T, bias=True) == pytest.approx(np.eye(white.shape[1]), abs=1e-2)


def test_damping_takes_weak_components_back():
    classifier, images = classify(Pyramid()), pictures(6)
    layer = engine.estimate_statistics(classifier, images).layers[0]
    rows = rows_of(classifier, images, layer)
    values = np.linalg.eigvalsh(np.cov(rows.T, bias=True))[::-1]
    found = np.var((rows - layer.mean) @ layer.projection, axis=0)
    assert found == pytest.approx(values / (values + values.mean()), rel=1e-2)


def test_of_many_channels_the_first_components_are_kept_and_projections_have_unit_length():
    classifier, images = classify(Pyramid()), pictures(2)
    layer = engine.estimate_statistics(classifier, images).layers[2]
    assert layer.projection.shape == (70, engine.COMPONENTS)
    found = engine.project(layer, rows_of(classifier, images, layer))
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert (engine.project(layer, layer.mean[None]) == 0).all()


def test_statistics_come_back_from_their_arrays():
    found = engine.estimate_statistics(classify(Pyramid()), pictures(2))
    again = engine.Statistics.from_arrays(found.to_arrays())
    assert [layer.name for layer in again.layers] == [layer.name for layer in found.layers]
    assert all(
        (one.mean == other.mean).all() and (one.projection == other.projection).all()
        for one, other in zip(found.layers, again.layers, strict=True)
    )
