"""Making runs: which network, which images of which classes, by which preset. Loads no numerics."""

from dataclasses import asdict, dataclass

from django.db import transaction
from django.db.models import Min

from annotations.models import ClassLabel, Concept, ImageSet, LabelledImage, Segment
from summaries import taggers
from summaries.engine import ENGINE_VERSION, Refusal
from summaries.models import Network, Run, RunClass, RunImage, Summary

__all__ = [
    "PRESETS",
    "Preset",
    "Refusal",
    "TagOptions",
    "UnitOptions",
    "choose_classes",
    "output_of",
    "plan_run",
    "plan_tags",
    "plan_units",
]


@dataclass(frozen=True)
class Preset:
    """Options under a name: which stages they are for, and what people are told of them."""

    recipe: Run.Recipe
    told: str


PRESETS = {
    "standard": Preset(
        Run.Recipe.PARTS,
        "parts that the network itself tells apart, each kept only if hiding it costs evidence",
    ),
    "paper": Preset(
        Run.Recipe.BOXES,
        "as published, for inputs of about 224 pixels; images with under 500 proposals are left out",
    ),
}


VIEWS = {
    "dimmed": "the whole picture, all but the region dimmed",
    "crop": "the bare crop of the region",
}


@dataclass(frozen=True)
class TagOptions:
    """How the summaries of a run are tagged; all of it stands in the parameters of the run that tags."""

    view: str = "dimmed"
    top: int = 10
    """Tags of each region that count."""
    draws: int = 3
    """Random regions for each region, on the mask and off it."""
    shuffles: int = 100
    words: tuple[str, ...] = ()
    """A vocabulary that was given."""
    model: str = ""
    config: str = ""
    weights: str = ""


BASES = {
    "natural": "the units as they are",
    "rotated": "the same activations turned at random, which leaves what the network answers as it is",
}
RULES = {
    "netdissect": "active pixels of every image in which the concept's category is labelled",
    "lite": "as NetDissect-Lite counts: only of images where such a label lies under the unit's own pixels",
}


@dataclass(frozen=True)
class UnitOptions:
    """How layers are dissected; all of it stands in the parameters of the run."""

    layers: tuple[str, ...]
    basis: str = "natural"
    alpha: float = 1.0
    """How far a rotated basis is turned: 0 not at all, 1 all the way."""
    quantile: float = 0.005
    """Share of places at which a unit counts as active."""
    threshold: float = 0.04
    """IoU above which a unit is a detector."""
    rule: str = "netdissect"


@dataclass(frozen=True)
class Choice:
    """A class of the image set and the output of the network that stands for it."""

    label: ClassLabel
    index: int


def plan_run(
    network: Network,
    image_set: ImageSet,
    classes: list[str] | str,
    *,
    preset: str = "standard",
    seed: int = 0,
    limit: int | None = None,
    created_by=None,
    queued: bool = True,
) -> Run:
    """A run with its images written down, ready to be worked on. Refusal where it makes no sense."""
    if preset not in PRESETS:
        raise Refusal(f"There is no preset '{preset}'; there is {', '.join(PRESETS)}.")
    if limit is not None and limit < 2:
        raise Refusal("A summary compares images: let at least two of a class take part.")
    _check_seed(seed)
    chosen = choose_classes(network, image_set, classes)
    with transaction.atomic():
        run = Run.objects.create(
            network=network,
            image_set=image_set,
            preset=preset,
            recipe=PRESETS[preset].recipe,
            parameters={},
            seed=seed,
            limit=limit,
            engine_version=ENGINE_VERSION,
            created_by=created_by,
            queued=queued,
        )
        for position, choice in enumerate(chosen):
            _write_down(run, choice, position)
    return run


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**31:
        raise Refusal(f"The seed is a number from 0 to {2**31 - 1}, not {seed}.")


