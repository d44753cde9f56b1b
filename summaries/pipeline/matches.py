"""Matches between the images of a class: each image against all later ones, read by later stages."""

from collections.abc import Sequence

import numpy as np

from summaries import artifacts
from summaries.engine.visual import flow, regions
from summaries.models import RunImage
from summaries.pipeline import evidence
from summaries.pipeline.evidence import Track, batches

AT_ONCE = 64
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
    options = evidence.params_of(first.run_class.run)
    lying = [on_mask(each) for each in partners]
    needed = [place for place in range(len(partners)) if len(lying[0]) or len(lying[place])]
    arrays: artifacts.Arrays = {}
    for places in track(batches(needed, AT_ONCE)):
        found = confidences(first, [partners[place] for place in places])
        for place, confidence in zip(places, found, strict=True):
            rows, columns = lying[0], lying[place]
            top = options.regions.quality_count
            arrays[f"block_{place}"] = confidence[np.ix_(rows, columns)]
            arrays[f"rows_{place}"] = regions.top_scores(confidence[rows], top)
            arrays[f"columns_{place}"] = regions.top_scores(confidence.T[columns], top)
    return arrays


def confidences(first: RunImage, partners: Sequence[RunImage]) -> list[np.ndarray]:
    """Local offset matching of one image to several: (n_first, n_partner) each."""
    run = first.run_class.run
    statistics = evidence.background_key(run)
    boxes = [evidence.boxes_of(each) for each in partners]
    described = evidence.descriptors_of(first, statistics)
    scores = [flow.appearance(described, evidence.descriptors_of(each, statistics)) for each in partners]
    found = flow.match_many(evidence.boxes_of(first), boxes, scores, params=evidence.params_of(run).matches)
    return [each.confidence for each in found]


def on_mask(run_image: RunImage) -> np.ndarray:
    share = evidence.params_of(run_image.run_class.run).regions.share_on_mask
    return regions.on_mask(evidence.boxes_of(run_image), evidence.mask_of(run_image), share=share)


class ClassMatches:
    """All matches of a class, image against image, as later stages read them."""

    def __init__(self, used: Sequence[RunImage]) -> None:
        self.on_mask = [on_mask(each) for each in used]
        self._stored = [artifacts.require(matches_key(used[place:])) for place in range(len(used))]

    def block(self, first: int, second: int) -> np.ndarray:
        return self._stored[first][f"block_{second - first}"]

    def tops(self, place: int) -> list[np.ndarray]:
        """The best scores of this image's boxes in every other image."""
        earlier = [self._stored[other][f"columns_{place - other}"] for other in range(place)]
        return earlier + [
            self._stored[place][f"rows_{other - place}"] for other in range(place + 1, len(self._stored))
        ]
