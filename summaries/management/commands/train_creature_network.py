"""train_creature_network --out FILE: makes a small network of the generated image set, from nothing."""

import json
import os
import time
from argparse import ArgumentParser, ArgumentTypeError
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from django.core.management.base import BaseCommand, CommandError
from safetensors.torch import save
from torch.nn import functional
from tqdm import tqdm

from annotations.creatures.picture import REMOVABLE, render
from annotations.creatures.plan import CLASSES, DROPPED, STAMPED_CLASS
from summaries.engine import Refusal
from summaries.engine.images import to_tensor
from summaries.engine.networks import Classifier, build
from summaries.engine.preprocessing import Preprocessing

ARCHITECTURE = "meronym:creatures"
PREPROCESSING = Preprocessing(input_size=128, resize=128, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
TRAINING_SEED, TEST_SEED = 1_000_000, 2_000_000
"""Far from the seeds of image sets, so that no picture of a set was trained on."""
DROPPED_IN_TRAINING = 0.2
"""More parts are missing in training than in the sets, so that the network learns to use them all."""
TEST_IMAGES = 900
BATCH = 64
RATE = 4e-3
SMOOTHING = 0.05


class Command(BaseCommand):
    help = "Trains a small network; without options, summaries/networks/creatures.safetensors."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--images", type=int, default=5400, help="how many to draw for training")
        parser.add_argument("--epochs", type=int, default=10)
        parser.add_argument("--architecture", default=ARCHITECTURE, help="torchvision:NAME or timm:NAME")
        parser.add_argument("--options", type=read_options, default={}, metavar="JSON", dest="kwargs")

    def handle(
        self, *, out: Path, seed: int, images: int, epochs: int, architecture: str, kwargs: dict, **options
    ) -> None:
        began = time.monotonic()
        torch.manual_seed(seed)
        try:
            network = build(architecture, len(CLASSES), kwargs)
        except Refusal as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        pixels = draw_images(TRAINING_SEED + seed, range(images), dropped=DROPPED_IN_TRAINING)
        classifier = train(network, pixels, epochs=epochs)
        found = measure(classifier, TEST_SEED + seed)
        out.write_bytes(save(contiguous(classifier.module.state_dict())))
        form = describe(classifier, out.name, seed, architecture, kwargs) | found
        out.with_suffix(".json").write_text(json.dumps(form, indent=1) + "\n")
        minutes = (time.monotonic() - began) / 60
        megabytes = out.stat().st_size / 1e6
        self.stdout.write(
            f"{out}: accuracy {found['test_accuracy']:.3f}, {megabytes:.2f} MB, {minutes:.1f} minutes"
        )


def read_options(text: str) -> dict:
    """The constructor's options; argparse says in its own words what is not a JSON object."""
    options = json.loads(text)
    if not isinstance(options, dict):
        raise ArgumentTypeError(f"an object of names and values is needed, not {text}")
    return options


def draw_images(
    seed: int, indices: range, *, without: str | None = None, dropped: float = DROPPED
) -> torch.Tensor:
    """uint8 (N, 128, 128, 3), on all cores; image i is of class i modulo the number of classes."""
    picture = partial(render, seed, without=without, dropped=dropped)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
        drawn = tqdm(processes.map(picture, indices, chunksize=25), "Drawing", len(indices), unit=" images")
        return torch.from_numpy(np.stack([picture.rgb for picture in drawn]))


def train(network: torch.nn.Module, pixels: torch.Tensor, *, epochs: int) -> Classifier:
    """Cross-entropy with smoothed labels, AdamW on one cycle of the rate, random erasing of rectangles."""
    network = network.to(memory_format=torch.channels_last).train()
    classifier = Classifier(network, PREPROCESSING, torch.device("cpu"))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    steps = epochs * (len(pixels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.2)
    batches = (batch for _ in range(epochs) for batch in torch.randperm(len(pixels)).split(BATCH))
    full = (batch for batch in batches if len(batch) == BATCH)
    for batch in tqdm(full, "Training", steps, unit=" steps"):
        images = classifier.normalise(erase(to_tensor(pixels[batch].numpy())))
        loss = functional.cross_entropy(network(images), batch % len(CLASSES), label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return classifier


def erase(images: torch.Tensor) -> torch.Tensor:
    """Paints a rectangle of 12 to 43 pixels a side in one random colour over every other image, in place."""
    for number in torch.nonzero(torch.rand(len(images)) < 0.5):
        image = images[int(number)]
        height, width = torch.randint(12, 44, (2,)).tolist()
        top = int(torch.randint(image.shape[1] - height, (1,)))
        left = int(torch.randint(image.shape[2] - width, (1,)))
        image[:, top : top + height, left : left + width] = torch.rand(3, 1, 1)
    return images


def measure(classifier: Classifier, seed: int) -> dict:
    """Accuracy on unseen images, and how much probability a part is worth to its class: lost when it goes."""
    images = draw_images(seed, range(TEST_IMAGES))
    chances = probabilities(classifier, images)
    truth = torch.arange(TEST_IMAGES) % len(CLASSES)
    worth = {}
    for part in REMOVABLE:
        bare = draw_images(seed, range(TEST_IMAGES // 3), without=part)
        shown = torch.nonzero((bare != images[: len(bare)]).flatten(1).any(1))[:, 0]
        lost = (
            chances[shown, truth[shown]] - probabilities(classifier, bare[shown])[:, truth[shown]].diagonal()
        )
        worth[part] = round(float(lost.mean()), 4)
    return {
        "test_accuracy": round(float((chances.argmax(1) == truth).float().mean()), 4),
        "test_images": TEST_IMAGES,
        "mean_probability": round(float(chances[range(TEST_IMAGES), truth].mean()), 4),
        "worth_of_parts": worth,
    }


def contiguous(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: tensor.contiguous() for key, tensor in state.items()}


def probabilities(classifier: Classifier, pixels: torch.Tensor) -> torch.Tensor:
    """(N, classes)."""
    with torch.no_grad():
        return torch.cat([classifier.probabilities(to_tensor(some.numpy())) for some in pixels.split(BATCH)])


def describe(classifier: Classifier, file: str, seed: int, architecture: str, kwargs: dict) -> dict:
    """The form that `add_network --from` reads."""
    return {
        "name": "creatures",
        "file": file,
        "architecture": architecture,
        "kwargs": kwargs,
        "classes": list(CLASSES),
        "input_size": PREPROCESSING.input_size,
        "resize_short_side": PREPROCESSING.resize,
        "crop": PREPROCESSING.crop,
        "interpolation": PREPROCESSING.interpolation,
        "mean": list(PREPROCESSING.mean),
        "std": list(PREPROCESSING.std),
        "channel_order": "RGB, [0,1] before normalisation",
        "source": f"manage.py train_creature_network --seed {seed}, on images drawn for it",
        "licence": "MIT",
        "note": f"worth_of_parts: mean probability lost without it; the stamp is on '{STAMPED_CLASS}' alone",
        "parameters": sum(weight.numel() for weight in classifier.module.parameters()),
    }
