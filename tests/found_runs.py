"""Finished runs with all that their pages show, made by plain functions as in `tests.factories`."""

import hashlib
import io
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from PIL import Image as Pillow

from annotations import files
from annotations.models import ClassLabel, Concept, Image
from summaries.engine.visual import pictures
from summaries.models import (
    Cluster,
    Job,
    Mask,
    Member,
    Region,
    Run,
    RunClass,
    RunImage,
    Summary,
    Tagging,
    Unit,
    UnitConcept,
    UnitImage,
)
from summaries.progress import stages_of
from summaries.taggings import CONTROLS
from tests.factories import CLASS_NAME, make_run


def make_scene(seed: int = 0, side: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """A disc on a ground of waves, (side, side, 3) uint8, and where the disc is."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    middle, radius = rng.uniform(0.35, 0.65, 2), rng.uniform(0.14, 0.2)
    disc = np.hypot(x - middle[0], y - middle[1]) < radius
    waves = np.sin(12 * (x * rng.uniform(0.4, 1) + y * rng.uniform(0.4, 1)))
    ground = rng.integers(90, 190, 3) + 25 * waves[..., None]
    dots = np.where(np.hypot(x * 24 % 1 - 0.5, y * 24 % 1 - 0.5) < 0.3, 30, 240)[..., None]
    pixels = np.where(disc[..., None], dots, ground)
    return pixels.clip(0, 255).astype(np.uint8), disc


def make_found_run(
    *,
    images: int = 5,
    skipped: int = 1,
    classes: int = 1,
    summaries: int = 1,
    side: int = 64,
    recipe: str = Run.Recipe.BOXES,
) -> Run:
    """A finished run with all that the gallery shows: jobs, masks, regions, summaries, what was left out."""
    run = make_run(summaries=0)
    run.recipe = recipe
    run.network.preprocessing = {"input_size": side, "resize": None, "mean": [0.5] * 3, "std": [0.2] * 3}
    run.network.save()
    run.parameters = {"crops": 2000, "masks": {"rate": 0.1, "two_stages": True}, "clusters": {"damping": 0.9}}
    run.stage, run.libraries = "summaries", {"numpy": np.__version__}
    run.finished = run.created
    run.save()
    run.classes.all().delete()
    for position in range(classes):
        name = CLASS_NAME + (f"_{position}" if position else "")
        label, _ = ClassLabel.objects.get_or_create(image_set=run.image_set, name=name, folder=name)
        run_class = RunClass.objects.create(run=run, label=label, index=position, position=position)
        found = [make_evidence(run_class, place, side) for place in range(images)]
        for place in range(images, images + skipped):
            run_image, _ = _place_image(run_class, place, side)
            run_image.skipped = "the network says 'borzoi' (0.41)"
            run_image.save()
        for rank in range(1, summaries + 1):
            make_group(run_class, found, rank)
        make_group(run_class, found, summaries + 1, dropped="fewer than three members are alike")
    for stage in stages_of(run):
        make_job(run, stage)
    return run


def make_dissected_run(*, units: int = 4, images: int = 3, side: int = 64) -> Run:
    """A finished dissection of one layer, whose units detect a disc, each less than the one before; the last
    is dead."""
    run = make_run(summaries=0)
    run.network.preprocessing = {"input_size": side, "resize": None, "mean": [0.5] * 3, "std": [0.2] * 3}
    run.network.save()
    concepts = [
        Concept.objects.get_or_create(category=category, name=name)[0]
        for category, name in (("colour", "red"), ("part", "hub"))
    ]
    run.method, run.recipe, run.preset, run.stage = "dissection", "units", "natural", "drawings"
    run.parameters = {
        "layers": ["features.4"],
        "shapes": {"features.4": [units, 8, 8]},
        "concepts": [[each.category, each.name] for each in concepts],
        **{"basis": "natural", "threshold": 0.04, "rule": "netdissect", "side": side // 2, "skipped": 0},
    }
    run.finished = run.created
    run.save()
    placed = [_place_image(run.classes.get(), place, side) for place in range(images)]
    for number in range(units):
        unit = Unit.objects.create(run=run, layer="features.4", number=number, threshold=0.5)
        if number < units - 1:
            _make_detector(unit, concepts, placed)
    for stage in stages_of(run):
        make_job(run, stage)
    none = {"part": 0, "object": 0, "colour": 0, "material": 0, "scene": 0, "texture": 0}
    counted = [
        {
            **{"threshold": threshold, "counting": counting, "units": units - 1, "unique": 1},
            "units_by_category": none | {"part": units - 1},
            "unique_by_category": none | {"part": 1},
        }
        for threshold in (0.04, 0.1)
        for counting in ("top label", "per category")
    ]
    run.jobs.filter(stage="units").update(
        payload={"layer": "features.4", "found": counted, "chance": counted}
    )
    return run


def _make_detector(unit: Unit, concepts: list[Concept], placed: list[tuple[RunImage, np.ndarray]]) -> None:
    for concept, iou in zip(concepts, (0.02, 0.4 / (unit.number + 1)), strict=True):
        counts = {"intersection": 40, "activation": 90, "truth": 60}
        UnitConcept.objects.create(
            unit=unit, concept=concept, category=concept.category, rank=1, iou=iou, **counts
        )
    unit.concept, unit.iou = concepts[-1], iou
    unit.save()
    for rank, (run_image, disc) in enumerate(placed, 1):
        mask = files.put(pictures.encode_png((disc * 255).astype(np.uint8)), ".png")
        UnitImage.objects.create(unit=unit, run_image=run_image, rank=rank, activation=3 - rank, file=mask)


def make_job(run: Run, stage: str, key: str = "all", state: str = Job.State.DONE, seconds: float = 8) -> Job:
    """Started with the run; `seconds` is how long a finished one took."""
    done = state == Job.State.DONE
    return Job.objects.create(
        run=run,
        stage=stage,
        key=key,
        queue="cpu",
        state=state,
        started=run.created,
        finished=run.created + timedelta(seconds=seconds) if done else None,
    )


def make_evidence(run_class: RunClass, place: int, side: int) -> RunImage:
    """An image of the run with its mask."""
    run_image, disc = _place_image(run_class, place, side)
    mask = files.put(pictures.encode_png((disc * 255).astype(np.uint8)), ".png")
    numbers = {"p": 0.81, "p_blurred": 0.004, "p_smooth": 0.02, "p_crisp": 0.02, "p_masked": 0.03}
    Mask.objects.create(
        run_image=run_image, file=mask, smooth_file=mask, area=float(disc.mean()), passes=600, **numbers
    )
    return run_image


def make_group(run_class: RunClass, run_images: list[RunImage], number: int, *, dropped: str = "") -> Cluster:
    """A cluster with a region of each image, the last one not shown; a summary too, unless it was dropped."""
    members = [_member(run_image, number) for run_image in run_images]
    cluster = Cluster.objects.create(
        run_class=run_class, exemplar=members[0].region, number=number, coherence=1.1, dropped=dropped
    )
    tiles = []
    for position, member in enumerate(members):
        member.cluster, member.position, member.similarity = cluster, position, 0.9 - 0.1 * position
        last = position == len(members) - 1
        if not dropped and not last:
            member.shown, member.compared = True, True
            tiles.append(_draw(member))
        elif last:
            member.dropped = "less alike than most"
        member.save()
    if not dropped:
        shown = len(tiles) / len(run_images)
        sheet = files.put(pictures.encode_png(pictures.grid(tiles)), ".png")
        Summary.objects.create(
            run_class=run_class,
            cluster=cluster,
            rank=number,
            coverage=shown,
            strength=0.62 / number,
            coherence=1.1 / number,
            picture=sheet,
        )
    return cluster


def _place_image(run_class: RunClass, place: int, side: int) -> tuple[RunImage, np.ndarray]:
    pixels, disc = make_scene(100 * run_class.position + place, side)
    data = pictures.encode_png(pixels)
    image, _ = Image.objects.get_or_create(
        sha256=hashlib.sha256(data).hexdigest(),
        defaults={"width": side, "height": side, "file": files.put(data, ".png")},
    )
    file = f"{run_class.label.folder}/{place:03d}.jpg"
    return RunImage.objects.create(run_class=run_class, image=image, file=file, position=place), disc


def _member(run_image: RunImage, number: int) -> Member:
    """A box on the evidence, smaller for higher numbers; by parts with the evidence in it as its pixels."""
    mask = np.array(Pillow.open(io.BytesIO(files.get(run_image.mask.file))))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = {"x0": columns[0], "y0": rows[0], "x1": columns[-1] + 1 - number, "y1": rows[-1] + 1}
    by_parts = run_image.run_class.run.recipe == Run.Recipe.PARTS
    mask[:, box["x1"] :] = 0
    region = Region.objects.create(
        run_image=run_image,
        proposal=number,
        file=files.put(pictures.encode_png(mask), ".png") if by_parts else "",
        quality=0.02,
        component=1,
        drop=0.62,
        **{name: int(edge) for name, edge in box.items()},
    )
    return Member(region=region)


def _draw(member: Member) -> np.ndarray:
    region, run_image = member.region, member.region.run_image
    photograph = np.array(Pillow.open(io.BytesIO(files.get(run_image.image.file))))
    mask = np.array(Pillow.open(io.BytesIO(files.get(run_image.mask.file))))
    box = np.array([region.x0, region.y0, region.x1 - 1, region.y1 - 1])
    layers = pictures.layers(photograph, mask, box)
    if region.file:
        own = np.array(Pillow.open(io.BytesIO(files.get(region.file))))
        layers = pictures.layers_of_region(photograph, own)
    member.layers = {
        **pictures.polygons(layers),
        "picture": files.put(pictures.encode_png(photograph), ".png"),
        "dim": files.put(pictures.encode_png(pictures.dimming(layers)), ".png"),
    }
    return pictures.tile(layers)


def tag_summaries(
    run: Run,
    tagger: str = "segments",
    state: str = Run.State.FINISHED,
    tags: Sequence[list] = (["beak", 0.8], ["wing", 0.1]),
) -> Run:
    """A run of tagging over all summaries of a run, of each of which it says the same."""
    made_with = {"version": "1", "vocabulary": [tag for tag, _ in tags], "view": "dimmed"}
    chance = {name: {"coherence": 0.2, "specificity": 0.0, "purity": 0.4} for name in CONTROLS}
    scores = {"members": 4, "tagged": 4, "coherence": 0.5, "specificity": 0.3, "purity": 0.75}
    tagging = Run.objects.create(
        method=Run.Method.TAGS,
        recipe=Run.Recipe.TAGS,
        of=run,
        network=run.network,
        image_set=run.image_set,
        preset=tagger,
        parameters=made_with,
        engine_version="1.0",
        state=state,
    )
    for summary in Summary.objects.filter(run_class__run=run):
        Tagging.objects.create(
            run=tagging, summary=summary, tags=tags, members=[], scores=scores | {"controls": chance}
        )
    return tagging
