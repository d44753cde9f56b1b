"""What the gallery's pages show, read from rows. Imports no numerics."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from PIL import Image as Pillow

from annotations import files
from annotations.pictures import png, read_rgb
from summaries import words
from summaries.models import Cluster, Job, Member, Region, Run, RunClass, RunImage, Summary, Unit

FEW = 3


@dataclass(frozen=True)
class Tile:
    """A member drawn over its photograph: addresses of the layers, shapes for SVG."""

    member: Member
    side: int
    picture: str
    dim: str
    around: list[str]
    """What surrounds the region: the hull of the evidence in it, or the outlines of its own pixels."""
    outlines: list[str]

    @property
    def width(self) -> int:
        return self.member.region.x1 - self.member.region.x0

    @property
    def height(self) -> int:
        return self.member.region.y1 - self.member.region.y0

    @property
    def why(self) -> str:
        """Why the member is not shown."""
        if self.member.dropped:
            return self.member.dropped[:1].upper() + self.member.dropped[1:]
        return "Not among the most similar, one of each image"


def runs() -> QuerySet[Run]:
    """All runs, newest first, with the counts and names that their lines in the list show."""
    first = RunClass.objects.filter(position__lt=FEW).select_related("label")
    this_stage = Q(jobs__stage=F("stage"))
    return (
        Run.objects.select_related("network", "image_set")
        .defer("parameters", "libraries", "network__classes")
        .annotate(
            jobs_now=Count("jobs", filter=this_stage),
            done_now=Count("jobs", filter=this_stage & Q(jobs__state=Job.State.DONE)),
            class_count=_count_of(RunClass.objects.filter(run=OuterRef("pk")), "run"),
            summary_count=_count_of(Summary.objects.filter(run_class__run=OuterRef("pk")), "run_class__run"),
            unit_count=_count_of(Unit.objects.filter(run=OuterRef("pk")), "run"),
            layers=F("parameters__layers"),
        )
        .prefetch_related(Prefetch("classes", first, to_attr="first_classes"))
        .order_by("-pk")
    )


def classes_of(run: Run) -> QuerySet[RunClass]:
    """The classes of a run with all that the run's page says about them, in five queries however many."""
    shown = Count("cluster__members", filter=Q(cluster__members__shown=True))
    dropped = Cluster.objects.exclude(dropped="").annotate(size=Count("members")).order_by("number")
    return (
        run.classes.select_related("label")
        .order_by("position")
        .prefetch_related(
            Prefetch("images", RunImage.objects.select_related("mask").order_by("position")),
            Prefetch("summaries", Summary.objects.annotate(shown=shown).order_by("rank")),
            Prefetch("clusters", dropped, to_attr="dropped_clusters"),
        )
    )


def sort_images(run_classes: Iterable[RunClass]) -> None:
    """Puts each class's images into `used`, `skipped` and `waiting`."""
    for run_class in run_classes:
        images = list(run_class.images.all())
        run_class.skipped = [each for each in images if each.skipped]
        run_class.used = [each for each in images if not each.skipped and hasattr(each, "mask")]
        run_class.waiting = len(images) - len(run_class.skipped) - len(run_class.used)


def settings_of(run: Run) -> list[tuple[str, list[tuple[str, str]]]]:
    """What the run was done with, in groups of names and values."""
    network = run.network
    stages = {name: options for name, options in run.parameters.items() if isinstance(options, dict)}
    single = {name: value for name, value in run.parameters.items() if name not in stages}
    if "concepts" in single:
        single["concepts"] = len(single["concepts"])  # there may be a thousand
    made = {"preset": run.preset, "seed": run.seed, "images per class": run.limit or "all"}
    of_network = {"name": network.name, "architecture": network.architecture, "SHA-256": network.sha256}
    groups = {
        "run": made | {"engine": run.engine_version} | single,
        "network": of_network,
        "input geometry": network.preprocessing,
        **stages,
        "libraries": run.libraries,
    }
    return [(title.capitalize(), _spell(options)) for title, options in groups.items() if options]


