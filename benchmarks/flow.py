"""Local offset matching: the published loop, taken over literally, against ours, and what a class needs.

Literal: the authors' MATLAB loop in numpy, a pair at a time, as they wrote it: at each of the 500 rows the
maxima of the whole matrix and of the neighbourhood are searched anew. Ours: `flow.match_many`, which matches
one picture to as many partners at once as the pipeline does; its time is divided by the number of pairs. Both
start from the same boxes and appearance scores and spend CPU seconds of one thread of one process, after a
round that is not counted.

Inputs are generated: 500 boxes a picture, with descriptors that agree where the places agree, plus noise,
so that appearance and geometry support each other as they do in photographs. Where golden outputs of the
authors' own code lie beside the checkout (../shared/golden), the literal loop is held to them first, so that
it is what it says.

Memory: a process of its own sends a class of such pictures, with descriptors of the real length and a mask
each, through the pipeline's matching and through all that reads it, up to the clusters (not with
--quick). Its peak counts the libraries, too.

The last line is one JSON object: `ratio` = literal seconds a pair / ours (the median over rounds);
`same_partner` = the share of the rows in which both find the same best partner; the seconds themselves;
for a class of 100 `peak_mb_100`, its `regions` and `stored_bytes_a_pair`, its matches on disk.

    python benchmarks/flow.py [--quick]
"""

import argparse
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from unittest import mock

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from summaries.engine.visual.flow import appearance, match_many  # noqa: E402

GOLDEN = ROOT.parent / "shared" / "golden"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""The numbers that glibc's malloc.h gives them."""

BOXES = 500
SIDE = 224
PARTNERS = 100
"""As many as `summaries.pipeline.matches` takes at once."""


