"""The story of automatic tags, from the summaries of a finished run through their regions to scores.

A tagger is asked about each member shown and about as many random regions of the same shapes, on the mask
and off it; then the tags of each summary are compared with theirs. As in the other stories, one function
plans a stage's pieces, one does a piece, and each is safe to do twice.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from summaries import artifacts, taggers
from summaries.engine.networks import pick_device
from summaries.engine.tagging import agreement, controls
from summaries.engine.tagging.agreement import Ranked, Scores
from summaries.jobs import Piece
from summaries.models import Job, Member, Run, RunClass, RunImage, Tagging
from summaries.pipeline import crops, evidence
from summaries.pipeline.evidence import Track, batches
from summaries.pipeline.pieces import Write, class_of, nothing
from summaries.runs import TagOptions, setup_of

AT_ONCE = 32
"""Regions that a tagger is given at a time."""
OFF_AND_ON = {"on_mask": True, "off_mask": False}


def plan_classes(run: Run) -> list[Piece]:
    """A piece for each class of the tagged run that has summaries."""
    tagged = run.of.classes.filter(summaries__isnull=False).distinct()
    return [Piece(str(run_class.pk), {"class": run_class.pk}) for run_class in tagged]


def frozen_parameters(run: Run) -> dict:
    """What was asked for, with the tagger's version and vocabulary as they are now."""
    tagger = tagger_of(run)
    return run.parameters | {"version": tagger.version, "vocabulary": list(tagger.vocabulary)}


def options_of(run: Run) -> TagOptions:
    known = {each.name for each in fields(TagOptions)}
    given = {name: value for name, value in run.parameters.items() if name in known}
    return TagOptions(**given | {"words": tuple(run.parameters["words"])})


def tagger_of(run: Run) -> taggers.Tagger:
    """The run's tagger; kept, as a model takes long to load."""
    device = pick_device(settings.MERONYM_DEVICE or None)
    return _tagger(run.preset, setup_of(run.image_set, options_of(run), str(device)))


@lru_cache(maxsize=2)
def _tagger(name: str, setup: taggers.Setup) -> taggers.Tagger:
    return taggers.make(name, setup)


# Tags: what the tagger says of each region, and of random ones.


@dataclass(frozen=True)
class Place:
    """Pixels (S, S) of an image: a member's own, or as many elsewhere."""

    run_image: RunImage
    own: NDArray[np.bool_]


def tag_regions(job: Job, track: Track) -> Write:
    run, run_class = job.run, class_of(job)
    key = tags_key(run, run_class)
    if artifacts.load(key) is None:
        asked = {"members": [_own_place(member) for member in members_of(run_class)]}
        for name, on in OFF_AND_ON.items():
            for draw in range(options_of(run).draws):
                asked[f"{name}/{draw}"] = list(_random_places(run, run_class, draw, on=on))
        artifacts.save(key, {"tags": np.array(json.dumps(_ask(run, asked, track)))})
    return nothing


def _ask(run: Run, asked: dict[str, list[Place]], track: Track) -> dict[str, list[Ranked]]:
    """The tags of each place, under the names under which they were asked for."""
    tagger, options = tagger_of(run), options_of(run)
    flat = [(name, place) for name, places in asked.items() for place in places]
    answers: dict[str, list[Ranked]] = {name: [] for name in asked}
    for some in track(batches(flat, AT_ONCE)):
        regions = [crops.seen(place.run_image, place.own, options.view) for _, place in some]
        for (name, _), tags in zip(some, tagger.tag(regions), strict=True):
            answers[name].append([(str(tag), float(score)) for tag, score in tags[: options.top]])
    return answers


def members_of(run_class: RunClass) -> list[Member]:
    """The shown members of all summaries of a class, summary by summary in the order of rank."""
    shown = Member.objects.filter(cluster__summary__run_class=run_class, shown=True)
    related = ("image", "mask", "run_class__run__network")
    found = shown.select_related("cluster__summary", *(f"region__run_image__{each}" for each in related))
    return list(found.order_by("cluster__summary__rank", "position"))


