"""Local offset matching: the published loop, taken over literally, against ours.

Literal: the authors' MATLAB loop in numpy, a pair at a time, as they wrote it: at each of the 500 rows the
maxima of the whole matrix and of the neighbourhood are searched anew. Ours: `flow.match_many`, which matches
one picture to all its partners at once and keeps the maxima; its time is divided by the number of pairs. Both
start from the same boxes and appearance scores and spend CPU seconds of one process.

Inputs are generated: 500 boxes a picture, with descriptors that agree where the places agree, plus noise,
so that appearance and geometry support each other as they do in photographs. Where golden outputs of the
authors' own code lie beside the checkout (../shared/golden), the literal loop is held to them first, so that
it is what it says.

The last line is one JSON object: `ratio` = literal seconds a pair / our seconds a pair; `same_partner` = the
share of the rows in which both find the same best partner; and the seconds themselves.

    python benchmarks/flow.py [--quick]
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from summaries.engine.visual.flow import appearance, match_many  # noqa: E402

GOLDEN = ROOT.parent / "shared" / "golden"
BOXES = 500
SIDE = 224


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


def main() -> None:
    parser = argparse.ArgumentParser(description="Local offset matching against the published loop.")
    parser.add_argument("--quick", action="store_true", help="under 50 seconds on two cores")
    quick = parser.parse_args().quick
    held = hold_to_golden()
    measure(4, 1, seed=0)
    rounds = [measure(20, 10 if quick else 20, seed) for seed in range(1, 4 if quick else 9)]
    ours, literal = (float(np.median([r[key] for r in rounds])) for key in ("ours", "literal"))
    report = {
        "ratio": round(literal / ours, 2),
        "same_partner": float(np.mean([r["same_partner"] for r in rounds])),
        "seconds_a_pair": round(ours, 4),
        "literal_seconds_a_pair": round(literal, 4),
        "golden_files": held,
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
