"""Matches between the images of a class: each image against all later ones, read by later stages."""

from collections.abc import Sequence

import numpy as np

from summaries import artifacts
from summaries.engine.visual import flow, regions
from summaries.models import RunImage
from summaries.pipeline import evidence
from summaries.pipeline.evidence import Track, batches

AT_ONCE = 100
"""Partners that share the loop over the rows: more gain nothing and need memory."""


def matches_key(partners: Sequence[RunImage]) -> str:
    """Of the first image against itself and all later ones of its class."""
    run = partners[0].run_class.run
    return artifacts.key_of(
        "matches",
        images=[[evidence.proposals_key(each), each.mask.file] for each in partners],
        background=evidence.background_key(run),
        params=run.parameters["matches"],
        regions=run.parameters["regions"],
    )


def match(first: RunImage, partners: Sequence[RunImage], track: Track) -> artifacts.Arrays:
    """Only what later stages read: blocks between boxes on the masks, and each box's best scores."""
    lying = [on_mask(each) for each in partners]
    needed = [place for place in range(len(partners)) if len(lying[0]) or len(lying[place])]
    arrays: artifacts.Arrays = {}
    for places in track(batches(needed, AT_ONCE)):
        arrays |= _match_batch(first, partners, places, lying)
    return arrays


def _match_batch(
    first: RunImage, partners: Sequence[RunImage], places: Sequence[int], lying: Sequence[np.ndarray]
) -> artifacts.Arrays:
    """A function of its own, so that all confidences of one batch are gone before the next."""
    top = evidence.params_of(first.run_class.run).regions.quality_count
    arrays: artifacts.Arrays = {}
    found = confidences(first, [partners[place] for place in places])
    for place, confidence in zip(places, found, strict=True):
        rows, columns = lying[0], lying[place]
        arrays[f"block_{place}"] = confidence[np.ix_(rows, columns)]
        arrays[f"rows_{place}"] = _top_scores(confidence[rows], top)
        arrays[f"columns_{place}"] = _top_scores(confidence.T[columns], top)
    return arrays


def _top_scores(confidence: np.ndarray, count: int) -> np.ndarray:
    return regions.top_scores(confidence, count).astype(confidence.dtype)


def confidences(first: RunImage, partners: Sequence[RunImage]) -> list[np.ndarray]:
    """Local offset matching of one image to several: (n_first, n_partner) each."""
    run = first.run_class.run
    statistics = evidence.background_key(run)
    boxes = [evidence.boxes_of(each) for each in partners]
    described = evidence.descriptors_of(first, statistics)
    scores = (flow.appearance(described, evidence.descriptors_of(each, statistics)) for each in partners)
    found = flow.match_many(evidence.boxes_of(first), boxes, scores, params=evidence.params_of(run).matches)
    return [each.confidence for each in found]


def on_mask(run_image: RunImage) -> np.ndarray:
    share = evidence.params_of(run_image.run_class.run).regions.share_on_mask
    return regions.on_mask(evidence.boxes_of(run_image), evidence.mask_of(run_image), share=share)


class ClassMatches:
    """All matches of a class, image against image: little of them is ever in memory at once."""

    def __init__(self, used: Sequence[RunImage]) -> None:
        self.on_mask = [on_mask(each) for each in used]
        self._keys = [matches_key(used[place:]) for place in range(len(used))]
        self._blocks: tuple[int, artifacts.Arrays] = (-1, {})

    def block(self, first: int, second: int) -> np.ndarray:
        """Between the boxes on two masks; quick when asked for image by image."""
        if self._blocks[0] != first:
            stored = artifacts.require(self._keys[first], lambda name: name.startswith("block_"))
            self._blocks = first, stored
        return self._blocks[1][f"block_{second - first}"]

    def tops(self, places: Sequence[int]) -> dict[int, list[np.ndarray]]:
        """For each of these images the best scores of its boxes in every other image, in their order."""
        found: dict[int, list[np.ndarray]] = {place: [] for place in places}
        for first in range(max(places, default=-1) + 1):
            columns = {f"columns_{place - first}": place for place in places if place > first}
            rows = [f"rows_{later}" for later in range(1, len(self._keys) - first) if first in found]
            stored = artifacts.require(self._keys[first], {*columns, *rows}.__contains__)
            for name, place in columns.items():
                found[place].append(stored[name])
            if rows:
                found[first] += [stored[name] for name in rows]
        return found
