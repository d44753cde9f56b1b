"""Networks: built by name, filled with weights that are only read as data, asked without being changed."""

import copy
import difflib
import hashlib
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from urllib.error import URLError

import safetensors.torch
import timm
import torch
import torchvision.models
from safetensors import SafetensorError
from torch import nn
from torch.fx.experimental.optimization import fuse

from summaries.engine import Refusal
from summaries.engine.creature_net import CreatureNet
from summaries.engine.preprocessing import Preprocessing, parse_preprocessing

State = dict[str, torch.Tensor]

# Options that would fetch or unpickle something behind the caller's back, or that are given elsewhere.
FORBIDDEN_OPTIONS = (
    "weights",
    "weights_backbone",
    "pretrained",
    "pretrained_cfg",
    "checkpoint_path",
    "num_classes",
)
WRAPPERS = ("state_dict", "model_state_dict", "model")
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
        return replace(self, module=module.to(memory_format=torch.channels_last), channels_last=True)  # type: ignore[call-overload]


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


def build(
    architecture: str, class_count: int, kwargs: Mapping[str, object] = MappingProxyType({})
) -> nn.Module:
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


def load_state(path: str | Path) -> State:
    """Read the weights in a .safetensors, .pth or .pt file, as data only: a pickle never runs.

    Unwraps {"state_dict": ...} and the "module." prefix of data-parallel training. Raises Refusal
    for a file that is missing, truncated, no weights, or a pickle that needs more than weights.
    """
    path = Path(path)
    if not path.is_file():
        raise Refusal(f"There is no weights file '{path.name}'.")
    if path.suffix == ".safetensors":
        content = _read_safetensors(path)
    elif path.suffix in (".pth", ".pt"):
        content = _read_pickle(path)
    else:
        raise Refusal(f"Weights come as .safetensors, .pth or .pt; '{path.name}' is none of these.")
    return _unwrap(content, path.name)


def fit_state(module: nn.Module, state: State) -> nn.Module:
    """Fill `module` with `state` and give it back; where they differ, Refusal before anything is changed.

    The sentence names the first missing and first unexpected key, both class counts, the tensor of
    another shape, or the tensor that holds NaN or infinity. Counters of batches seen may be missing.
    """
    own = module.state_dict()
    missing = [key for key in own if key not in state and not key.endswith("num_batches_tracked")]
    unexpected = [key for key in state if key not in own]
    if missing or unexpected:
        parts = [f"they lack '{missing[0]}'"] * bool(missing) + [f"they hold '{unexpected[0]}'"] * bool(
            unexpected
        )
        verb = "unlike it" if len(parts) > 1 else "which does not fit it"
        raise Refusal(f"The weights are of another architecture: {' and '.join(parts)}, {verb}.")
    _check_shapes(own, state)
    for key, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise Refusal(f"The weights are damaged: tensor '{key}' holds NaN or infinity.")
    module.load_state_dict({**own, **state})
    return module


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


def fingerprint(state: State) -> str:
    """SHA-256 (hex) over the names in sorted order, with each tensor's type, shape and bytes."""
    digest = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].detach().cpu().contiguous()
        digest.update(f"{key}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


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


def _read_safetensors(path: Path) -> object:
    try:
        return safetensors.torch.load_file(path)
    except (SafetensorError, OSError) as error:
        raise Refusal(f"'{path.name}' is truncated or is not a safetensors file.") from error


def _read_pickle(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = "holds more than weights, and unpickling it could run code"
        raise Refusal(f"'{path.name}' {reason}; save the state dict alone, best as .safetensors.") from error
    except RuntimeError as error:
        if "TorchScript" in str(error):
            raise Refusal(f"'{path.name}' is a TorchScript program; save its state dict instead.") from error
        raise Refusal(f"'{path.name}' is truncated or is not a weights file.") from error
    except Exception as error:
        # Bytes that are no pickle make the reader fail in many ways (KeyError, EOFError, IndexError ...).
        raise Refusal(f"'{path.name}' is truncated or is not a weights file.") from error


def _unwrap(content: object, name: str) -> State:
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content:
        raise Refusal(f"'{name}' holds no state dict (names with tensors).")
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            raise Refusal(f"'{name}' holds no state dict: entry '{key}' is not a tensor.")
    if all(key.startswith("module.") for key in content):
        return {key.removeprefix("module."): value for key, value in content.items()}
    return dict(content)


def _check_shapes(own: State, state: State) -> None:
    wrong = [key for key in state if state[key].shape != own[key].shape]
    counts = {
        (own[key].shape[:1], state[key].shape[:1])
        for key in wrong
        if own[key].shape[1:] == state[key].shape[1:]
    }
    if wrong and len(counts) == 1 and all(own[key].shape[1:] == state[key].shape[1:] for key in wrong):
        (wanted, given) = counts.pop()
        if len(wanted) == len(given) == 1:
            raise Refusal(f"The weights know {given[0]} classes, but the class list has {wanted[0]}.")
    if wrong:
        key = wrong[0]
        raise Refusal(
            f"The weights are of another architecture: '{key}' is {tuple(state[key].shape)} instead of "
            f"{tuple(own[key].shape)}."
        )


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
