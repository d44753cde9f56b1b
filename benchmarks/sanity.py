"""Sanity: where there is nothing to find, preset standard must find nothing; and twice the same.

    python benchmarks/sanity.py [--quick]

The shipped network, or ones of its build, and generated pictures of some classes go through the engine as
the pipeline goes through it. A summary is accepted as there: its group is kept for what hiding it costs.

Random weights: networks of the same build as they are before training. Their answer is hardly ever the
class, and an image that a network calls otherwise is skipped; so they are asked with that rule (`rule`) and
without it (`free`), when every image counts.
Two seeds: a seed only chooses the images that groups are found from, where there are more than the preset's
sample (100), and changes nothing of so few (`seeds_ari`); `sampled_ari` is from samples of two thirds of
them. ARI over the pixels that either grouping claims.
bfloat16: the masks of the annealed schedule; and the same summaries with the network's weights and the output
of each of its modules rounded, which also reaches segments, groups and worth: the masks alone decide nothing.
Shuffled labels: a network trained for a while on pictures whose classes were drawn by lot. A summary claims a
part where their IoU over the images is 0.3 or more; no part is of use to such a network.

The last line is one JSON object: `accepted` summaries a class of the trained network, `random` and `shuffled`
{"rule", "free"} likewise, as a mean over networks; `random_share` = free / accepted; `shuffled_claims`, how
many of the planted parts are claimed by a class's summaries; `seeds_ari`, `sampled_ari`; `bf16_mask_iou`,
`bf16_ari`.
With --quick two classes, fewer images and networks, and hardly any training.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from sklearn.metrics import adjusted_rand_score  # noqa: E402

from annotations.creatures.picture import render  # noqa: E402
from annotations.creatures.plan import CLASSES  # noqa: E402
from benchmarks.contest import networks, scores, world  # noqa: E402
from summaries.engine.activations import Statistics, estimate_statistics  # noqa: E402
from summaries.engine.images import to_tensor  # noqa: E402
from summaries.engine.networks import Classifier, build  # noqa: E402
from summaries.engine.visual import masks, parts, segments, worth  # noqa: E402
from summaries.management.commands.train_creature_network import ARCHITECTURE, train  # noqa: E402

SHIPPED = ROOT / "summaries" / "networks" / "creatures.json"
WORLD, LESSONS = 8_100, 1_500_000
"""Seeds of pictures that no network was trained on, and of those for training on shuffled labels."""
POOL = 100


@dataclass(frozen=True)
class Size:
    labels: tuple[str, ...]
    images: int
    seeds: int
    lessons: int
    epochs: int
    masked: int


QUICK = Size(("grawk", "plimbo"), images=9, seeds=2, lessons=128, epochs=2, masked=4)
FULL = Size(("grawk", "plimbo", "snorfle", "zindle"), images=24, seeds=5, lessons=1800, epochs=8, masked=24)


@dataclass(frozen=True)
class Planted:
    """N pictures of one class: pixels (N, S, S, 3), and truth (N, S, S), 0 the scene, else the part."""

    index: int
    pixels: np.ndarray
    truth: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 seconds on two cores")
    size = QUICK if parser.parse_args().quick else FULL
    torch.set_num_threads(1)
    planted = [draw(label, size.images) for label in size.labels]
    sys.stdout.write(json.dumps(report(size, planted)) + "\n")


def draw(label: str, count: int) -> Planted:
    index = CLASSES.index(label)
    drawn = [render(WORLD, index + len(CLASSES) * number) for number in range(count)]
    pixels, truth = np.stack([each.rgb for each in drawn]), np.stack([world.mark(each) for each in drawn])
    return Planted(index, pixels, truth)


def report(size: Size, planted: Sequence[Planted]) -> dict:
    trained = networks.read(networks.shipped(SHIPPED))
    described = describe_all(trained, planted)
    found = [summarise(trained, each, some) for each, some in zip(planted, described, strict=True)]
    accepted = mean(map(count_groups, found))
    random = [ask(guess(seed), planted)[0] for seed in track(range(size.seeds), "random networks")]
    shuffled, claims = ask(learn_by_lot(size), planted)
    free = mean(each["free"] for each in random)
    return {
        "accepted": accepted,
        "random": {"rule": mean(each["rule"] for each in random), "free": free},
        "random_share": round(free / max(accepted, 1e-9), 3),
        "shuffled": shuffled,
        "shuffled_claims": claims,
        "seeds_ari": round(compare_seeds(described, 1), 3),
        "sampled_ari": round(compare_seeds(described, 2 / 3), 3),
        "bf16_mask_iou": round(compare_masks(trained, planted, size.masked), 3),
        "bf16_ari": round(compare_rounded(trained, planted, found), 3),
    }


def track(items: Sequence, words: str) -> Iterator:
    from tqdm import tqdm

    return iter(tqdm(items, words))


# The way of the pipeline, on arrays.


def describe_all(classifier: Classifier, planted: Sequence[Planted]) -> list[list[segments.Described]]:
    statistics = look_at_large(classifier, planted)
    return [segments.describe(classifier, each.pixels, each.index, statistics) for each in planted]


def look_at_large(classifier: Classifier, planted: Sequence[Planted]) -> Statistics:
    pool = np.concatenate([each.pixels for each in planted])
    return estimate_statistics(classifier, to_tensor(pool[:: max(1, len(pool) // POOL)]))


def summarise(classifier: Classifier, asked: Planted, described: Sequence[segments.Described]) -> np.ndarray:
    """(N, S, S): the accepted group of each pixel, or NONE."""
    grouping = parts.group(described)
    labels = paint(described, grouping)
    measured = worth.measure(classifier, asked.pixels, labels, asked.index, count=len(grouping.evidence))
    kept = [number for number, reason in enumerate(worth.judge(measured)) if not reason]
    return np.where(np.isin(labels, kept), labels, parts.NONE)


def paint(described: Sequence[segments.Described], grouping: parts.Grouping) -> np.ndarray:
    return np.stack([groups[each.labels] for each, groups in zip(described, grouping.of, strict=True)])


def count_groups(labels: np.ndarray) -> int:
    return len(np.unique(labels[labels != parts.NONE]))


# What must not be found.


def guess(seed: int) -> Classifier:
    torch.manual_seed(seed)
    own = networks.read(networks.shipped(SHIPPED))
    return replace(own, module=build(ARCHITECTURE, len(CLASSES)).eval())


def learn_by_lot(size: Size) -> Classifier:
    """A network whose lessons' classes were drawn by lot: `train` takes them from the pictures' order."""
    torch.manual_seed(0)
    pixels = np.stack([render(LESSONS, number).rgb for number in track(range(size.lessons), "lessons")])
    order = torch.randperm(len(pixels))
    return train(build(ARCHITECTURE, len(CLASSES)), torch.from_numpy(pixels)[order], epochs=size.epochs)


def ask(classifier: Classifier, planted: Sequence[Planted]) -> tuple[dict[str, float], float]:
    """Accepted summaries a class with the rule and without it, and the parts that these claim."""
    described = describe_all(classifier, planted)
    free = [summarise(classifier, each, some) for each, some in zip(planted, described, strict=True)]
    ruled = [summarise_called(classifier, each, some) for each, some in zip(planted, described, strict=True)]
    claims = mean(count_claims(each, found) for each, found in zip(planted, free, strict=True))
    return {"rule": mean(ruled), "free": mean(map(count_groups, free))}, claims


def summarise_called(classifier: Classifier, asked: Planted, described: Sequence[segments.Described]) -> int:
    """Accepted summaries from those images alone that the network calls by their class."""
    with torch.no_grad():
        called = classifier.logits(to_tensor(asked.pixels)).argmax(1).numpy() == asked.index
    some = Planted(asked.index, asked.pixels[called], asked.truth[called])
    if not called.any():
        return 0
    return count_groups(summarise(classifier, some, [described[place] for place in np.flatnonzero(called)]))


def count_claims(asked: Planted, labels: np.ndarray) -> int:
    """Planted parts with which a summary shares an IoU of 0.3."""
    clusters = [labels == number for number in np.unique(labels[labels != parts.NONE])]
    there = np.unique(asked.truth[asked.truth > 0]).tolist()
    return round(scores.score(clusters, asked.truth, used=there, unused=()).recall30 * len(there))


# What must be found again.


def compare_seeds(described: Sequence[Sequence[segments.Described]], share: float) -> float:
    """Mean ARI of the groups found with two seeds from samples of this share of each class's images."""
    found = []
    for some in described:
        params = parts.PartParams(sample=max(2, round(share * len(some))))
        one, other = (paint(some, parts.group(some, params=params, seed=seed)) for seed in (0, 1))
        found.append(agree(one, other))
    return mean(found)


