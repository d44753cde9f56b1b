"""Network dissection: CPU seconds of the stored-activation loop over ours, memory, growth with the images.

    python benchmarks/dissection.py [--quick]

The loop is the method taken literally, in numpy, written from its formulas: one forward pass writes the
layer's activations to a file; each unit's are sorted for its threshold; then image by image and unit by unit
the map is brought to the labels' size by a bilinear spline through the middles of its receptive fields,
compared with the threshold, and laid over each concept in turn. Ours: `dissection.dissect`, two passes over
the images, without the count against chance (`ms_chance` says what that adds). Both on the same layer
of 512 units and the same generated pictures with 60 concepts (kinds and variants of parts, animals, things,
colours) at half the network's input, as the method's own images have them; seconds are CPU seconds of one
thread of one process. Given the same thresholds both must count the same; `apart` is the share of pixels
under masks that they count differently, where a value meets its threshold to the last digit of float32.

`ratio` compares what comes beside the forward passes, which are the network's and not the method's: the loop
needs one, ours two; the network's own seconds are measured inside each and taken off. `ratio_with_passes`
counts everything. `ratio_frugal` is against a loop that skips empty masks and concepts that an image does not
show. `vs_two_forward` = all of ours over two plain forward passes in the same batches.

Memory and growth: each in a process of its own; the same pictures come again and again, so that only the
method can grow. `peak_mb` is the larger run's peak, of which libraries, network and pictures take
`libraries_mb` before it begins; `grown_mb` what it takes more than the smaller; `stored_mb_1000` what the
loop's file holds for 1,000 images.

The last line is one JSON object with these, `growth` (seconds an image of the larger run over the smaller)
and `rows` by layer (with --quick one).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy.interpolate import RectBivariateSpline  # noqa: E402

from annotations.creatures import palette, world  # noqa: E402
from annotations.creatures.anatomy import owner_of  # noqa: E402
from annotations.creatures.picture import Picture, render  # noqa: E402
from annotations.creatures.plan import CLASSES, PARTS, VARIANTS  # noqa: E402
from benchmarks.saliency.subjects import DATA, read_network  # noqa: E402
from summaries.engine.dissection.dissect import (  # noqa: E402
    Batch,
    DissectParams,
    Probe,
    count,
    find_layers,
    read_maps,
    sketch,
)
from summaries.engine.dissection.layers import MapLayer  # noqa: E402
from summaries.engine.dissection.tally import Counts, Labels  # noqa: E402
from summaries.engine.images import to_tensor  # noqa: E402
from summaries.engine.networks import Classifier, build  # noqa: E402
from summaries.engine.preprocessing import Preprocessing  # noqa: E402

WORLD, BATCH, LEVEL = 9_300, 8, 0.995
SIDE, LABELS = 224, (112, 112)
LAYERS = {
    "squeezenet1_0": ("torchvision:squeezenet1_0", "features"),
    "mobilenetv1_100": ("timm:mobilenetv1_100", "blocks.3"),
    "resnet18": ("torchvision:resnet18", "layer4"),
}
"""Layers of 512 units, of 13, 14 and 7 cells a side."""
RUN_POOL = 8
"""Few pictures, as they too take memory."""
QUICK = {"layers": 1, "pool": 16, "images": 24, "loop": 8, "rounds": 2, "runs": (16, 64)}
FULL = {"layers": 3, "pool": 48, "images": 96, "loop": 48, "rounds": 3, "runs": (250, 1000)}

CONCEPTS = (
    *[("part", part) for part in PARTS],
    *[("part", name) for part in PARTS for name in VARIANTS[part]],
    *[("object", name) for name in (*CLASSES, "animal", *world.THINGS, "background")],
    *[("colour", name) for name in palette.NAMES],
)
NUMBER = {concept: number for number, concept in enumerate(CONCEPTS)}
KINDS = ("part", "object", "colour")
CATEGORIES = np.array([KINDS.index(kind) for kind, _ in CONCEPTS])


@dataclass(frozen=True)
class Pictures:
    """A few pictures, over and over, up to `count`; each pass begins anew."""

    images: torch.Tensor
    labels: Sequence[Labels]
    count: int

    def __iter__(self) -> Iterator[Batch]:
        for first in range(0, self.count, BATCH):
            numbers = list(range(first, min(first + BATCH, self.count)))
            places = [number % len(self.images) for number in numbers]
            yield Batch(self.images[places], [self.labels[place] for place in places], numbers)


def draw_pictures(pool: int, count: int) -> Pictures:
    drawn = [render(WORLD, index) for index in range(pool)]
    large = [cv2.resize(each.rgb, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) for each in drawn]
    return Pictures(to_tensor(np.stack(large)), [label(each) for each in drawn], count)


def label(picture: Picture) -> Labels:
    """Five layers: kinds of parts; their variants; animal, things and background; the animal; colours."""
    variants = {owner_of(part.kind): (part.kind, part.name) for part in picture.plan.parts}
    layers = np.zeros((5, 256), np.int16)
    for owner, (kind, name) in variants.items():
        layers[:4, owner] = [
            NUMBER[each] + 1
            for each in (("part", kind), ("part", name), ("object", picture.plan.label), ("object", "animal"))
        ]
    for thing in world.THINGS:
        layers[2, world.owner_of(thing)] = NUMBER["object", thing] + 1
    layers[2, 0] = NUMBER["object", "background"] + 1
    colours = np.array([NUMBER["colour", name] + 1 for name in palette.NAMES], np.int16)
    maps = [each[picture.owners] for each in layers[:4]] + [colours[picture.colours]]
    small = [cv2.resize(each, LABELS[::-1], interpolation=cv2.INTER_NEAREST) for each in maps]
    return Labels(torch.from_numpy(np.stack(small)))


def load(name: str) -> Classifier:
    """With real weights where they are, else with random ones."""
    if (DATA / "weights" / f"{name}.json").exists():
        return read_network(name, torch.device("cpu"))
    torch.manual_seed(0)
    module = build(LAYERS[name][0], 1000).eval()
    return Classifier(module, Preprocessing(SIDE, None, (0.5,) * 3, (0.5,) * 3), torch.device("cpu"))


class Passes:
    """CPU seconds inside the network, from its input to its output, within a `with`."""

    def __init__(self, classifier: Classifier) -> None:
        self.module, self.seconds = classifier.module, 0.0

    def __enter__(self) -> Self:
        self._hooks = [
            self.module.register_forward_pre_hook(lambda *call: self._count(-1)),
            self.module.register_forward_hook(lambda *call: self._count(1)),
        ]
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _count(self, sign: int) -> None:
        self.seconds += sign * time.process_time()


def fit(classifier: Classifier, pictures: Pictures) -> Pictures:
    side = classifier.preprocessing.input_size
    if side == pictures.images.shape[-1]:
        return pictures
    images = torch.nn.functional.interpolate(pictures.images, (side, side), mode="bilinear")
    return Pictures(images, pictures.labels, pictures.count)


def run_loop(
    classifier: Classifier, probe: Probe, pictures: Pictures, *, frugal: bool
) -> tuple[Counts, np.ndarray, tuple[float, float]]:
    """The counts, the thresholds, and the seconds of all and of the forward pass within."""
    layer = find_layers(classifier, {"": probe})[""]
    units, height, width = layer.shape
    with tempfile.NamedTemporaryFile(suffix=".activations") as file:
        stored = np.memmap(file.name, np.float32, "w+", shape=(pictures.count, units, height, width))
        start, labels = time.process_time(), []
        with Passes(classifier) as passes:
            for batch in pictures:
                maps = read_maps(classifier, {"": probe}, batch.images)[""]
                stored[batch.numbers[0] : batch.numbers[-1] + 1] = maps.numpy()
                labels += batch.labels
        thresholds = np.array([threshold_of(stored[:, unit]) for unit in range(units)])
        counts = count_plainly(stored, thresholds, labels, layer, frugal)
        seconds = (time.process_time() - start, passes.seconds)
    return counts, thresholds, seconds


def threshold_of(values: np.ndarray) -> float:
    ordered = np.sort(values, axis=None)
    return ordered[len(ordered) - 1 - int((1 - LEVEL) * len(ordered) + 1e-6)]


def count_plainly(
    stored: np.ndarray, thresholds: np.ndarray, labels: Sequence[Labels], layer: MapLayer, frugal: bool
) -> Counts:
    """I, G and Acat by the formulas, concept by concept."""
    units, concepts = len(thresholds), len(CONCEPTS)
    both, labelled = np.zeros((units, concepts), np.int64), np.zeros(concepts, np.int64)
    images_with, active = np.zeros(concepts, np.int64), np.zeros(units, np.int64)
    active_in, active_over = (np.zeros((units, len(KINDS)), np.int64) for _ in range(2))
    middles, seen = places_of(layer)
    for maps, each in zip(stored, labels, strict=True):
        shown = each.maps.numpy()
        where = [(shown == concept + 1).any(0) for concept in range(concepts)]
        areas = np.array([one.sum() for one in where])
        labelled, images_with = labelled + areas, images_with + (areas > 0)
        categories = set(CATEGORIES[areas > 0])
        asked = np.flatnonzero(areas) if frugal else range(concepts)
        for unit in range(units):
            mask = RectBivariateSpline(*middles, maps[unit], kx=1, ky=1)(*seen) > thresholds[unit]
            size = mask.sum()
            if frugal and not size:
                continue
            under = set()
            for concept in asked:
                common = (mask & where[concept]).sum()
                both[unit, concept] += common
                if common:
                    under.add(CATEGORIES[concept])
            active[unit] += size
            active_in[unit, list(categories)] += size
            active_over[unit, list(under)] += size
    pixels = len(labels) * LABELS[0] * LABELS[1]
    return Counts(
        both, labelled, images_with, active_in, active_over, active, CATEGORIES, len(labels), pixels
    )


def places_of(layer: MapLayer) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Where cells look, and where pixels of the labels lie, clamped between them; down and right."""
    seen_by = layer.geometry
    middles = [np.arange(seen_by.grid[a]) * seen_by.stride[a] + seen_by.offset[a] for a in (0, 1)]
    pixels = [(np.arange(LABELS[a]) + 0.5) * seen_by.span[a] / LABELS[a] - 0.5 for a in (0, 1)]
    return middles, [own.clip(cells[0], cells[-1]) for own, cells in zip(pixels, middles, strict=True)]


