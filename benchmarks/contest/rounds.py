"""A round: one network, some classes, every method on the same pictures, a row of figures for each."""

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.contest import controls, networks, product, tuning, world, worth
from benchmarks.contest.meter import Meter
from benchmarks.contest.methods import CONTROLS, PEERS, VARIANTS, Found
from benchmarks.contest.scores import WELL_FOUND, score
from benchmarks.contest.subject import Subject
from benchmarks.contest.world import PART_NAMES, Pictures
from benchmarks.contest.worth import Worth
from summaries.engine.networks import Classifier

STAMP = PART_NAMES.index("stamp") + 1


@dataclasses.dataclass(frozen=True)
class Round:
    """A network's form, the classes asked for, and the image set: its seed and pictures a class."""

    form: Mapping
    labels: tuple[str, ...]
    pictures_seed: int
    count: int

    @property
    def name(self) -> str:
        return self.form["name"]


@dataclasses.dataclass(frozen=True)
class Prepared:
    """The round, its network, pictures and what each part is worth; without classes that rest on no part."""

    round: Round
    classifier: Classifier
    pictures: dict[str, Pictures]
    worths: dict[str, Worth]


def prepare(asked: Round, cache: Path) -> Prepared:
    classifier = networks.read(asked.form)
    drawn = {label: world.provide(label, asked.pictures_seed, asked.count, cache) for label in asked.labels}
    worths = {label: worth.measure(classifier, pictures) for label, pictures in drawn.items()}
    kept = {label: found for label, found in worths.items() if found.used}
    return Prepared(asked, classifier, {label: drawn[label] for label in kept}, kept)


def play(prepared: Prepared, method: str) -> list[dict]:
    """A row for each class."""
    if method in PEERS:
        found = {label: ask_peer(prepared, method, label) for label in prepared.pictures}
    elif method in CONTROLS:
        found = {label: ask_control(prepared, method, label) for label in prepared.pictures}
    else:
        found = ask_product(prepared, method)
    return [judge(prepared, method, label, each) for label, each in found.items()]


def ask_peer(prepared: Prepared, method: str, label: str) -> Found:
    pictures, settings = prepared.pictures[label], tuning.chosen(method)
    subject = Subject(prepared.classifier, pictures.index, pictures.pixels)
    with Meter() as meter:
        clusters = PEERS[method].find(subject, settings, 0)
    count = len(pictures.pixels)
    return Found(clusters, meter.passes / count, meter.seconds / count)


def ask_control(prepared: Prepared, method: str, label: str) -> Found:
    truth = prepared.pictures[label].truth
    oracle = method == "oracle"
    clusters = (
        controls.tell_truth(truth, prepared.worths[label].used)
        if oracle
        else controls.shuffle_regions(truth, 0)
    )
    return Found(clusters, 0.0, 0.0)


def ask_product(prepared: Prepared, preset: str) -> dict[str, Found]:
    asked = prepared.round
    if preset in VARIANTS:
        product.add_variant(preset, VARIANTS[preset])
    with tempfile.TemporaryDirectory() as folder:
        product.add_network(asked.form, Path(folder))
        return product.summarise(
            asked.name,
            product.add_pictures(asked.pictures_seed, asked.count),
            list(prepared.pictures),
            preset=preset,
            count=asked.count,
            side=prepared.classifier.preprocessing.input_size,
            folder=Path(folder) / "found",
        )


def judge(prepared: Prepared, method: str, label: str, found: Found) -> dict:
    known = prepared.worths[label]
    stamp = STAMP if STAMP in known.used else None
    scores = score(
        found.clusters, prepared.pictures[label].truth, used=known.used, unused=known.unused, stamp=stamp
    )
    row = {"method": method, "network": prepared.round.name, "label": label} | dataclasses.asdict(scores)
    row["stamp"] = None if scores.stamp is None else scores.stamp >= WELL_FOUND
    row |= {"passes": found.passes, "seconds": found.seconds}
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}


def tell_worth(prepared: Prepared) -> list[dict]:
    """Which parts each class rests on, for the record."""
    return [
        {
            "network": prepared.round.name,
            "label": label,
            "share": {
                name: round(float(share), 4)
                for name, share in zip(PART_NAMES, known.share, strict=True)
                if share == share
            },
            "used": [PART_NAMES[number - 1] for number in known.used],
        }
        for label, known in prepared.worths.items()
    ]


def cases(build_names: Sequence[str], folder: Path, cache: Path, count: int) -> list[tuning.Case]:
    """What tuning may see."""
    found = []
    for name in build_names:
        form = networks.provide(name, tuning.NETWORKS, folder)
        prepared = prepare(Round(form, tuning.CLASSES, tuning.PICTURES, count), cache)
        for label, pictures in prepared.pictures.items():
            subject = Subject(prepared.classifier, pictures.index, pictures.pixels)
            found.append((subject, pictures, prepared.worths[label]))
    return found