def agree(one: np.ndarray, other: np.ndarray) -> float:
    claimed = (one != parts.NONE) | (other != parts.NONE)
    return float(adjusted_rand_score(one[claimed], other[claimed]))


def compare_masks(classifier: Classifier, planted: Sequence[Planted], count: int) -> float:
    """Mean IoU of the thresholded masks in float32 and in bfloat16."""
    images = to_tensor(np.concatenate([each.pixels[:count] for each in planted]))
    classes = torch.tensor([each.index for each in planted for _ in each.pixels[:count]])
    wide, short = (
        masks.find_masks(
            classifier, images, classes, params=masks.MaskParams(schedule="annealed", dtype=dtype)
        ).crisp
        > masks.THRESHOLD
        for dtype in ("float32", "bfloat16")
    )
    return float(((wide & short).sum((1, 2)) / (wide | short).sum((1, 2)).clip(1)).mean())


def compare_rounded(classifier: Classifier, planted: Sequence[Planted], found: Sequence[np.ndarray]) -> float:
    """Mean ARI of the accepted summaries with those of the rounded network."""
    own = round_off(classifier)
    described = describe_all(own, planted)
    again = [summarise(own, each, some) for each, some in zip(planted, described, strict=True)]
    return mean(agree(*pair) for pair in zip(found, again, strict=True))


def round_off(classifier: Classifier) -> Classifier:
    own = classifier.copy()
    for weight in own.module.parameters():
        weight.data = weight.data.bfloat16().float()
    for part in own.module.modules():
        part.register_forward_hook(lambda _, __, output: output.bfloat16().float())
    return own


if __name__ == "__main__":
    main()
