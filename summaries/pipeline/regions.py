"""Regions: the proposals on an image's mask, pruned, with what hiding their component costs."""

import numpy as np
import torch

from summaries.engine.visual import masks, regions
from summaries.models import Region, RunImage
from summaries.pipeline import evidence
from summaries.pipeline.networks import classifier_of


def region_rows(run_image: RunImage, on_mask: np.ndarray, tops: list[np.ndarray]) -> list[Region]:
    options = evidence.params_of(run_image.run_class.run).regions
    boxes, quality = evidence.boxes_of(run_image)[on_mask], regions.quality(tops, options.quality_count)
    kept = regions.prune_redundant(boxes, quality, literal=options.literal_pruning)
    labels = regions.components(evidence.mask_of(run_image))
    numbers = regions.component_of(boxes[kept], labels)
    drops = _drops(run_image, labels, sorted(set(numbers.tolist()) - {0}))
    return [
        Region(
            run_image=run_image,
            proposal=int(on_mask[index]),
            **dict(zip(("x0", "y0", "x1", "y1"), _half_open(boxes[index]), strict=True)),
            quality=float(quality[index]),
            component=int(number),
            drop=drops.get(int(number), 0.0),
        )
        for index, number in zip(kept, numbers, strict=True)
    ]


def _drops(run_image: RunImage, labels: np.ndarray, numbers: list[int]) -> dict[int, float]:
    """Share of the probability that is lost when one component alone is blurred, for each component."""
    if not numbers:
        return {}
    hidden = torch.from_numpy(np.stack([labels == number for number in numbers]))
    image = evidence.tensor_of([run_image]).expand(len(numbers), -1, -1, -1)
    indices = torch.full((len(numbers),), run_image.run_class.index)
    left = masks.drop_when_hidden(classifier_of(run_image.run_class.run.network), image, hidden, indices)
    p = run_image.mask.p
    return {number: (p - float(each)) / p for number, each in zip(numbers, left, strict=True)}


def _half_open(box: np.ndarray) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = (int(edge) for edge in box)
    return x1, y1, x2 + 1, y2 + 1
