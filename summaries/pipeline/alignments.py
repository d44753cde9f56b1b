"""Alignments: the members of a cluster laid over its exemplar, to see how alike they are."""

import numpy as np

from summaries import artifacts
from summaries.engine.visual import clusters, regions, warp
from summaries.models import Cluster, Region, RunImage
from summaries.pipeline import evidence
from summaries.pipeline.evidence import Track
from summaries.pipeline.matches import confidences


def compared(cluster: Cluster) -> list[Region]:
    members = cluster.members.filter(compared=True).order_by("position")
    return [
        member.region
        for member in members.select_related(
            "region__run_image__image",
            "region__run_image__mask",
            "region__run_image__run_class__run__network",
            "region__run_image__run_class__run__image_set",
        )
    ]


def alignment_key(cluster: Cluster) -> str:
    members = compared(cluster)
    run = cluster.run_class.run
    return artifacts.key_of(
        "alignments",
        exemplar=cluster.exemplar.box,
        of=cluster.exemplar.run_image.image.sha256,
        members=[[evidence.proposals_key(each.run_image), each.run_image.mask.file] for each in members],
        background=evidence.background_key(run),
        matches=run.parameters["matches"],
        warp=run.parameters["warp"],
    )


def align(cluster: Cluster, track: Track) -> artifacts.Arrays:
    """How alike the members are inside the exemplar's box, and how far their masks agree there at most."""
    exemplar, members = cluster.exemplar, compared(cluster)
    others = [each.run_image for each in members if each.run_image_id != exemplar.run_image_id]
    found = dict(zip([each.pk for each in others], confidences(exemplar.run_image, others), strict=True))
    box = np.s_[exemplar.y0 : exemplar.y1, exemplar.x0 : exemplar.x1]
    crops, agreed = [], np.zeros((exemplar.y1 - exemplar.y0, exemplar.x1 - exemplar.x0))
    for member in track(members):
        shown, mask = _laid_over(exemplar.run_image, member.run_image, found.get(member.run_image_id))
        crops.append(shown[box])
        agreed += mask[box]
    return {"ssim": clusters.ssim_matrix(crops), "agreed": np.array(agreed.max() / len(members))}


def _laid_over(
    exemplar: RunImage, member: RunImage, confidence: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """A member's picture and binary mask in the exemplar's geometry, where its own lies already."""
    picture = evidence.picture_of(member)
    mask = (evidence.mask_of(member) > regions.EVIDENCE).astype(np.float32)
    if confidence is None:
        return picture, mask
    along = warp.dense_flow(
        evidence.picture_of(exemplar),
        evidence.boxes_of(exemplar),
        evidence.boxes_of(member),
        confidence,
        params=evidence.params_of(exemplar.run_class.run).warp,
    )
    return warp.warp(picture, along), warp.warp(mask, along, outside=0.0)
