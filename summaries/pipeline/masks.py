"""Masks: found for a chunk of images at once, stored as one artefact and as two pictures an image."""

from collections.abc import Sequence

import numpy as np
import torch

from annotations import files
from summaries import artifacts
from summaries.engine.visual import masks, pictures
from summaries.models import Mask, RunImage
from summaries.pipeline import evidence
from summaries.pipeline.evidence import Track
from summaries.pipeline.networks import classifier_of


def masks_of(used: Sequence[RunImage], track: Track) -> artifacts.Arrays:
    """The masks of a chunk as one artefact, so that a chunk is always optimised in the same batches."""
    run, index = used[0].run_class.run, used[0].run_class.index
    key = artifacts.key_of(
        "masks",
        network=run.network.fingerprint,
        images=[each.image.sha256 for each in used],
        index=index,
        params=run.parameters["masks"],
    )
    if (stored := artifacts.load(key)) is not None:
        return stored
    indices = torch.full((len(used),), index)
    found = masks.find_masks(
        classifier_of(run.network),
        evidence.tensor_of(list(used)),
        indices,
        params=evidence.params_of(run).masks,
        track=track,
    )
    arrays = {name: np.asarray(value) for name, value in vars(found).items()}
    artifacts.save(key, arrays)
    return arrays


def mask_row(run_image: RunImage, found: artifacts.Arrays, place: int) -> Mask:
    numbers = ("p", "p_blurred", "p_smooth", "p_crisp", "p_masked", "area")
    return Mask(
        run_image=run_image,
        file=files.put(pictures.encode_png(found["crisp"][place]), ".png"),
        smooth_file=files.put(pictures.encode_png(found["smooth"][place]), ".png"),
        passes=int(found["passes"][place]),
        **{name: float(found[name][place]) for name in numbers},
    )
