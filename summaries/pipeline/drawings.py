"""Drawings: the picture of a summary, and which clusters of boxes are kept as such."""

from collections.abc import Sequence

import numpy as np

from annotations import files
from summaries import artifacts
from summaries.engine.visual import clusters, pictures
from summaries.models import Cluster, Member, Region, Run
from summaries.pipeline import evidence
from summaries.pipeline.alignments import alignment_key


def clean(run: Run, found: Sequence[Cluster]) -> clusters.Cleaning:
    options = evidence.params_of(run).clusters
    aligned = [artifacts.require(alignment_key(cluster)) for cluster in found]
    return clusters.clean(
        [each["ssim"] for each in aligned],
        [float(each["agreed"]) for each in aligned],
        rejection=options.rejection,
        acceptance=options.acceptance,
        mean_mask=options.mean_mask,
        min_members=options.min_members,
        matlab_nan_parity=options.matlab_nan_parity,
    )


class Kept:
    """A cluster that became a summary, and the members that are shown."""

    def __init__(self, cluster: Cluster, cleaned: clusters.Cleaned) -> None:
        self.cluster, self.cleaned = cluster, cleaned
        compared = (
            cluster.members.filter(compared=True)
            .order_by("position")
            .select_related(
                "region__run_image__image",
                "region__run_image__mask",
                "region__run_image__run_class__run__network",
            )
        )
        self.shown = [member for member, kept in zip(compared, cleaned.member_kept, strict=True) if kept]


def draw(shown: Sequence[Member]) -> str:
    """Stores each member's layers for the gallery and the picture that people see; returns its key."""
    tiles = []
    for member in shown:
        photograph = evidence.picture_of(member.region.run_image)
        layers = _layers(photograph, member.region)
        tiles.append(pictures.tile(layers))
        member.layers = {
            **pictures.polygons(layers),
            "picture": files.put(pictures.encode_png(photograph), ".png"),
            "dim": files.put(pictures.encode_png(pictures.dimming(layers)), ".png"),
        }
    return files.put(pictures.encode_png(pictures.grid(tiles)), ".png")


def _layers(photograph: np.ndarray, region: Region) -> pictures.Layers:
    if region.file:
        return pictures.layers_of_region(photograph, evidence.mask_of_region(region))
    return pictures.layers(photograph, evidence.mask_of(region.run_image), inclusive(region))


def write_cleaned(cluster: Cluster, cleaned: clusters.Cleaned) -> None:
    Cluster.objects.filter(pk=cluster.pk).update(
        coherence=number_or_none(cleaned.score), dropped=cleaned.reason
    )
    compared = cluster.members.filter(compared=True).order_by("position")
    for member, kept, reason in zip(compared, cleaned.member_kept, cleaned.member_reasons, strict=True):
        member.shown, member.dropped = bool(kept) and cleaned.kept, "" if kept else reason
        member.save(update_fields=["shown", "dropped"])


def number_or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def inclusive(region: Region) -> np.ndarray:
    return np.array([region.x0, region.y0, region.x1 - 1, region.y1 - 1])
