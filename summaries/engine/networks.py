"""Networks: built by name, with published weights or a file's, asked without being changed."""

import copy
import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from urllib.error import URLError

import timm
import torch
import torchvision.models
from torch import nn
from torch.fx.experimental.optimization import fuse

from summaries.engine import Refusal
from summaries.engine.creature_net import CreatureNet
from summaries.engine.preprocessing import Preprocessing, parse_preprocessing
from summaries.engine.weights import State, fingerprint, fit_state, load_state

__all__ = [
    "Classifier",
    "Preprocessing",
    "Published",
    "State",
    "build",
    "fingerprint",
    "fit_state",
    "frozen",
    "load_state",
    "parse_preprocessing",
    "pick_device",
    "published_weights",
]

# Options that would fetch or unpickle something behind the caller's back, or that are given elsewhere.
FORBIDDEN_OPTIONS = (
    "weights",
    "weights_backbone",
    "pretrained",
    "pretrained_cfg",
    "checkpoint_path",
    "num_classes",
)
LEAN_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Published:
    """Weights as their makers publish them, with class list, evaluation geometry and build options."""

    state: State
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    kwargs: Mapping[str, object]


@dataclass(frozen=True)
class Classifier:
    """A network, its preprocessing and its device. Asking it never changes the network."""

    module: nn.Module
    preprocessing: Preprocessing
    device: torch.device
    channels_last: bool = False

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, S, S) in [0, 1] -> (images - mean) / std on the classifier's device; differentiable."""
        mean, std = (
            torch.tensor(triple, dtype=images.dtype, device=self.device).view(3, 1, 1)
            for triple in (self.preprocessing.mean, self.preprocessing.std)
        )
        return (images.to(self.device) - mean) / std

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, S, S) in [0, 1] -> (N, C), in eval mode, without gradients for the weights."""
        with frozen(self.module):
            logits: torch.Tensor = self.module(self.normalise(images))
        return logits

    def probabilities(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, S, S) in [0, 1] -> (N, C), the softmax of the logits."""
        return self.logits(images).softmax(1)

    def copy(self) -> "Classifier":
        """A private copy on the device, in eval mode, weights frozen: for many passes without checks."""
        return replace(self, module=copy.deepcopy(self.module).to(self.device).eval().requires_grad_(False))

    def lean(self) -> "Classifier":
        """A private copy for many passes: batch norm folded into convolutions, channels last, weights frozen.

        Its logits equal the original's to float32 rounding (checked on one picture, else the copy
        stays unfolded). The original is not touched; hooks on it do not fire in the copy.
        """
        module = _folded(self.copy().module, self.preprocessing.input_size)
        return replace(self, module=module.to(memory_format=torch.channels_last), channels_last=True)


@contextmanager
def frozen(module: nn.Module) -> Iterator[nn.Module]:
    """Eval mode and no weight gradients inside; every flag as it was afterwards, also after an error."""
    modes = [(part, part.training) for part in module.modules()]
    flags = [(weight, weight.requires_grad) for weight in module.parameters()]
    module.eval().requires_grad_(False)
    try:
        yield module
    finally:
        for part, training in modes:
            part.training = training
        for weight, flag in flags:
            weight.requires_grad_(flag)


