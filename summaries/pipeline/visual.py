"""The story of visual summaries as published, from images through masks, boxes and clusters to summaries.

One function plans a stage's pieces from rows, one does a piece: load what is there, call the engine, store
the arrays, and return how the rows are to be written. Each is safe to do twice. Paper: arXiv 1801.09103.
"""

import numpy as np
import torch
from django.db import transaction

from annotations.models import Image
from summaries import artifacts
from summaries.engine.visual import clusters, similarity
from summaries.engine.visual import descriptors as hog
from summaries.engine.visual.proposals import TooFewProposals
from summaries.jobs import Piece
from summaries.models import Cluster, Job, Mask, Member, Region, Run, RunImage, Summary
from summaries.pipeline import evidence
from summaries.pipeline.alignments import align, alignment_key
from summaries.pipeline.drawings import Kept, clean, draw, write_cleaned
from summaries.pipeline.evidence import Track
from summaries.pipeline.masks import mask_row, masks_of
from summaries.pipeline.matches import ClassMatches, match, matches_key
from summaries.pipeline.networks import classifier_of
from summaries.pipeline.pieces import Write, class_of, images_of, in_chunks, nothing
from summaries.pipeline.regions import region_rows

# Background: what gradients look like in this image set at large.


def plan_background(run: Run) -> list[Piece]:
    return [Piece("all", {"pool": evidence.choose_pool(run)})]


def estimate_background(job: Job, track: Track) -> Write:
    run = job.run
    key = evidence.background_key(run)
    if artifacts.load(key) is None:
        side = run.network.input_size
        images = Image.objects.filter(sha256__in=evidence.background_pool(run)).order_by("sha256")
        pool = [evidence.picture(image.file, side) for image in track(images)]
        crops = evidence.params_of(run).background_crops
        artifacts.save(key, hog.estimate_background(pool, seed=run.seed, crops=crops).to_arrays())
    return nothing


# Masks: where the network's evidence lies.


def plan_masks(run: Run) -> list[Piece]:
    return in_chunks(run, lambda run_class: run_class.images.all())


def find_masks(job: Job, track: Track) -> Write:
    candidates = images_of(job)
    network = job.run.network
    classifier = classifier_of(network)
    index = candidates[0].run_class.index
    with torch.no_grad():
        believed = classifier.probabilities(evidence.tensor_of(candidates)).cpu().numpy()
    skipped = {
        each.pk: f"the network says '{network.class_name(int(row.argmax()))}' ({row.max():.2f})"
        for each, row in zip(candidates, believed, strict=True)
        if row.argmax() != index
    }
    used = [each for each in candidates if each.pk not in skipped]
    found = masks_of(used, track) if used else {}
    rows = [mask_row(each, found, place) for place, each in enumerate(used)]

    def write() -> None:
        Mask.objects.bulk_create(rows)
        for pk, reason in skipped.items():
            RunImage.objects.filter(pk=pk).update(skipped=reason)

    return write


# Proposals: boxes that might hold a part.


def plan_proposals(run: Run) -> list[Piece]:
    return in_chunks(run, evidence.used_images)


def find_proposals(job: Job, track: Track) -> Write:
    skipped = {}
    for each in track(images_of(job)):
        try:
            evidence.boxes_of(each)
        except TooFewProposals as refusal:
            skipped[each.pk] = str(refusal)

    def write() -> None:
        for pk, reason in skipped.items():
            RunImage.objects.filter(pk=pk).update(skipped=reason)

    return write


# Matches: how well each proposal finds each proposal of every other image of the class.


def plan_matches(run: Run) -> list[Piece]:
    pieces = []
    for run_class in run.classes.all():
        used = [each.pk for each in evidence.used_images(run_class)]
        pieces += [Piece(f"{run_class.pk}:{pk}", {"images": used[place:]}) for place, pk in enumerate(used)]
    return pieces


def match_image(job: Job, track: Track) -> Write:
    first, *_ = partners = images_of(job)
    key = matches_key(partners)
    if artifacts.load(key) is None:
        artifacts.save(key, match(first, partners, track))
    return nothing


# Regions: the proposals on the mask, each part once, and what hiding its component costs.


def plan_regions(run: Run) -> list[Piece]:
    return in_chunks(run, evidence.used_images)