def _spell(options: dict) -> list[tuple[str, str]]:
    return [(words.plain(name), _value(value)) for name, value in options.items()]


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_value(each) for each in value)
    if isinstance(value, dict):
        return "; ".join(f"{words.plain(name)} {_value(each)}" for name, each in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)


def has_summaries(run: Run) -> bool:
    """Whether there is anything to ask people about."""
    return Summary.objects.filter(run_class__run=run).exists()


def summaries() -> QuerySet[Summary]:
    return Summary.objects.select_related(
        "cluster__exemplar", "run_class__label", "run_class__run__network", "run_class__run__image_set"
    )


def tiles_of(summary: Summary) -> tuple[list[Tile], list[Tile]]:
    """The members that are shown and those that are not, in the picture's order: by falling similarity."""
    members = summary.cluster.members.select_related("region__run_image").order_by("position")
    side = summary.run_class.run.network.input_size
    tiles = [_tile(member, side) for member in members]
    return [t for t in tiles if t.member.shown], [t for t in tiles if not t.member.shown]


def _tile(member: Member, side: int) -> Tile:
    """Members that were never drawn have no layers: their photograph and box serve."""
    layers = member.layers
    plain_picture = reverse("summaries:photograph", args=[member.region.run_image_id])
    return Tile(
        member=member,
        side=layers.get("width", side),
        picture=_address(layers["picture"]) if "picture" in layers else plain_picture,
        dim=_address(layers["dim"]) if "dim" in layers else "",
        around=[_points(shape) for shape in [layers.get("hull", []), *layers.get("region", [])] if shape],
        outlines=[_points(outline) for outline in layers.get("outlines", [])],
    )


def _points(corners: Sequence[Sequence[float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in corners)


def _address(key: str) -> str:
    return reverse("summaries:file", args=[key])


def neighbours(summary: Summary) -> tuple[Summary | None, Summary | None]:
    """The summaries before and after this one in its class."""
    others = summary.run_class.summaries
    before = others.filter(rank__lt=summary.rank).order_by("-rank").first()
    return before, others.filter(rank__gt=summary.rank).order_by("rank").first()


def run_images() -> QuerySet[RunImage]:
    return RunImage.objects.select_related(
        "image", "mask", "run_class__label", "run_class__run__network", "run_class__run__image_set"
    )


def images_beside(run_image: RunImage) -> tuple[RunImage | None, RunImage | None]:
    others = run_image.run_class.images
    before = others.filter(position__lt=run_image.position).order_by("-position").first()
    return before, others.filter(position__gt=run_image.position).order_by("position").first()


def regions_of(run_image: RunImage) -> list[Region]:
    """The regions of an image, those in summaries first, each with `place`: what became of it."""
    found = run_image.regions.select_related("membership__cluster__summary").order_by("id")
    regions = list(found)
    for region in regions:
        region.summary, region.place = _place(region)
        region.width, region.height = region.x1 - region.x0, region.y1 - region.y0
    return sorted(regions, key=lambda each: each.summary.rank if each.summary else len(regions) + 1)


def _place(region: Region) -> tuple[Summary | None, str]:
    membership = getattr(region, "membership", None)
    if membership is None:
        return None, "not grouped"
    summary = getattr(membership.cluster, "summary", None)
    if summary is None:
        return None, membership.cluster.dropped or "in a group without a summary"
    return summary, "shown" if membership.shown else membership.dropped or "not shown"


def photograph(run_image: RunImage) -> bytes:
    """PNG of the picture stretched to the network's square, in which masks and boxes are given."""
    side = run_image.run_class.run.network.input_size
    picture = Pillow.fromarray(read_rgb(files.get(run_image.image.file)))
    return png(np.asarray(picture.resize((side, side), Pillow.Resampling.LANCZOS)))


def _count_of(rows: QuerySet, path: str) -> Coalesce:
    """How many of these rows there are for each outer run."""
    counted = rows.order_by().values(path).annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), 0)