def match_literally(boxes_a: np.ndarray, boxes_b: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The published loop, statement for statement; sums run over one box after another as there."""
    centre_a, half_a = (boxes_a[:, :2] + boxes_a[:, 2:]) / 2, (boxes_a[:, 2:] - boxes_a[:, :2]) / 2
    centre_b, half_b = (boxes_b[:, :2] + boxes_b[:, 2:]) / 2, (boxes_b[:, 2:] - boxes_b[:, :2]) / 2
    aspect = (half_b[:, 0] / half_b[:, 1])[None] / (half_a[:, 0] / half_a[:, 1])[:, None]
    confidence = np.where((aspect < 2) & (aspect > 0.5), scores, 0).astype(np.float32)
    offset_x = centre_a[:, None, 0] - centre_b[:, 0]
    offset_y = centre_a[:, None, 1] - centre_b[:, 1]
    offset_s = half_a.prod(1)[:, None] / half_b.prod(1)
    low = np.maximum(boxes_a[:, None, :2], boxes_a[:, :2])
    high = np.minimum(boxes_a[:, None, 2:], boxes_a[:, 2:])
    overlap = (high + 1 - low > 0).all(2)
    for row in range(len(boxes_a)):
        near = np.flatnonzero(overlap[row])
        local = confidence[near]
        best, partner = local.max(1), local.argmax(1)
        everywhere = confidence.max(1)
        points = np.stack([offset_x[near, partner], offset_y[near, partner], offset_s[near, partner]], axis=1)
        median = np.ones(3)
        for _ in range(20):
            distance = np.sqrt((points - median) ** 2) + np.finfo(float).eps
            median = (points / distance).sum(0) / (1 / distance).sum(0)
        xy = np.sqrt((offset_x[row] - median[0]) ** 2 + (offset_y[row] - median[1]) ** 2)
        affinity = np.exp(-0.05 * xy - 0.3 * np.abs(offset_s[row] - median[2]))
        share = best.sum(dtype=np.float64) / everywhere.sum(dtype=np.float64)
        confidence[row] = confidence[row] * (affinity * share)
    return confidence


def hold_to_golden() -> int:
    """Compare the literal loop with the authors' own outputs; the number of files compared."""
    files = sorted(GOLDEN.glob("lom_*.npz"))
    for path in files:
        golden = np.load(path)
        scores = appearance(golden["descriptors_a"], golden["descriptors_b"])
        found, expected = match_literally(golden["boxes_a"], golden["boxes_b"], scores), golden["confidence"]
        if np.abs(found - expected).max() > 1e-5 * expected.max():
            raise SystemExit(f"the literal loop does not reproduce {path.name}")
    return len(files)


def draw_picture(rng: np.random.Generator, field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (500, 4) and descriptors (500, d): those of their place in a shared field, plus noise."""
    size = np.exp(rng.uniform(np.log(20), np.log(SIDE * 0.7), (BOXES, 2))).astype(int)
    low = rng.integers(2, SIDE - 1 - size)
    boxes = np.concatenate([low, low + size], axis=1)
    x, y = ((boxes[:, :2] + boxes[:, 2:]) // 2 * len(field) // SIDE).T
    descriptors = field[y, x] + rng.normal(0, 1, (BOXES, field.shape[-1]))
    return boxes.astype(float), descriptors


def measure(partners: int, literal_pairs: int, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    field = rng.normal(0, 1, (8, 8, 64))
    boxes_a, descriptors_a = draw_picture(rng, field)
    others = [draw_picture(rng, field) for _ in range(partners)]
    boxes = [own for own, _ in others]
    scores = [appearance(descriptors_a, own).astype(np.float32) for _, own in others]

    start = time.process_time()
    found = match_many(boxes_a, boxes, scores)
    ours = (time.process_time() - start) / partners

    start = time.process_time()
    literal = [match_literally(boxes_a, boxes[p], scores[p]) for p in range(literal_pairs)]
    theirs = (time.process_time() - start) / literal_pairs

    pairs = zip(found, literal, strict=False)
    same = np.mean([own.partners == other.argmax(1) for own, other in pairs])
    return {"ours": ours, "literal": theirs, "same_partner": float(same)}


class Picture(NamedTuple):
    """Stands for a run's image, which the pipeline asks for little else than these."""

    number: int
    run_class: SimpleNamespace
    boxes: np.ndarray
    on_mask: np.ndarray


def draw_class(count: int, field: np.ndarray) -> list[Picture]:
    """Pictures with boxes and, each, those of them that lie on a mask of a sixth of the picture."""
    from summaries.engine.visual import regions

    y, x = np.mgrid[:SIDE, :SIDE]
    mask = np.uint8(255) * ((x - 110) ** 2 + (y - 120) ** 2 < SIDE**2 / 6 / np.pi)
    drawn = [draw_picture(np.random.default_rng(number), field)[0] for number in range(count)]
    run_class = SimpleNamespace(run=None)
    return [Picture(n, run_class, boxes, regions.on_mask(boxes, mask)) for n, boxes in enumerate(drawn)]


def group_class(count: int) -> dict[str, int]:
    """The pipeline's way from proposals to clusters for one class, and what it took."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "studyproject.settings"
    import django

    django.setup()
    from summaries.engine.visual import descriptors
    from summaries.pipeline import evidence, matches, presets

    field = np.random.default_rng(0).normal(0, 1, (8, 8, descriptors.LENGTH)).astype(np.float32)
    pictures = draw_class(count, field)

    @lru_cache(maxsize=evidence._descriptors.cache_info().maxsize)
    def described(number: int) -> np.ndarray:
        return draw_picture(np.random.default_rng(number), field)[1].astype(np.float32)

    with (
        mock.patch.object(evidence, "params_of", lambda run: presets.paper(SIDE)),
        mock.patch.object(evidence, "background_key", lambda run: ""),
        mock.patch.object(evidence, "boxes_of", lambda picture: picture.boxes),
        mock.patch.object(evidence, "descriptors_of", lambda picture, _: described(picture.number)),
        mock.patch.object(matches, "on_mask", lambda picture: picture.on_mask),
        mock.patch.object(matches, "matches_key", lambda partners: f"matches/{partners[0].number}.npz"),
    ):
        regions_kept, stored = follow_matches(pictures)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    pairs = count * (count + 1) // 2
    return {f"peak_mb_{count}": peak, "regions": regions_kept, "stored_bytes_a_pair": stored // pairs}


def follow_matches(pictures: list[Picture]) -> tuple[int, int]:
    """Match, choose regions in the pipeline's chunks, cluster: the number of regions, bytes on disk."""
    from annotations import files
    from summaries import artifacts
    from summaries.engine.visual import clusters, regions, similarity
    from summaries.pipeline import matches
    from summaries.pipeline.evidence import batches
    from summaries.pipeline.pieces import CHUNK

    stored = 0
    for place, first in enumerate(pictures):
        artifacts.save(f"matches/{place}.npz", matches.match(first, pictures[place:], iter))
        stored += len(files.get(f"matches/{place}.npz"))
    kept = []
    for chunk in batches(pictures, CHUNK):
        tops = matches.ClassMatches(pictures).tops([each.number for each in chunk])
        kept += [
            regions.prune_redundant(each.boxes[each.on_mask], regions.quality(tops[each.number]))
            for each in chunk
        ]
    compared = similarity.assemble(kept, matches.ClassMatches(pictures).block)
    clusters.affinity_propagation(similarity.shift(compared.matrix))
    return len(compared.image), stored


def measure_memory(count: int) -> dict[str, int]:
    """`group_class` in a process of its own; before this one grows, whose peak a child's begins with."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "MERONYM_HOME": home, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, __file__, "--class-of", str(count)]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def keep_buffers() -> None:
    """As `run` and the image do for the product: glibc keeps large buffers that are given back."""
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"):
        for threshold in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
            ctypes.CDLL(None).mallopt(threshold, 2**31 - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Local offset matching against the published loop.")
    parser.add_argument("--quick", action="store_true", help="under 50 seconds on two cores")
    parser.add_argument("--class-of", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_buffers()
    if options.class_of:
        sys.stdout.write(json.dumps(group_class(options.class_of)) + "\n")
        return
    memory = {} if options.quick else measure_memory(100)
    held = hold_to_golden()
    measure(PARTNERS, 1, seed=0)
    seeds, literal_pairs = (range(1, 6), 6) if options.quick else (range(1, 9), 20)
    rounds = [measure(PARTNERS, literal_pairs, seed) for seed in seeds]
    ours, literal = (float(np.median([r[key] for r in rounds])) for key in ("ours", "literal"))
    report = {
        "ratio": round(float(np.median([r["literal"] / r["ours"] for r in rounds])), 2),
        "same_partner": float(np.mean([r["same_partner"] for r in rounds])),
        "seconds_a_pair": round(ours, 4),
        "literal_seconds_a_pair": round(literal, 4),
        "golden_files": held,
        **memory,
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
