"""The story of visual summaries by parts, from images through masks, segments and groups to summaries.

Each image is cut into segments, which the network's own activations describe and its gradients weigh; those
of a class are grouped; each group is hidden in each image to see what it is worth. As in `visual`, one
function plans a stage's pieces, one does a piece, and each is safe to do twice.
"""

from dataclasses import astuple

import numpy as np
from django.db import transaction

from annotations.models import Image
from summaries import artifacts
from summaries.engine import activations
from summaries.engine.images import to_tensor
from summaries.engine.visual import clusters, parts, worth
from summaries.jobs import Piece
from summaries.models import Cluster, Job, Member, Region, Run, RunImage, Summary
from summaries.pipeline import evidence, members, segments
from summaries.pipeline.drawings import draw
from summaries.pipeline.evidence import Track, batches
from summaries.pipeline.networks import classifier_of
from summaries.pipeline.pieces import CHUNK, Write, class_of, images_of, in_chunks, nothing

# Background: what the network sees in this image set at large.


def estimate_statistics(job: Job, track: Track) -> Write:
    run = job.run
    key = segments.statistics_key(run)
    if artifacts.load(key) is None:
        side = run.network.input_size
        images = Image.objects.filter(sha256__in=evidence.background_pool(run)).order_by("sha256")
        pool = np.stack([evidence.picture(image.file, side) for image in track(images)])
        found = activations.estimate_statistics(classifier_of(run.network), to_tensor(pool))
        artifacts.save(key, found.to_arrays())
    return nothing


# Segments: pieces of each image, described by the network and weighed by what it makes of them.


def plan_segments(run: Run) -> list[Piece]:
    return in_chunks(run, evidence.used_images)


def describe_segments(job: Job, track: Track) -> Write:
    for each in track(images_of(job)):
        segments.describe(each)
    return nothing


# Clusters: segments that the network sees alike, image after image.


def group_segments(job: Job, track: Track) -> Write:
    run_class = class_of(job)
    used = evidence.used_images(run_class)
    if not used:
        return nothing
    described = [segments.load(each) for each in track(used)]
    grouping = parts.group(described, params=evidence.params_of(job.run).parts, seed=job.run.seed)
    found = [
        member
        for each, one, groups, alike in zip(used, described, grouping.of, grouping.similarity, strict=True)
        for member in members.members_of(each, one.labels, groups, alike)
    ]

    def write() -> None:
        Region.objects.bulk_create([member.region for member in found])
        for number in sorted({member.region.proposal for member in found}):
            members.write_cluster(
                run_class, number, [each for each in found if each.region.proposal == number]
            )

    return write


# Worth: what hiding each group alone costs, and which groups are kept for it.


def measure_worth(job: Job, track: Track) -> Write:
    run_class = class_of(job)
    found = list(run_class.clusters.order_by("number"))
    if not found:
        return nothing
    chunks = track(batches(evidence.used_images(run_class), CHUNK))
    hidden = [_hide(some, count=found[-1].number + 1) for some in chunks]
    measured = zip(*(astuple(each) for _, each in hidden), strict=True)
    joined = worth.Worth(*(np.concatenate(each, axis=-1) for each in measured))
    reasons = worth.judge(joined, params=evidence.params_of(job.run).worth)

    def write() -> None:
        Region.objects.bulk_update([region for regions, _ in hidden for region in regions], ["drop"])
        for cluster in found:
            Cluster.objects.filter(pk=cluster.pk).update(dropped=reasons[cluster.number])

    return write


def _hide(some: list[RunImage], *, count: int) -> tuple[list[Region], worth.Worth]:
    """The regions of these images with what hiding each alone costs, and the same by group and image."""
    rows = [list(each.regions.order_by("proposal")) for each in some]
    measured = worth.measure(
        classifier_of(some[0].run_class.run.network),
        np.stack([evidence.picture_of(each) for each in some]),
        [members.labels_of(each, of_image) for each, of_image in zip(some, rows, strict=True)],
        some[0].run_class.index,
        count=count,
    )
    for place, of_image in enumerate(rows):
        for region in of_image:
            region.drop = float(measured.drop[region.proposal, place])
    return [region for of_image in rows for region in of_image], measured


# Summaries: the groups that are kept, ranked and drawn.


def draw_summaries(job: Job, track: Track) -> Write:
    run_class = class_of(job)
    kept = list(run_class.clusters.filter(dropped="").order_by("number"))
    if not kept:
        return nothing
    topk = evidence.params_of(job.run).topk
    found = [members.choose_shown(cluster, topk) for cluster in kept]
    coverage = np.array([len(each) for each in found]) / len(evidence.used_images(run_class))
    strength = np.array([np.mean([member.region.drop for member in each]) for each in found])
    coherence = np.array([cluster.coherence for cluster in kept])
    order = clusters.rank(np.array([each.number for each in kept]), coverage, strength, coherence)
    drawn = {
        place: draw([member for member in found[place] if member.shown]) for place in track(order.tolist())
    }

    @transaction.atomic
    def write() -> None:
        for rank, place in enumerate(order.tolist(), start=1):
            Member.objects.bulk_update(found[place], ["shown", "dropped", "layers"])
            Summary.objects.create(
                run_class=run_class,
                cluster=kept[place],
                rank=rank,
                coverage=float(coverage[place]),
                strength=float(strength[place]),
                coherence=float(coherence[place]),
                picture=drawn[place],
            )

    return write
