"""A round: one class of an album, one network, one method, a row of figures."""

import json
import tempfile
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
from django.core.management import call_command

from annotations.pictures import read_rgb
from benchmarks.contest import product, tuning
from benchmarks.contest.meter import Meter
from benchmarks.contest.methods import PEERS, Found
from benchmarks.contest.subject import Subject
from benchmarks.photography.albums import Album
from benchmarks.photography.figures import mean, measure
from summaries.engine.images import resize_square
from summaries.models import Network
from summaries.pipeline.networks import classifier_of

UNMASKED, NO_MASKS = "unmasked", {"masks": {"annealing": {"probes": 1, "steps": 1}}}


@dataclass(frozen=True)
class Turn:
    """A class of an album for one network, by the preset and by whichever peers follow it."""

    network: str
    album: Album
    label: str
    preset: str
    peers: tuple[str, ...]
    limit: int


@dataclass(frozen=True)
class Summarised:
    """content: the class in summaries.json; pictures uint8 (N, S, S, 3), those of its images, in order."""

    content: dict
    pictures: np.ndarray
    found: Found


def play(turn: Turn, *, masked: bool = True) -> list[dict]:
    """A row for the preset, and one for each peer on the pictures that the preset used.

    masked False: with masks as good as unmade, and nothing said of them nor of the cost.
    """
    side = Network.objects.get(name=turn.network).input_size
    if not masked:
        product.add_variant(UNMASKED, NO_MASKS)
    ours = summarise(turn, side, turn.preset if masked else UNMASKED)
    row = judge(turn, turn.preset, ours, ours.found)
    rows = [row | tell_masks(ours) if masked else row | dict.fromkeys(("passes", "seconds"))]
    if len(ours.pictures) > 1:
        rows += [judge(turn, peer, ours, ask(turn, peer, ours)) for peer in turn.peers]
    return rows


def summarise(turn: Turn, side: int, preset: str) -> Summarised:
    """What the command line's own command finds and exports; its whole cost, shared out over the pictures."""
    images = turn.album.set_for(turn.network)
    asked = {"network": turn.network, "images": images, "classes": turn.label.split("_")[0]}
    with tempfile.TemporaryDirectory() as folder:
        with Meter() as meter:
            call_command(
                "summarise",
                **asked,
                preset=preset,
                limit=turn.limit,
                export=Path(folder),
                stdout=StringIO(),
            )
        (content,) = json.loads((Path(folder) / "summaries.json").read_text())["classes"]
        clusters = read_clusters(content, Path(folder), side)
    files = [turn.album.folder / each["file"] for each in content["images"]]
    squares = [resize_square(read_rgb(file.read_bytes()), side) for file in files]
    pictures = np.stack(squares) if squares else np.zeros((0, side, side, 3), np.uint8)
    asked_for = max(1, len(content["images"]) + len(content["skipped"]))
    return Summarised(content, pictures, Found(clusters, meter.passes / asked_for, meter.seconds / asked_for))


def read_clusters(content: dict, folder: Path, side: int) -> list[np.ndarray]:
    """bool (N, S, S) for each summary: all its regions, whether shown or not."""
    places = {each["file"]: place for place, each in enumerate(content["images"])}
    clusters = []
    for summary in content["summaries"]:
        cluster = np.zeros((len(places), side, side), bool)
        for member in summary["members"]:
            mask = cv2.imread(str(folder / member["mask"]), cv2.IMREAD_GRAYSCALE)
            cluster[places[member["file"]]] |= mask > 127
        clusters.append(cluster)
    return clusters


def ask(turn: Turn, peer: str, ours: Summarised) -> Found:
    """A peer with the settings of the contest, on the same pictures."""
    classifier = classifier_of(Network.objects.get(name=turn.network))
    subject = Subject(classifier, ours.content["index"], ours.pictures)
    with Meter() as meter:
        clusters = PEERS[peer].find(subject, tuning.chosen(peer), 0)
    count = len(ours.pictures)
    return Found(clusters, meter.passes / count, meter.seconds / count)


def judge(turn: Turn, method: str, ours: Summarised, found: Found) -> dict:
    images = ours.content["images"]
    row = {"network": turn.network, "album": turn.album.name, "label": turn.label, "method": method}
    row |= {"limit": turn.limit, "images": len(images), "skipped": len(ours.content["skipped"])}
    if not images:
        return row
    classifier = classifier_of(Network.objects.get(name=turn.network))
    objects = objects_of(turn.album, ours)
    row |= asdict(measure(classifier, ours.pictures, found.clusters, ours.content["index"], objects))
    row |= {"passes": found.passes, "seconds": found.seconds}
    return shorten(row)


def tell_masks(ours: Summarised) -> dict:
    """(p - p_masked) / p and area, means over the pictures."""
    images = ours.content["images"]
    drops = [(each["p"] - each["p_masked"]) / each["p"] for each in images]
    return shorten({"mask_drop": mean(drops), "mask_area": mean([each["area"] for each in images])})


def shorten(row: dict) -> dict:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}


def objects_of(album: Album, ours: Summarised) -> np.ndarray | None:
    if not album.objects:
        return None
    side = ours.pictures.shape[1]
    masks = [album.objects[each["file"]].astype(np.uint8) for each in ours.content["images"]]
    return np.stack([cv2.resize(mask, (side, side), interpolation=cv2.INTER_NEAREST) > 0 for mask in masks])