def plan_tags(
    of: Run,
    tagger: str,
    options: TagOptions = TagOptions(),  # noqa: B008  (it is frozen)
    *,
    seed: int = 0,
    created_by=None,
    queued: bool = True,
) -> Run:
    """A run that asks one tagger about all summaries of a finished run. Refusal where it makes no sense."""
    check_tags(of, tagger, options)
    return Run.objects.create(
        method=Run.Method.TAGS,
        recipe=Run.Recipe.TAGS,
        of=of,
        network=of.network,
        image_set=of.image_set,
        preset=tagger,
        parameters=asked(options),
        seed=seed,
        engine_version=ENGINE_VERSION,
        created_by=created_by,
        queued=queued,
    )


def asked(options: TagOptions | UnitOptions) -> dict:
    """The options as they stand in a run's parameters."""
    values = asdict(options).items()
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values}


def check_tags(of: Run, tagger: str, options: TagOptions) -> None:
    """Refuses what could not be tagged. A plug-in is loaded by the worker, which refuses later."""
    taggers.check(tagger)
    if options.view not in VIEWS:
        raise Refusal(f"There is no view '{options.view}'; there is {', '.join(VIEWS)}.")
    if of.method != Run.Method.VISUAL or of.state != Run.State.FINISHED:
        raise Refusal(f"Run {of.pk} cannot be tagged: it is no finished run of visual summaries.")
    if not Summary.objects.filter(run_class__run=of).exists():
        raise Refusal(f"Run {of.pk} found no summaries, so there is nothing to tag.")
    if tagger in taggers.BUILT_IN:
        taggers.make(tagger, setup_of(of.image_set, options))


def plan_units(
    network: Network,
    image_set: ImageSet,
    options: UnitOptions,
    *,
    seed: int = 0,
    limit: int | None = None,
    created_by=None,
    queued: bool = True,
) -> Run:
    """A run that dissects layers, with its images written down once each. Refusal where it makes no sense.

    Whether the network has these layers only the numerics know: see `pipeline.dissection.check_layers`.
    """
    check_units(image_set, options, seed, limit)
    with transaction.atomic():
        run = Run.objects.create(
            method=Run.Method.DISSECTION,
            recipe=Run.Recipe.UNITS,
            network=network,
            image_set=image_set,
            preset=options.basis,
            parameters=asked(options),
            seed=seed,
            limit=limit,
            engine_version=ENGINE_VERSION,
            created_by=created_by,
            queued=queued,
        )
        for position, label in enumerate(image_set.labels.order_by("pk")):
            index = _output_for(network, label.synset, label.name)
            _write_down(run, Choice(label, index or 0), position)
        images = RunImage.objects.filter(run_class__run=run)
        images.exclude(pk__in=images.values("image").annotate(first=Min("pk")).values("first")).delete()
        images.filter(image__segments=None).update(skipped="no concept is marked in it")
        if not images.filter(skipped="").exists():
            raise Refusal("No concept is marked in any of these images; let more of them take part.")
    return run


def check_units(image_set: ImageSet, options: UnitOptions, seed: int = 0, limit: int | None = None) -> None:
    """Refuses what could not be dissected."""
    _check_seed(seed)
    if limit is not None and limit < 1:
        raise Refusal("Let at least one image of a class take part.")
    if not options.layers:
        raise Refusal("Name at least one layer; --layer list shows those that the network has.")
    if options.basis not in BASES:
        raise Refusal(f"There is no basis '{options.basis}'; there is {' and '.join(BASES)}.")
    if options.rule not in RULES:
        raise Refusal(f"There is no rule '{options.rule}'; there is {' and '.join(RULES)}.")
    if not 0 <= options.alpha <= 1 or not 0 < options.quantile < 1 or not 0 <= options.threshold < 1:
        raise Refusal("Alpha is a number from 0 to 1, the quantile and the threshold shares between 0 and 1.")
    if not Segment.objects.filter(image__labelled_images__image_set=image_set).exists():
        raise Refusal(
            f"No concept is marked in any image of '{image_set.name}': import a set with label maps, or its "
            "colours."
        )


