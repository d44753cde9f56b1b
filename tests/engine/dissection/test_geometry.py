import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional

from summaries.engine import Refusal
from summaries.engine.dissection.geometry import Geometry, half_pixel, upsample
from summaries.engine.dissection.layers import layers, pick
from summaries.engine.networks import build


def upsample_literally(cells: np.ndarray, size: tuple[int, int], geometry: Geometry) -> np.ndarray:
    """Pixel by pixel, the formula as it is written down."""
    found = np.zeros(size)
    for y in range(size[0]):
        for x in range(size[1]):
            place, corner, share = [], [], []
            for axis, pixel in enumerate((y, x)):
                seen = (pixel + 0.5) * geometry.span[axis] / size[axis] - 0.5
                cell = (seen - geometry.offset[axis]) / geometry.stride[axis]
                place.append(min(max(cell, 0), geometry.grid[axis] - 1))
                corner.append(min(int(place[axis]), max(geometry.grid[axis] - 2, 0)))
                share.append(place[axis] - corner[axis])
            for down in (0, 1):
                for right in (0, 1):
                    part = (share[0] if down else 1 - share[0]) * (share[1] if right else 1 - share[1])
                    row, column = min(corner[0] + down, len(cells) - 1), corner[1] + right
                    found[y, x] += part * cells[row, min(column, cells.shape[1] - 1)]
    return found


@pytest.mark.parametrize(
    "geometry",
    [
        Geometry((5, 7), (4.0, 3.0), (1.5, 0.0), (20, 21)),
        Geometry((3, 3), (8.0, 8.0), (15.0, 15.0), (48, 48)),
        Geometry((1, 4), (20.0, 5.0), (9.5, 2.0), (20, 20)),
    ],
)
def test_upsampling_is_the_formula_at_every_pixel(geometry):
    maps = torch.rand(2, 3, *geometry.grid, generator=torch.Generator().manual_seed(0))
    found = upsample(maps, (18, 25), geometry)
    assert found.shape == (2, 3, 18, 25)
    for image in range(2):
        expected = upsample_literally(maps[image, 0].numpy(), (18, 25), geometry)
        assert found[image, 0].numpy() == pytest.approx(expected, abs=1e-6)


def test_half_pixel_geometry_is_the_usual_resizing():
    maps = torch.rand(1, 2, 7, 7, generator=torch.Generator().manual_seed(0))
    expected = functional.interpolate(maps, (112, 112), mode="bilinear", align_corners=False)
    assert torch.allclose(upsample(maps, (112, 112), half_pixel((7, 7), (224, 224))), expected, atol=1e-6)


def test_a_cell_that_looks_at_a_pixel_is_that_pixel():
    maps = torch.rand(4, 4, generator=torch.Generator().manual_seed(0))
    found = upsample(maps, (16, 16), Geometry((4, 4), (4.0, 4.0), (2.0, 1.0), (16, 16)))
    assert torch.equal(found[2::4, 1::4], maps)
    assert (found[:2] == found[2]).all() and (found[:, -2:] == found[:, -2, None]).all()