def _own_place(member: Member) -> Place:
    return Place(member.region.run_image, crops.pixels_of(member.region))


def _random_places(run: Run, run_class: RunClass, draw: int, *, on: bool) -> Iterator[Place]:
    """For each member its shape at a random place of another image; of a summary's each another one."""
    rng = np.random.default_rng([run.seed, run_class.position, draw, int(on)])
    images, members = evidence.used_images(run_class), members_of(run_class)
    for number in sorted(set(groups_of(members).tolist())):
        mine = [member for member, group in zip(members, groups_of(members), strict=True) if group == number]
        for member, place in zip(mine, controls.images(len(images), len(mine), rng), strict=True):
            mask = crops.mask_of(images[place])
            own = controls.place(crops.pixels_of(member.region), mask, on=on, rng=rng)
            yield Place(images[place], own)


def groups_of(members: Sequence[Member]) -> NDArray[np.int_]:
    """Which summary each is of, as places in the order of rank: 0, 1, ..."""
    ranks = [member.cluster.summary.rank for member in members]
    return np.unique(ranks, return_inverse=True)[1]


def tags_key(run: Run, run_class: RunClass) -> str:
    """Of all that the tags of a class depend on, so that the same is never asked twice."""
    images = evidence.used_images(run_class)
    asked = {name: value for name, value in run.parameters.items() if name != "shuffles"}
    return artifacts.key_of(
        "tags",
        tagger=run.preset,
        parameters=asked,
        seed=run.seed,
        position=run_class.position,
        side=run.network.input_size,
        images=[[each.image.sha256, each.mask.file] for each in images],
        members=[_told(member) for member in members_of(run_class)],
        segments=crops.segments_of([each.image for each in images]),
    )


def _told(member: Member) -> list:
    region = member.region
    return [member.cluster.summary.rank, region.run_image.image.sha256, region.file, region.box]


# Scores: how far the tags of each summary agree, and how far those of chance do.


def score_summaries(job: Job, track: Track) -> Write:
    run, run_class = job.run, class_of(job)
    answers = json.loads(str(artifacts.require(tags_key(run, run_class))["tags"]))
    members = members_of(run_class)
    groups, tags = groups_of(members), answers["members"]
    scores = agreement.measure(tags, groups, options_of(run).top)
    chance = _chance(run, answers, groups)
    rows = []
    for number in track(range(len(scores))):
        mine = np.flatnonzero(groups == number)
        own = [tags[place] for place in mine]
        rows.append(
            Tagging(
                run=run,
                summary=members[mine[0]].cluster.summary,
                tags=agreement.rank(own, options_of(run).top),
                members=[{"member": members[place].pk, "tags": tags[place]} for place in mine],
                scores=_told_scores(own, scores[number], {n: each[number] for n, each in chance.items()}),
            )
        )

    def write() -> None:
        Tagging.objects.bulk_create(rows)

    return write


def _chance(run: Run, answers: dict[str, list[Ranked]], groups: NDArray[np.int_]) -> dict[str, list[Scores]]:
    """Of each control the scores of each summary, as a mean over draws."""
    options = options_of(run)
    found = {
        name: agreement.mean(
            [
                agreement.measure(answers[f"{name}/{draw}"], groups, options.top)
                for draw in range(options.draws)
            ]
        )
        for name in OFF_AND_ON
    }
    found["shuffled"] = agreement.shuffled(
        answers["members"], groups, k=options.top, times=options.shuffles, seed=run.seed
    )
    return found


def _told_scores(tags: Sequence[Ranked], scores: Scores, chance: dict[str, Scores]) -> dict:
    """As `Tagging.scores` holds them. Where the tagger says nothing of any member there is no agreement to
    tell of; a control of which it says nothing agrees in nothing, and counts as such."""
    tagged = sum(1 for each in tags if each)
    told = scores if tagged else Scores(None, None, None)
    return {
        "members": len(tags),
        "tagged": tagged,
        **asdict(told),
        "controls": {name: asdict(each) for name, each in chance.items()},
    }
