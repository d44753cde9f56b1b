"""The smallest pictures, network and options that pass through all stages for real, in seconds."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import safetensors.torch
import torch
from PIL import Image as Pillow

from summaries import runs
from summaries.engine.images import resize_square, to_tensor
from summaries.engine.networks import build
from summaries.engine.visual.masks import MaskParams
from summaries.engine.visual.masks import Stage as MaskStage
from summaries.engine.visual.proposals import ProposalParams
from summaries.engine.visual.warp import WarpParams
from summaries.engine.visual.worth import WorthParams
from summaries.models import Run
from summaries.pipeline import presets

SIDE = 48
CLASSES = ("wheel", "flag", "cloud")
"""The last is known to the network and has no pictures of its own."""
IMAGES = 4
STRANGER, STRANGE = "wheel/stranger.png", 99
"""A flag among the wheels: the network does not believe it."""

TINY = presets.VisualParams(
    background_crops=60,
    masks=MaskParams(
        smooth=MaskStage(iterations=12, l1=0.05, tv=0.01, sparsity=0.0),
        crisp=MaskStage(iterations=6, l1=0.01, tv=1.0, sparsity=2.0),
    ),
    proposals=ProposalParams(scales=(50, 100), minimum_side=8, count=40, strict=False),
    regions=presets.RegionParams(share_on_mask=0.4, quality_count=10),
    clusters=replace(presets.ClusterParams(), factor=1.0, topk=4, max_iter=200, convergence_iter=30),
    warp=WarpParams(iterations=1),
)


TINY_PARTS = presets.PartsParams(masks=TINY.masks, worth=WorthParams(evidence=-10.0), topk=3)
"""A head solved for nine pictures is no judge of blurred ones: it is surer of a wheel there."""

PRESETS = {
    "tiny": (TINY, runs.Preset(Run.Recipe.BOXES, "so small that a test can wait for it")),
    "tiny-parts": (TINY_PARTS, runs.Preset(Run.Recipe.PARTS, "as small, by parts")),
}


def add_presets() -> None:
    for name, (options, preset) in PRESETS.items():
        presets.VISUAL[name] = lambda side, options=options: options
        runs.PRESETS[name] = preset


def picture(name: str, number: int) -> np.ndarray:
    """(64, 64, 3): a spoked wheel or a striped flag on a noisy ground, each a little elsewhere."""
    rng = np.random.default_rng([CLASSES.index(name), number])
    canvas = cv2.GaussianBlur(rng.integers(90, 150, (64, 64, 3), dtype=np.uint8), (5, 5), 2)
    x, y = (int(each) for each in rng.integers(28, 37, 2))
    if name == "wheel":
        cv2.circle(canvas, (x, y), 17, (200, 40, 30), 5)
        cv2.circle(canvas, (x, y), 5, (20, 20, 20), -1)
        for turn in np.arange(3) * np.pi / 3:
            tip = np.array([np.cos(turn), np.sin(turn)]) * 15
            cv2.line(canvas, (x - int(tip[0]), y - int(tip[1])), (x + int(tip[0]), y + int(tip[1])), 20, 2)
    else:
        cv2.line(canvas, (x - 16, y - 20), (x - 16, y + 22), (60, 50, 40), 4)
        for stripe in range(4):
            top = y - 18 + 6 * stripe
            colour = (30, 60, 200) if stripe % 2 else (240, 240, 230)
            cv2.rectangle(canvas, (x - 14, top), (x + 18, top + 5), colour, -1)
    return canvas


def write_pictures(folder: Path, names: tuple[str, ...] = CLASSES[:2]) -> Path:
    """Class folders as import_images reads them, with the stranger among the wheels."""
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(IMAGES):
            Pillow.fromarray(picture(name, number)).save(folder / name / f"{number}.png")
    Pillow.fromarray(picture("flag", STRANGE)).save(folder / STRANGER)
    return folder


def make_state() -> dict[str, torch.Tensor]:
    """Weights of a random network whose last layer is solved for the pictures: no training, no download."""
    torch.manual_seed(0)
    network = build("meronym:creatures", len(CLASSES)).eval()
    shown = [(name, picture(name, number)) for name in CLASSES[:2] for number in range(IMAGES)]
    shown.append(("flag", picture("flag", STRANGE)))
    pixels = to_tensor(np.stack([resize_square(each, SIDE) for _, each in shown]))
    with torch.no_grad():
        seen = network.features((pixels - 0.5) / 0.25).mean((2, 3))
        centre, scale = seen.mean(0), seen.std() + 1e-6
        wanted = torch.full((len(shown), len(CLASSES)), -3.0)
        wanted[torch.arange(len(shown)), [CLASSES.index(name) for name, _ in shown]] = 3.0
        head = torch.linalg.lstsq((seen - centre) / scale, wanted, driver="gelsd").solution.T / scale
        network.classifier.weight.copy_(head)
        network.classifier.bias.copy_(-head @ centre)
    return {key: tensor.clone() for key, tensor in network.state_dict().items()}


def write_network(folder: Path, suffix: str = ".safetensors", **changes: object) -> Path:
    """The network's weights and, beside them, the form that add_network --from reads; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"tiny{suffix}"
    state = make_state()
    if suffix == ".safetensors":
        safetensors.torch.save_file(state, weights)
    else:
        torch.save(state, weights)
    form = {
        "name": "tiny",
        "architecture": "meronym:creatures",
        "file": weights.name,
        "classes": list(CLASSES),
        "input_size": SIDE,
        "resize_short_side": SIDE,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.25, 0.25],
        **changes,
    }
    path = folder / "tiny.json"
    path.write_text(json.dumps(form))
    return path
