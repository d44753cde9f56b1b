"""Growth: what grouping the segments of a class costs as its pictures grow in number; what sampling loses.

    python benchmarks/growth.py [--quick]

Generated pictures of one class are described by the shipped network; `parts.group`, preset standard's step
that looks at all of a class at once, then groups them: CPU seconds of one thread and peak megabytes, the
libraries included, each in a process of its own. Beyond the pictures described (200, or 24 with --quick)
there are copies of these, drawn by lot, in which areas, evidence, places and descriptors are jittered.

ARI: of the groups that the preset finds, from its sample, with those found from all pictures described, over
the pixels that either claims; without jitter. As the preset takes up to 200 pictures whole, the same is told
of a sample of half of them: what sampling loses beyond.

The last line is one JSON object: `seconds` and `peak_mb` by number of pictures; `growth`, the seconds of
1,000 over those of 100; `ari` of the preset, `ari_half` of half of the pictures, `ari_seeds` between two such
halves; `groups`, how many there are from a half and from all; `described` and `half`.
"""

import argparse
import json
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

if TYPE_CHECKING:
    from summaries.engine.visual.parts import Grouping
    from summaries.engine.visual.segments import Described

LABEL, WORLD = "grawk", 9_100
SHIPPED = ROOT / "summaries" / "networks" / "creatures.json"
DESCRIBED, SIZES = 200, (50, 100, 200, 400, 1000)
QUICK_DESCRIBED, QUICK_SIZES = 24, (100, 1000)
POOL = 100
JITTER = 0.05


def main() -> None:
    options = read_options()
    if options.step:
        print(json.dumps(STEPS[options.step](options)))
        return
    described, sizes = (QUICK_DESCRIBED, QUICK_SIZES) if options.quick else (DESCRIBED, SIZES)
    with tempfile.TemporaryDirectory(prefix="meronym-growth-") as folder:
        file = Path(folder) / "described.pickle"
        call("describe", file, described)
        costs = {count: call("group", file, count) for count in sizes}
        agreement = call("agree", file, described // 2)
    print(json.dumps(report(costs) | agreement))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 seconds on two cores")
    parser.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def call(step: str, file: Path, count: int) -> dict:
    """A step in a process of its own: this one stays small, as a child's peak begins with its parent's."""
    command = [sys.executable, __file__, f"--step={step}", f"--file={file}", f"--count={count}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def report(costs: dict[int, dict]) -> dict:
    seconds, peak = ({count: each[key] for count, each in costs.items()} for key in ("seconds", "peak_mb"))
    return {"seconds": seconds, "peak_mb": peak, "growth": round(seconds[1000] / seconds[100], 2)}


def describe(options: argparse.Namespace) -> dict:
    import torch

    from annotations.creatures.picture import render
    from annotations.creatures.plan import CLASSES
    from benchmarks.contest import networks
    from summaries.engine.activations import estimate_statistics
    from summaries.engine.images import to_tensor
    from summaries.engine.visual.segments import describe

    torch.set_num_threads(1)
    index = CLASSES.index(LABEL)
    pixels = np.stack([render(WORLD, index + len(CLASSES) * place).rgb for place in range(options.count)])
    classifier = networks.read(networks.shipped(SHIPPED))
    statistics = estimate_statistics(classifier, to_tensor(pixels[:POOL]))
    found = describe(classifier, pixels, index, statistics)
    options.file.write_bytes(pickle.dumps([each.to_arrays() for each in found]))
    return {}


def group(options: argparse.Namespace) -> dict:
    """What grouping so many pictures costs."""
    from summaries.engine.visual import parts

    described = multiply(read(options.file), options.count)
    began = time.process_time()
    parts.group(described)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": round(seconds, 2), "peak_mb": peak}


def agree(options: argparse.Namespace) -> dict:
    """How well the groups from a sample agree with those from all, and with those from another sample."""
    from summaries.engine.visual import parts

    described = read(options.file)
    preset = parts.PartParams()
    exhaustive = parts.group(described, params=replace(preset, sample=len(described)))
    halved = replace(preset, sample=options.count)
    one, other = (parts.group(described, params=halved, seed=seed) for seed in (0, 1))
    return {
        "ari": round(compare(described, parts.group(described, params=preset), exhaustive), 3),
        "ari_half": round(compare(described, one, exhaustive), 3),
        "ari_seeds": round(compare(described, one, other), 3),
        "groups": [len(one.evidence), len(exhaustive.evidence)],
        "described": len(described),
        "half": options.count,
    }


STEPS = {"describe": describe, "group": group, "agree": agree}


def read(file: Path) -> list["Described"]:
    from summaries.engine.visual.segments import Described

    return [Described.from_arrays(arrays) for arrays in pickle.loads(file.read_bytes())]


def multiply(described: Sequence["Described"], count: int) -> list["Described"]:
    """As many pictures: the first ones, then jittered copies."""
    rng = np.random.default_rng(0)
    extra = rng.integers(len(described), size=max(0, count - len(described)))
    return [*described[:count], *(jitter(described[place], rng) for place in extra)]


def jitter(each: "Described", rng: np.random.Generator) -> "Described":
    """A picture of the same segments, all a little otherwise."""

    def shake(values: np.ndarray, size: float = JITTER) -> np.ndarray:
        return (values + rng.normal(0, size, values.shape)).astype(np.float32)

    def stretch(values: np.ndarray) -> np.ndarray:
        return (values * np.exp(rng.normal(0, JITTER, values.shape))).astype(np.float32)

    return replace(
        each,
        area=stretch(each.area),
        evidence=stretch(each.evidence),
        centre=shake(each.centre),
        # A noise whose length over all components is JITTER: descriptors have unit length.
        descriptors=shake(each.descriptors, JITTER / each.descriptors.shape[1] ** 0.5),
        coarse=shake(each.coarse, JITTER / each.coarse.shape[1] ** 0.5),
    )


def compare(described: Sequence["Described"], one: "Grouping", other: "Grouping") -> float:
    from sklearn.metrics import adjusted_rand_score

    area = np.concatenate([each.area for each in described]).astype(int)
    first, second = (np.repeat(np.concatenate(found.of), area) for found in (one, other))
    claimed = (first >= 0) | (second >= 0)
    return float(adjusted_rand_score(first[claimed], second[claimed]))


if __name__ == "__main__":
    main()