def choose_regions(job: Job, track: Track) -> Write:
    images = images_of(job)
    used = evidence.used_images(images[0].run_class)
    matches = ClassMatches(used)
    places = [place for each in images if len(matches.on_mask[place := used.index(each)]) and len(used) > 1]
    tops = matches.tops(places)
    rows: list[Region] = []
    for place in track(places):
        rows += region_rows(used[place], matches.on_mask[place], tops[place])

    def write() -> None:
        Region.objects.bulk_create(rows)

    return write


# Clusters: regions that find each other across images.


def group_regions(job: Job, track: Track) -> Write:
    run_class = class_of(job)
    used = evidence.used_images(run_class)
    matches = ClassMatches(used)
    rows = [list(each.regions.order_by("id")) for each in used]
    kept = [
        np.searchsorted(on_mask, [region.proposal for region in of_image]).astype(np.int64)
        for on_mask, of_image in zip(matches.on_mask, rows, strict=True)
    ]
    flat = [region for of_image in rows for region in of_image]
    if not flat:
        return nothing
    compared = similarity.assemble(kept, matches.block, track=track)
    options = evidence.params_of(job.run).clusters
    shifted = similarity.shift(compared.matrix)
    found = clusters.affinity_propagation(
        shifted,
        factor=options.factor,
        damping=options.damping,
        max_iter=options.max_iter,
        convergence_iter=options.convergence_iter,
        seed=job.run.seed,
    )
    best = clusters.members(shifted, found, compared.image, topk=options.topk)

    def write() -> None:
        for number, exemplar in enumerate(found.exemplars):
            cluster = Cluster.objects.create(run_class=run_class, exemplar=flat[exemplar], number=number)
            order = sorted(
                np.flatnonzero(found.labels == number), key=lambda index: -shifted[exemplar, index]
            )
            Member.objects.bulk_create(
                Member(
                    cluster=cluster,
                    region=flat[index],
                    position=position,
                    similarity=float(compared.matrix[exemplar, index]),
                    compared=index in best[number],
                )
                for position, index in enumerate(order)
            )

    return write


# Alignments: members laid over their exemplar, to see whether they are alike.


def plan_alignments(run: Run) -> list[Piece]:
    found = Cluster.objects.filter(run_class__run=run).order_by("run_class__position", "number")
    return [Piece(str(cluster.pk), {"cluster": cluster.pk}) for cluster in found]


def align_members(job: Job, track: Track) -> Write:
    cluster = Cluster.objects.get(pk=job.payload["cluster"])
    key = alignment_key(cluster)
    if artifacts.load(key) is None:
        artifacts.save(key, align(cluster, track))
    return nothing


# Summaries: the clusters that are kept, ranked and drawn.


def draw_summaries(job: Job, track: Track) -> Write:
    run_class = class_of(job)
    found = list(
        run_class.clusters.select_related(
            "exemplar__run_image__image", "exemplar__run_image__run_class__run__network"
        )
    )
    if not found:
        return nothing
    cleaning = clean(job.run, found)
    kept = [
        Kept(cluster, cleaned)
        for cluster, cleaned in zip(found, cleaning.clusters, strict=True)
        if cleaned.kept
    ]
    coverage = np.array([len(each.shown) for each in kept]) / max(1, len(evidence.used_images(run_class)))
    strength = np.array([np.mean([member.region.drop for member in each.shown]) for each in kept])
    coherence = np.array([each.cleaned.score for each in kept])
    order = clusters.rank(np.array([each.cluster.number for each in kept]), coverage, strength, coherence)
    drawn = {place: draw(kept[place].shown) for place in track(order.tolist())}

    @transaction.atomic
    def write() -> None:
        for cluster, cleaned in zip(found, cleaning.clusters, strict=True):
            write_cleaned(cluster, cleaned)
        for rank, place in enumerate(order.tolist(), start=1):
            Member.objects.bulk_update(kept[place].shown, ["layers"])
            Summary.objects.create(
                run_class=run_class,
                cluster=kept[place].cluster,
                rank=rank,
                coverage=float(coverage[place]),
                strength=float(strength[place]),
                coherence=1.0 if np.isnan(coherence[place]) else float(coherence[place]),
                picture=drawn[place],
            )

    return write
