"""Members: the regions that the groups of segments take up in each image, and which of them are shown."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotations import files
from summaries.engine.visual import parts, pictures
from summaries.models import Cluster, Member, Region, RunClass, RunImage
from summaries.pipeline import evidence

SCRAP = 0.25
"""Regions smaller than this share of their group's median are not shown."""


def members_of(run_image: RunImage, labels: NDArray, groups: NDArray, similarity: NDArray) -> list[Member]:
    """One region for each group that the image shows, as a member that has no cluster yet.

    labels (S, S): the segment of each pixel. groups, similarity (segments,): of each segment. A region's
    similarity to the group's centre is the mean over its pixels.
    """
    of_pixel = groups[labels]
    found = []
    for number in np.unique(groups[groups != parts.NONE]):
        inside = of_pixel == number
        region = _region(run_image, int(number), inside)
        found.append(
            Member(region=region, similarity=float(similarity[labels[inside]].mean()), compared=True)
        )
    return found


def write_cluster(run_class: RunClass, number: int, members: list[Member]) -> None:
    """The cluster of these members, whose regions are written; the most similar one is its exemplar."""
    members.sort(key=lambda member: -member.similarity)
    cluster = Cluster.objects.create(
        run_class=run_class,
        exemplar=members[0].region,
        number=number,
        coherence=float(np.mean([member.similarity for member in members])),
    )
    for position, member in enumerate(members):
        member.cluster, member.position = cluster, position
        member.region = member.region  # again, as it has a primary key only now
    Member.objects.bulk_create(members)


def _region(run_image: RunImage, number: int, inside: NDArray[np.bool_]) -> Region:
    down, along = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return Region(
        run_image=run_image,
        proposal=number,
        file=files.put(pictures.encode_png(inside.astype(np.uint8) * 255), ".png"),
        x0=int(along[0]),
        y0=int(down[0]),
        x1=int(along[-1]) + 1,
        y1=int(down[-1]) + 1,
        quality=float(inside.mean()),
        component=0,
    )


def labels_of(run_image: RunImage, regions: Sequence[Region]) -> NDArray[np.int16]:
    """The group of each pixel (S, S), as the image's regions were stored."""
    side = run_image.run_class.run.network.input_size
    labels = np.full((side, side), parts.NONE, np.int16)
    for region in regions:
        labels[evidence.mask_of_region(region) > 0] = region.proposal
    return labels


def choose_shown(cluster: Cluster, topk: int) -> list[Member]:
    """All members, by falling similarity; those are shown that are most similar and cost most when hidden.

    Not those that are mere scraps, of which nobody could say what part they belong to.
    """
    members = list(
        cluster.members.select_related(
            "region__run_image__image", "region__run_image__run_class__run__network"
        ).order_by("position")
    )
    least = SCRAP * np.median([member.region.quality for member in members])
    whole = [member for member in members if member.region.quality >= least]
    whole.sort(key=lambda member: -member.similarity * max(member.region.drop, 0.0))
    for member in members:
        member.dropped = "hardly any of the part shows in this image"
    for place, member in enumerate(whole):
        member.shown = place < topk
        member.dropped = "" if member.shown else f"{topk} other images show it more clearly"
    return members
