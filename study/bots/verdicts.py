"""What a study's findings say against what is true of the bots that took part in it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scipy.stats import binom

from study.agreement import LAYERS
from study.bots.population import Expected
from study.bots.truth import Belief
from study.models import Stimulus
from study.naming import Layers

ERROR = 0.05
"""How often, over all summaries of a study together, a true modal name may be taken for another by chance."""


@dataclass(frozen=True)
class Verdict:
    """One number of the findings, and what it would be with endlessly many people and summaries."""

    measure: str
    truth: float
    value: float | None
    low: float | None
    high: float | None
    reason: str = ""
    """Why there is no number or no interval."""

    @property
    def inside(self) -> bool:
        """No interval holds nothing."""
        return self.low is not None and self.high is not None and bool(self.low <= self.truth <= self.high)


@dataclass(frozen=True)
class Modal:
    """How far the modal names of the summaries, at the merged layer, are the true ones."""

    summaries: int
    """That were given names."""
    right: float
    """Where several names tie, in part."""
    possible: int
    """The true name is among those that cannot be told from the modal one."""


def verdict(measure: str, truth: float, estimate: Mapping[str, Any]) -> Verdict:
    """On an estimate of a snapshot, by its interval to other people and summaries."""
    low, high = estimate["two_way"] or (None, None)
    return Verdict(measure, truth, estimate["value"], low, high, estimate["reason"] or estimate["warning"])


def of_agreement(found: Mapping[str, Any], expected: Expected) -> Iterator[Verdict]:
    """On one analysis of a snapshot; planted checks that the study has not are passed over."""
    overall, same = found["overall"], found["consistency"]
    for layer in LAYERS:
        yield verdict(f"alpha, {layer}", expected.alpha[layer], overall[layer]["alpha"])
        yield verdict(f"percent agreement, {layer}", expected.percent[layer], overall[layer]["percent"])
        if same["pairs"]:
            yield verdict(f"self-consistency, {layer}", expected.consistency[layer], same["same"][layer])
    yield verdict("nothing in common", expected.nothing, overall["merged"]["nothing"])
    yield verdict("can't tell", expected.cannot_tell, overall["merged"]["cannot_tell"])
    if found["floor"]["decoys"]:
        yield verdict("guess floor", expected.floor, found["floor"]["named"])


def modal(rows: Iterable[Mapping[str, Any]], layers: Layers, known: Mapping[int, Belief]) -> Modal:
    """From the stimuli of an analysis.

    A name cannot be told from the modal one if the sign test between the two does not reject, at a level that
    all names of all summaries share.
    """
    rows = [row for row in rows if row["kind"] == Stimulus.Kind.SUMMARY and row["layers"]["merged"]["count"]]
    level = ERROR / max(sum(len(row["layers"]["merged"]["names"]) for row in rows), 1)
    right, possible = 0.0, 0
    for row in rows:
        told = row["layers"]["merged"]
        true = layers.merged(layers.mechanical(known[row["id"]].modal))
        right += (true in told["modal"]) / len(told["modal"])
        count = dict(told["names"]).get(true, 0)
        possible += bool(binom.cdf(count, count + told["count"], 0.5) >= level)
    return Modal(len(rows), right, possible)
