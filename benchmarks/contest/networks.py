"""Three differently built networks of the generated pictures, trained by the project's own command."""

import json
import logging
from pathlib import Path

import torch
from django.core.management import call_command

from annotations.creatures.plan import CLASSES
from summaries.engine.networks import Classifier, build, fit_state, load_state
from summaries.engine.preprocessing import parse_preprocessing

logger = logging.getLogger(__name__)

BUILDS: dict[str, tuple[str, dict]] = {
    "plain": ("meronym:creatures", {}),
    "resnet": (
        "timm:resnet10t",
        {"channels": [24, 48, 64, 96], "stem_width": 16, "stem_type": "deep_tiered"},
    ),
    "mobile": ("torchvision:mobilenet_v2", {"width_mult": 0.35}),
}
"""A plain stack, residual blocks, inverted bottlenecks: 0.2 to 0.4 million weights each."""


def provide(build_name: str, seed: int, folder: Path) -> dict:
    """The form of a network whose weights lie in the folder; trained first where they do not."""
    weights = folder / f"{build_name}_{seed}.safetensors"
    if not weights.exists():
        logger.warning("%s is not there: training it, which takes minutes.", weights)
        folder.mkdir(parents=True, exist_ok=True)
        train(build_name, seed, weights)
    return describe(f"{build_name}-{seed}", build_name, weights)


def train(build_name: str, seed: int, weights: Path) -> None:
    architecture, kwargs = BUILDS[build_name]
    options = {"architecture": architecture, "options": json.dumps(kwargs), "seed": seed}
    words = [f"--{name}={value}" for name, value in options.items()]
    call_command("train_creature_network", f"--out={weights}", *words)


def describe(name: str, build_name: str, weights: Path) -> dict:
    """What `add_network --from` reads of such a network."""
    architecture, kwargs = BUILDS[build_name]
    half = [0.5, 0.5, 0.5]
    return {
        "name": name,
        "file": str(weights.resolve()),
        "architecture": architecture,
        "kwargs": kwargs,
        "classes": list(CLASSES),
        "input_size": 128,
        "resize": 128,
        "mean": half,
        "std": half,
    }


def shipped(path: Path) -> dict:
    """The form of the network that comes with the project, its file named from anywhere."""
    form = json.loads(path.read_text())
    return form | {"name": "shipped", "file": str(path.parent / form["file"])}


def read(form: dict) -> Classifier:
    module = build(form["architecture"], len(form["classes"]), form["kwargs"])
    fit_state(module, load_state(Path(form["file"])))
    return Classifier(module.eval(), parse_preprocessing(form), torch.device("cpu"))