def setup_of(image_set: ImageSet, options: TagOptions, device: str = "cpu") -> taggers.Setup:
    given = {name: getattr(options, name) for name in ("words", "model", "config", "weights")}
    return taggers.Setup(concepts=concepts_of(image_set), device=device, **given)


def concepts_of(image_set: ImageSet) -> tuple[str, ...]:
    """Names of what the masks of the image set show, each once."""
    images = image_set.labelled_images.values("image")
    named = Concept.objects.filter(segments__image__in=images).exclude(category=Concept.Category.SCENE)
    return tuple(sorted(set(named.values_list("name", flat=True))))


def choose_classes(network: Network, image_set: ImageSet, classes: list[str] | str) -> list[Choice]:
    """The classes meant: names, synsets or indices, as the image set or the network calls them."""
    labels = list(image_set.labels.all())
    if not labels:
        raise Refusal(f"The image set '{image_set.name}' holds no classes.")
    known = {label: _output_for(network, label.synset, label.name) for label in labels}
    if classes == "all" or classes == ["all"]:
        chosen = [Choice(label, index) for label, index in known.items() if index is not None]
        if not chosen:
            raise Refusal(f"The network '{network.name}' knows none of the classes of '{image_set.name}'.")
        return chosen
    wanted = [word.strip() for word in classes if word.strip()]
    if not wanted:
        raise Refusal("Name at least one class, or 'all'.")
    return list(
        {choice.label: choice for choice in (_choose(network, known, word) for word in wanted)}.values()
    )


def _choose(network: Network, known: dict[ClassLabel, int | None], word: str) -> Choice:
    for label, index in known.items():
        if _plain(word) in {_plain(label.name), _plain(label.synset), _plain(label.folder)} - {""}:
            if index is None:
                raise Refusal(
                    f"The network '{network.name}' has no class that corresponds to '{label.name}'."
                )
            return Choice(label, index)
    index = _output_for(network, word, word)
    if index is None and word.isdecimal() and int(word) < len(network.classes):
        index = int(word)
    for label, output in known.items():
        if index is not None and output == index:
            return Choice(label, index)
    there = ", ".join(label.name for label in list(known)[:8]) + (" and more" if len(known) > 8 else "")
    raise Refusal(f"The image set has no class '{word}'; it has {there}.")


def output_of(network: Network, word: str) -> int:
    """The network's output for a class given by its name, synset or index. Refused: another word."""
    index = _output_for(network, word, word)
    if index is None and word.isdecimal() and int(word) < len(network.classes):
        index = int(word)
    if index is not None:
        return index
    names = [each["name"] for each in network.classes]
    there = ", ".join(names[:8]) + (" and more" if len(names) > 8 else "")
    raise Refusal(f"The network '{network.name}' has no class '{word}'; it has {there}.")


def _output_for(network: Network, synset: str, name: str) -> int | None:
    """The network's output for a class: by synset, else by name or one of its comma-separated names."""
    for index, each in enumerate(network.classes):
        if synset and each.get("synset") == synset:
            return index
    for index, each in enumerate(network.classes):
        names = [each["name"], *each["name"].split(",")]
        if _plain(name) in {_plain(one) for one in names}:
            return index
    return None


def _plain(word: str) -> str:
    return word.replace("_", " ").replace("-", " ").strip().casefold()


def _write_down(run: Run, choice: Choice, position: int) -> None:
    images = LabelledImage.objects.filter(label=choice.label).order_by("path")[: run.limit]
    run_class = RunClass.objects.create(run=run, label=choice.label, index=choice.index, position=position)
    RunImage.objects.bulk_create(
        RunImage(run_class=run_class, image_id=each.image_id, file=each.path, position=place)
        for place, each in enumerate(images)
    )
