"""train_creature_network --out FILE: makes the small network of the generated image set anew, on its own images."""

import json
import os
import time
from argparse import ArgumentParser
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from django.core.management.base import BaseCommand
from tqdm import tqdm

from annotations.creatures.plan import CLASSES, PARTS
from annotations.creatures.picture import render

TRAINING_SEED, TEST_SEED = 1_000_000, 2_000_000
"""Far from the seeds of image sets, so no picture of a set was trained on."""
TEST_IMAGES = 900
BATCH = 64
NAME = "creatures"


class Command(BaseCommand):
    help = "Trains the network that is shipped as summaries/networks/creatures.safetensors."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--out", type=Path, required=True, help="FILE.safetensors; FILE.json lies beside it"
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--images", type=int, default=6300, help="how many to draw for training")
        parser.add_argument("--epochs", type=int, default=16)

    def handle(self, *, out: Path, seed: int, images: int, epochs: int, **options) -> None:
        from safetensors.torch import save_file

        began = time.monotonic()
        pixels, labels = draw_images(TRAINING_SEED + seed, images, dropped=0.2)
        network = train(pixels, labels, seed=seed, epochs=epochs)
        worth = measure(network, TEST_SEED + seed)
        out.parent.mkdir(parents=True, exist_ok=True)
        save_file(network.state_dict(), out)
        form = form_of(network, out.name, seed, worth)
        out.with_suffix(".json").write_text(json.dumps(form, indent=1) + "\n")
        self.stdout.write(
            f"{out}: test accuracy {worth['accuracy']:.3f}, {out.stat().st_size / 1e6:.2f} MB, "
            f"{(time.monotonic() - began) / 60:.1f} minutes"
        )


def draw_images(
    seed: int, count: int, *, without: str | None = None, dropped: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """(count, 128, 128, 3) uint8 and class numbers."""
    draw = partial(_pixels, seed, without=without, dropped=dropped)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
        drawn = processes.map(draw, range(count), chunksize=50)
        pixels = np.stack(list(tqdm(drawn, total=count, desc=f"Drawing {without or ''}", unit=" images")))
    return pixels, np.arange(count) % len(CLASSES)


def _pixels(seed: int, index: int, *, without: str | None, dropped: float) -> np.ndarray:
    return render(seed, index, without=without, dropped=dropped).rgb