def run_ours(
    classifier: Classifier, probe: Probe, pictures: Pictures, *, chance: bool = False
) -> tuple[float, float]:
    """Seconds of all and of the forward passes within."""
    start, probes = time.process_time(), {"": probe}
    with Passes(classifier) as passes:
        thresholds = sketch(classifier, probes, pictures)[""].quantile(LEVEL)
        count_with(classifier, probe, pictures, thresholds, chance=chance)
    return time.process_time() - start, passes.seconds


def count_with(
    classifier: Classifier,
    probe: Probe,
    pictures: Pictures,
    thresholds: torch.Tensor,
    *,
    chance: bool = False,
) -> Counts:
    found = count(
        classifier,
        {"": probe},
        {"": thresholds},
        pictures,
        categories=CATEGORIES,
        category_count=len(KINDS),
        params=DissectParams(chance=chance),
    )
    return found[""].tally.counts()


@torch.no_grad()
def run_plainly(classifier: Classifier, pictures: Pictures) -> float:
    """Seconds of two forward passes and nothing else."""
    start = time.process_time()
    for _ in range(2):
        for batch in pictures:
            classifier.logits(batch.images)
    return time.process_time() - start


def compare(name: str, sizes: dict) -> dict:
    classifier, probe = load(name), Probe(LAYERS[name][1])
    pictures = fit(classifier, draw_pictures(sizes["pool"], sizes["images"]))
    few = Pictures(pictures.images, pictures.labels, sizes["loop"])
    run_plainly(classifier, few)
    rounds = [
        (
            run_plainly(classifier, pictures),
            *(run_ours(classifier, probe, pictures, chance=each) for each in (False, True)),
        )
        for _ in range(sizes["rounds"])
    ]
    images = pictures.count
    plain = median(each for each, _, _ in rounds) / images
    ours, with_chance = (
        median(all_of for all_of, _ in each) / images for each in list(zip(*rounds, strict=True))[1:]
    )
    own, own_with_chance = (
        median(a - p for a, p in each) / images for each in list(zip(*rounds, strict=True))[1:]
    )
    counts, thresholds, literal = run_loop(classifier, probe, few, frugal=False)
    *_, frugal = run_loop(classifier, probe, few, frugal=True)
    again = count_with(classifier, probe, few, torch.from_numpy(thresholds))
    beside = (literal[0] - literal[1]) / few.count
    return {
        "units": len(thresholds),
        "concepts": len(CONCEPTS),
        "ratio": round(beside / own, 1),
        "ratio_with_passes": round(literal[0] / few.count / ours, 1),
        "ratio_frugal": round((frugal[0] - frugal[1]) / few.count / own, 1),
        "vs_two_forward": round(ours / plain, 3),
        "vs_two_forward_chance": round(with_chance / plain, 3),
        "ms": round(1000 * ours, 2),
        "ms_beside_passes": round(1000 * own, 2),
        "ms_chance": round(1000 * (own_with_chance - own), 2),
        "ms_two_forward": round(1000 * plain, 2),
        "ms_loop": round(1000 * literal[0] / few.count, 1),
        "stored_mb_1000": round(
            1000 * int(np.prod(find_layers(classifier, {"": probe})[""].shape)) * 4 / 1e6
        ),
        "apart": float(np.abs(counts.both - again.both).sum() / counts.both.sum()),
    }