class Odd(nn.Module):
    """No padding, dilation, unequal sides, a pooling, a functional resizing and a branch."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, (5, 3), stride=(2, 1), padding=(0, 1))
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.wide = nn.Conv2d(4, 4, 3, dilation=2, padding=2)
        self.side = nn.Conv2d(4, 4, 1)
        self.last = nn.AvgPool2d(2)
        self.out = nn.Identity()
        self.head = nn.Linear(4, 2)

    def forward(self, images):
        maps = self.pool(functional.pad(self.first(images).relu(), (3, 0, 1, 0)))
        maps = self.out(self.last(self.wide(maps) + self.side(maps)))
        return self.head(maps.mean((2, 3)))


def receptive_middle(network: nn.Module, name: str, cell: tuple[int, int], side: int) -> tuple[float, float]:
    """By probing: the middle of the pixels that the cell depends on at all."""
    network = network.double().eval()
    for weight in network.parameters():
        weight.data.abs_().add_(0.01)  # nothing cancels, nothing is cut off
    kept = []
    handle = dict(network.named_modules())[name].register_forward_hook(lambda *call: kept.append(call[2]))
    images = torch.ones(1, 3, side, side, dtype=torch.float64)
    # Slightly larger towards the lower right, so that a maximum is well defined; then towards the upper left.
    rows = []
    for way in (1, -1):
        kept.clear()
        ramp = torch.linspace(1, 1 + way * 1e-3, side, dtype=torch.float64)
        probe = (images * ramp * ramp[:, None]).requires_grad_()
        network(probe)
        gradient = torch.autograd.grad(kept[0][0, :, cell[0], cell[1]].sum(), probe)[0][0].abs().sum(0)
        rows.append(gradient > 0)
    handle.remove()
    seen = rows[0] | rows[1]
    down, right = (seen.any(1 - axis).nonzero()[:, 0] for axis in (0, 1))
    return float(down[0] + down[-1]) / 2, float(right[0] + right[-1]) / 2


@pytest.mark.parametrize("name", ["first", "pool", "out"])
def test_composed_receptive_fields_are_those_that_probing_finds(name):
    torch.manual_seed(0)
    network, cell = Odd(), (3, 4)
    layer = pick(network, 61, [name])[name]
    middle = [layer.geometry.offset[axis] + layer.geometry.stride[axis] * cell[axis] for axis in (0, 1)]
    assert receptive_middle(network, name, cell, 61) == pytest.approx(middle)


def test_known_networks_have_their_known_offsets():
    alexnet = torchvision.models.alexnet(weights=None)
    found = {layer.name: layer for layer in layers(alexnet, 224)}
    assert found["features.10"].shape == (256, 13, 13)
    assert found["features.12"].geometry.offset == (31.0, 31.0)  # as the published code quotes it
    resnet = pick(torchvision.models.resnet18(weights=None), 224, ["layer4"])["layer4"]
    assert resnet.geometry == Geometry((7, 7), (32.0, 32.0), (0.0, 0.0), (224, 224))


@pytest.mark.parametrize(
    ("architecture", "name", "shape"),
    [
        ("timm:vit_tiny_patch16_224", "blocks.3", (192, 14, 14)),
        ("timm:swin_tiny_patch4_window7_224", "layers.3", (768, 7, 7)),
    ],
)
def test_token_maps_become_maps_without_the_class_token(architecture, name, shape):
    network = build(architecture, 10)
    layer = pick(network, 224, [name])[name]
    assert layer.shape == shape
    assert layer.geometry == half_pixel(shape[1:], (224, 224))
    prefix = 1 if layer.form == "tokens" else 0
    numbers = torch.arange(prefix + shape[1] * shape[2]).float() - prefix
    output = numbers[:, None].expand(-1, shape[0])[None]
    output = output if prefix else output.reshape(1, *shape[1:], shape[0])
    maps = layer.maps(output)
    assert maps.shape == (1, *shape)
    assert torch.equal(maps[0, 5].flatten(), torch.arange(shape[1] * shape[2]).float())


def test_layers_come_in_the_order_of_the_pass_and_the_network_is_left_as_found():
    network = build("meronym:creatures", 9).train()
    found = layers(network, 128)
    assert [layer.name for layer in found][:4] == ["features.0", "features.1", "features.2", "features.3"]
    assert found[-1].name == "features" and found[-1].shape == (96, 8, 8)
    assert all(part.training for part in network.modules())
    assert all(weight.requires_grad for weight in network.parameters())
    assert not any(part._forward_hooks for part in network.modules())


def test_unknown_layers_are_refused_with_near_names():
    network = build("meronym:creatures", 9)
    with pytest.raises(Refusal, match="no layer 'feature'; did you mean features"):
        pick(network, 128, ["feature"])
    with pytest.raises(Refusal, match="'classifier' gives no map"):
        pick(network, 128, ["classifier"])
