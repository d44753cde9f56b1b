"""Weights: read from files as data, checked against a network, named by their content."""

import hashlib
import pickle
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from summaries.engine import Refusal

State = dict[str, torch.Tensor]

WRAPPERS = ("state_dict", "model_state_dict", "model")


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


def fingerprint(state: State) -> str:
    """SHA-256 (hex) over the names in sorted order, with each tensor's type, shape and bytes."""
    digest = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].detach().cpu().contiguous()
        digest.update(f"{key}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


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