def run_alone(images: int) -> dict:
    """Ours in a process of its own: seconds, and the peak of its memory."""
    command = [sys.executable, __file__, "--images", str(images), "--pool", str(RUN_POOL)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(images: int, pool: int) -> dict:
    name = next(iter(LAYERS))
    classifier = load(name)
    pictures = fit(classifier, draw_pictures(pool, images))
    libraries = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    seconds, _ = run_ours(classifier, Probe(LAYERS[name][1]), pictures)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": seconds, "peak_mb": peak, "libraries_mb": libraries}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 s on two cores")
    for hidden in ("--images", "--pool"):
        parser.add_argument(hidden, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.images:
        print(json.dumps(measure(options.images, options.pool)))
        return
    sizes = QUICK if options.quick else FULL
    # First: a child's peak begins with its parent's.
    few, many = (run_alone(images) for images in sizes["runs"])
    rows = {name: compare(name, sizes) for name in list(LAYERS)[: sizes["layers"]]}
    first = next(iter(rows.values()))
    each = [run["seconds"] / images for run, images in zip((few, many), sizes["runs"], strict=True)]
    result = {
        **first,
        "peak_mb": many["peak_mb"],
        "libraries_mb": many["libraries_mb"],
        "grown_mb": many["peak_mb"] - few["peak_mb"],
        "growth": round(each[1] / each[0], 3),
        "images": list(sizes["runs"]),
        "rows": rows,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
