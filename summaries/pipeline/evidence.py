"""What several stages read: pictures in the network's geometry, boxes, descriptors, masks."""

import io
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from annotations import files
from annotations.models import Image, LabelledImage
from annotations.pictures import read_rgb
from summaries import artifacts
from summaries.engine import Refusal
from summaries.engine.images import resize_square, to_tensor
from summaries.engine.visual import descriptors, proposals
from summaries.models import Region, Run, RunClass, RunImage
from summaries.pipeline import presets

Track = Callable[[Iterable], Iterable]
"""Wraps a loop, so that somebody can follow it and stop it."""

POOL = {Run.Recipe.BOXES: 300, Run.Recipe.PARTS: 100}
"""Images of the set, at most, from which the background statistics are estimated: every place of an image's
activations counts, so fewer do where a network must look at each."""


def params_of(run: Run) -> Any:
    """The options that were written down for the run, in the dataclass of its recipe."""
    return presets.from_json(presets.KINDS[run.recipe], run.parameters)


@lru_cache(maxsize=256)
def picture(file: str, side: int) -> NDArray[np.uint8]:
    """The stored picture (side, side, 3) as the network sees it under preset paper: stretched to a square."""
    try:
        return resize_square(read_rgb(files.get(file)), side)
    except files.Missing as error:
        raise Refusal(f"A picture of the image set is gone from the file store ({file}).") from error


def picture_of(run_image: RunImage) -> NDArray[np.uint8]:
    return picture(run_image.image.file, run_image.run_class.run.network.input_size)


def tensor_of(run_images: list[RunImage]) -> torch.Tensor:
    """(N, 3, S, S) in [0, 1]."""
    return to_tensor(np.stack([picture_of(each) for each in run_images]))


def mask_of(run_image: RunImage) -> NDArray[np.uint8]:
    """The crisp mask (S, S), 255 = evidence."""
    return _grey(run_image.mask.file)


def mask_of_region(region: Region) -> NDArray[np.uint8]:
    """The region's own pixels (S, S), 255 = region; only for regions that have some."""
    return _grey(region.file)


def _grey(file: str) -> NDArray[np.uint8]:
    return np.array(Pillow.open(io.BytesIO(files.get(file))))


def used_images(run_class: RunClass) -> list[RunImage]:
    """The class's images of which evidence came, in their order."""
    images = run_class.images.filter(skipped="", mask__isnull=False)
    return list(images.select_related("image", "mask", "run_class__run__network", "run_class__label"))


def proposals_key(run_image: RunImage) -> str:
    run = run_image.run_class.run
    return artifacts.key_of(
        "proposals",
        image=run_image.image.sha256,
        side=run.network.input_size,
        params=run.parameters["proposals"],
        seed=run.seed,
    )


def boxes_of(run_image: RunImage) -> NDArray[np.int32]:
    """The image's proposals (n, 4), inclusive, found once for all runs. TooFewProposals where strict."""
    return _boxes(proposals_key(run_image), run_image)


def _boxes(key: str, run_image: RunImage) -> NDArray[np.int32]:
    if stored := artifacts.load(key):
        return stored["boxes"]
    run = run_image.run_class.run
    found = proposals.propose(picture_of(run_image), params=params_of(run).proposals, seed=run.seed)
    artifacts.save(key, {"boxes": found})
    return found


def choose_pool(run: Run) -> list[str]:
    """Images of the set, at most POOL of the recipe, by their content: equal sets give equal choices."""
    members = LabelledImage.objects.filter(image_set=run.image_set).values("image")
    images = Image.objects.filter(pk__in=members).order_by("sha256")
    return list(images.values_list("sha256", flat=True)[: POOL[Run.Recipe(run.recipe)]])


def background_pool(run: Run) -> list[str]:
    """What was chosen when the run was planned: the set may have grown since."""
    return run.jobs.get(stage="background").payload["pool"]


def background_key(run: Run) -> str:
    return artifacts.key_of(
        "background",
        images=background_pool(run),
        side=run.network.input_size,
        crops=run.parameters["background_crops"],
        seed=run.seed,
    )


@lru_cache(maxsize=2)
def background(key: str) -> descriptors.Background:
    return descriptors.Background.from_arrays(artifacts.require(key))


def descriptors_of(run_image: RunImage, statistics: str) -> NDArray[np.float32]:
    """Whitened descriptors (n, d) of the image's proposals; too large to store, quick to make again."""
    return _descriptors(
        proposals_key(run_image), statistics, run_image.image.file, run_image.run_class.run.network.input_size
    )


@lru_cache(maxsize=128)
def _descriptors(key: str, statistics: str, file: str, side: int) -> NDArray[np.float32]:
    boxes = artifacts.require(key)["boxes"]
    return descriptors.whiten(descriptors.describe(picture(file, side), boxes), background(statistics))


def batches(items: list, size: int) -> list[list]:
    return [items[start : start + size] for start in range(0, len(items), size)]
