"""Scores: how well each unit's mask agrees with each concept, and which units detect which."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from summaries.engine import Refusal
from summaries.engine.dissection.tally import NONE, Counts

THRESHOLD = 0.04
EPS = {"netdissect": 1e-20, "lite": 1e-10, "unrestricted": 1e-20}
"""Rule of the denominator -> what it is kept from being zero by."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rule = Literal["netdissect", "lite", "unrestricted"]
Counting = Literal["top label", "per category"]


def iou(counts: Counts, rule: Rule = "netdissect") -> Floats:
    """(U, C): IoU_{k,c} = I / (Acat + G - I + eps), one ratio of sums over all images.

    Acat is the unit's active pixels, counted by `rule`: "netdissect", in images that show a concept of the
    same primary category as c; "lite", only where one lies under the unit's own mask, for comparison with
    results published so, which are higher; "unrestricted", in all images, as in later work on completely
    labelled images. 0 for units never active, concepts never labelled and concepts without a category.
    Source: section 1.1.
    """
    if rule not in EPS:
        raise Refusal(f"Rule '{rule}' is not known; known are {', '.join(EPS)}.")
    active = _active(counts, rule)
    either = active + counts.labelled - counts.both + EPS[rule]
    return np.where(counts.categories >= 0, counts.both / either, 0.0)


def _active(counts: Counts, rule: Rule) -> Ints:
    """(U, C) or (U, 1)."""
    if rule == "unrestricted":
        return counts.active[:, None]
    by_category = counts.active_in if rule == "netdissect" else counts.active_over
    return by_category[:, counts.categories]


@dataclass(frozen=True)
class Best:
    """Of each unit the concept of the highest IoU, -1 where all are 0, and that IoU."""

    label: Ints
    score: Floats


def best(scores: Floats) -> Best:
    """scores (U, C) -> each unit's top label; of equals the first concept."""
    if not scores.shape[1]:
        return Best(np.full(len(scores), NONE), np.zeros(len(scores)))
    label = scores.argmax(1)
    score = scores[np.arange(len(scores)), label]
    return Best(np.where(score > 0, label, NONE), score)


def best_by_category(scores: Floats, categories: Ints, category_count: int) -> Best:
    """scores (U, C) -> label and score (U, K): each unit's best concept of each category."""
    label = np.full((len(scores), category_count), NONE)
    score = np.zeros((len(scores), category_count))
    for number in range(category_count):
        own = np.flatnonzero(categories == number)
        found = best(scores[:, own])
        label[:, number] = np.append(own, NONE)[found.label]
        score[:, number] = found.score
    return Best(label, score)


@dataclass(frozen=True)
class Detectors:
    """How many units of a layer detect a concept, and how many concepts are detected.

    units: those whose top label passes. unique: by the chosen counting. By category (K,) likewise.
    """

    counting: Counting
    threshold: float
    units: int
    unique: int
    units_by_category: Ints
    unique_by_category: Ints


def detectors(
    scores: Floats,
    categories: Ints,
    category_count: int,
    *,
    threshold: float = THRESHOLD,
    counting: Counting = "top label",
) -> Detectors:
    """Units with IoU > threshold (strictly) for a concept, and the distinct concepts among their labels.

    counting "top label": a unit stands for its best concept alone, as the paper's text has it. "per
    category": for the best of each category that passes, and concepts are summed over categories, as the
    published bar charts have it (AlexNet on Places205: 60 unique by the first, 79 by the second). The number
    of units that detect something is the same. Source: sections 1 and 4.1.
    """
    if counting not in ("top label", "per category"):
        raise Refusal(f"Counting '{counting}' is not known; known are top label, per category.")
    found = best_by_category(scores, categories, category_count)
    passed = (found.score > threshold) & (found.label != NONE)
    top = best(scores)
    if counting == "top label":
        passed &= found.label == top.label[:, None]
    unique = np.array([len(np.unique(found.label[passed[:, k], k])) for k in range(category_count)], np.int64)
    return Detectors(
        counting=counting,
        threshold=threshold,
        units=int(((top.score > threshold) & (top.label != NONE)).sum()),
        unique=int(unique.sum()),
        units_by_category=passed.sum(0),
        unique_by_category=unique,
    )


def matched(scores: Floats, labels: Ints) -> float:
    """Mean over the given concepts of the best IoU that any unit has with each; 0 for none."""
    return float(scores[:, labels].max(0).mean()) if len(labels) and len(scores) else 0.0
