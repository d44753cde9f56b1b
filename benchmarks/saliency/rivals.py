"""Maps by others' packages, run as they come: Grad-CAM (grad-cam), RISE and extremal perturbation (torchray).

These packages are for this comparison alone, and what is not installed is named so.
"""

import importlib
import warnings
from collections.abc import Callable

import torch
from torch import nn

from summaries.engine.networks import Classifier

EXTREMAL_AREA = 0.1
Mapped = torch.Tensor
Rival = Callable[[Classifier, torch.Tensor, int], Mapped]
"""(classifier, image (3, S, S) in [0, 1], class index) -> map (S, S), larger = more evident."""


def find_rivals(rise_masks: int, perturbation_steps: int) -> dict[str, Rival | None]:
    """Each rival by name, or None where its package is not installed."""
    makers = {
        "grad_cam": ("pytorch_grad_cam", lambda package: lambda *ask: map_by_grad_cam(package, *ask)),
        "rise": ("torchray.attribution.rise", lambda package: rise_with(package, rise_masks)),
        "extremal_perturbation": (
            "torchray.attribution.extremal_perturbation",
            lambda package: extremal_with(package, perturbation_steps),
        ),
    }
    return {name: _made(module, make) for name, (module, make) in makers.items()}


def map_by_grad_cam(package: object, classifier: Classifier, image: torch.Tensor, index: int) -> Mapped:
    module = classifier.copy().module.requires_grad_(True)
    targets = importlib.import_module("pytorch_grad_cam.utils.model_targets")
    with package.GradCAM(model=module, target_layers=[module.features[-1]]) as cam:
        found = cam(classifier.normalise(image[None]), [targets.ClassifierOutputTarget(index)])
    return torch.from_numpy(found[0])


def rise_with(package: object, count: int) -> Rival:
    def find(classifier: Classifier, image: torch.Tensor, index: int) -> Mapped:
        module: nn.Module = classifier.copy().module
        shown = classifier.normalise(image[None])
        return package.rise_class(module, shown, target=[index], num_masks=count, resize=image.shape[1:])[
            0, 0
        ]

    return find


def extremal_with(package: object, steps: int) -> Rival:
    def find(classifier: Classifier, image: torch.Tensor, index: int) -> Mapped:
        module, shown = classifier.copy().module, classifier.normalise(image[None])
        found, _ = package.extremal_perturbation(
            module,
            shown,
            index,
            areas=[EXTREMAL_AREA],
            max_iter=steps,
            reward_func=package.contrastive_reward,
        )
        return found[0, 0].detach()

    return find


def _made(module: str, make: Callable[[object], Rival]) -> Rival | None:
    # The packages are older than this Python and say so at length.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return make(importlib.import_module(module))
        except ImportError:
            return None