def pick_device(name: str | None = None) -> torch.device:
    """The named device, or the first there is of cuda, mps and cpu. Raises Refusal where it is not there."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if not name:
        return torch.device(next(kind for kind, there in present.items() if there))
    kind = name.split(":")[0]
    if kind not in present:
        raise Refusal(f"Device '{name}' is not known; known are {', '.join(present)}.")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise Refusal(f"Device '{name}' does not parse; write for example cuda or cuda:1.") from error
    if not present[kind] or (kind == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise Refusal(f"Device '{name}' is not on this machine.")
    return device


def build(architecture: str, class_count: int, kwargs: Mapping[str, Any] = MappingProxyType({})) -> nn.Module:
    """A network with random weights: "torchvision:NAME", "timm:NAME" or "meronym:creatures".

    `kwargs` go to the library's constructor. Raises Refusal for an unknown name (with near ones
    suggested), for a class count below two and for options that the architecture does not take.
    """
    if class_count < 2:
        raise Refusal(f"A classifier needs at least two classes, not {class_count}.")
    if clash := sorted(set(kwargs) & set(FORBIDDEN_OPTIONS)):
        raise Refusal(
            f"Option '{clash[0]}' may not be given to an architecture; weights and classes are given apart."
        )
    library, name = _split(architecture)
    try:
        if library == "timm":
            return timm.create_model(name, pretrained=False, num_classes=class_count, **kwargs)
        if library == "torchvision":
            return torchvision.models.get_model(name, weights=None, num_classes=class_count, **kwargs)
        return CreatureNet(num_classes=class_count, **kwargs)
    except (TypeError, ValueError) as error:
        raise Refusal(f"'{architecture}' cannot be built with options {dict(kwargs)}: {error}.") from error


def published_weights(architecture: str) -> Published:
    """Download (or take from the library's cache) the default published weights of an architecture.

    Raises Refusal where there are none, and one sentence where they cannot be downloaded.
    """
    library, name = _split(architecture)
    readers = {"torchvision": _published_by_torchvision, "timm": _published_by_timm}
    if library not in readers:
        raise Refusal(f"No weights are published for '{architecture}'; pass a file.")
    try:
        return readers[library](name)
    except (URLError, OSError) as error:
        raise Refusal(
            f"The published weights of '{architecture}' could not be downloaded; download them elsewhere and "
            "pass them as a file."
        ) from error


def _folded(module: nn.Module, size: int) -> nn.Module:
    weight = next(module.parameters())
    probe = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)).to(weight)
    # torch.fx cannot trace every architecture, and each fails in its own way; the plain copy serves them all.
    try:
        folded = fuse(module)
        with torch.no_grad():
            expected, found = module(probe), folded(probe)
    except Exception:
        return module
    scale = expected.abs().amax().clamp_min(1e-6)
    return folded if (found - expected).abs().amax() <= LEAN_TOLERANCE * scale else module


def _split(architecture: str) -> tuple[str, str]:
    library, _, name = architecture.partition(":")
    if library == "torchvision":
        known = torchvision.models.list_models(module=torchvision.models)
        there = name in known
    elif library == "timm":
        known = timm.list_models()
        there = timm.is_model(name)
    elif library == "meronym":
        known = ["creatures"]
        there = name in known
    else:
        raise Refusal(f"Write an architecture as torchvision:NAME or timm:NAME; '{architecture}' is neither.")
    if not there:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "."
        raise Refusal(f"{library} knows no architecture '{name}'{hint}")
    return library, name


def _published_by_torchvision(name: str) -> Published:
    weights = torchvision.models.get_model_weights(name).DEFAULT
    geometry = weights.transforms()
    preprocessing = parse_preprocessing(
        {
            "input_size": geometry.crop_size[0],
            "resize": geometry.resize_size[0],
            "mean": geometry.mean,
            "std": geometry.std,
            "interpolation": geometry.interpolation.value,
        }
    )
    # These weights expect a renormalised input, which the constructor switches on only beside weights.
    kwargs = {"transform_input": True} if name in ("inception_v3", "googlenet") else {}
    return Published(
        weights.get_state_dict(check_hash=True), tuple(weights.meta["categories"]), preprocessing, kwargs
    )


def _published_by_timm(name: str) -> Published:
    config = timm.get_pretrained_cfg(name)
    if config is None or not config.has_weights or config.num_classes != 1000:
        raise Refusal(f"timm publishes no ImageNet weights for '{name}'; pass a file and its class list.")
    module = timm.create_model(name, pretrained=True)
    size = config.input_size[1]
    preprocessing = parse_preprocessing(
        {
            "input_size": size,
            "resize": int(size / config.crop_pct),
            "mean": config.mean,
            "std": config.std,
            "interpolation": config.interpolation,
        }
    )
    classes = timm.data.ImageNetInfo("imagenet-1k").label_descriptions()
    return Published(module.state_dict(), tuple(classes), preprocessing, {})
