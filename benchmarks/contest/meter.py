"""What a method costs: the images that it sends through a network, and the CPU seconds of this process."""

import time
from typing import Self

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook


class Meter:
    """Counts inside its `with`. A pass is a picture going through a network, with or without the way back.

    Modules call modules: what counts is the outermost call that takes pictures of three channels.
    """

    def __init__(self) -> None:
        self.passes, self.seconds, self._depth = 0, 0.0, 0

    def __enter__(self) -> Self:
        self._hooks = [
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, always_call=True),
        ]
        self._start = time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds += time.process_time() - self._start
        for hook in self._hooks:
            hook.remove()

    def _enter(self, module: nn.Module, inputs: tuple) -> None:
        pictures = inputs[0] if inputs else None
        if self._depth == 0 and isinstance(pictures, torch.Tensor) and pictures.shape[1:2] == (3,):
            self.passes += len(pictures)
        self._depth += 1

    def _leave(self, *call: object) -> None:
        self._depth -= 1
