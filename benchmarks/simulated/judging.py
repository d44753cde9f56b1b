"""What a study's findings say against what is true: which intervals hold the truth."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from scipy.stats import binom

from benchmarks.simulated import tags
from benchmarks.simulated.plans import Plan
from study.agreement import LAYERS, NAME
from study.bots.population import accepted
from study.bots.speech import synonyms, utterances, vocabulary
from study.bots.truth import Belief, Said
from study.naming import Layers

LEVEL = 0.95


@dataclass(frozen=True)
class Verdict:
    measure: str
    analysis: str
    truth: float
    value: float | None
    low: float | None
    high: float | None
    reason: str = ""

    @property
    def inside(self) -> bool:
        """No interval holds nothing."""
        return self.low is not None and self.high is not None and self.low <= self.truth <= self.high


@dataclass(frozen=True)
class Modal:
    """How far the modal names of one study's summaries, at the merged layer, are the true ones."""

    summaries: int
    right: int
    """Where they tie, in part."""
    possible: bool
    """In every summary the true name is among those that cannot be told from the modal one."""


def verdicts(plan: Plan, content: dict[str, Any]) -> Iterator[Verdict]:
    """Of every number that has a truth, in both analyses."""
    for analysis in ("main", "all"):
        found = content["analyses"][analysis]
        for measure, truth, estimate in _compared(plan, analysis, found):
            low, high = estimate["two_way"] or (None, None)
            reason = estimate["reason"] or estimate["warning"]
            yield Verdict(measure, analysis, truth, estimate["value"], low, high, reason)


def modal(rows: Iterable[dict[str, Any]], layers: Layers, known: dict[int, Belief]) -> Modal:
    """From the stimuli of an analysis. A summary without names has no modal one, and its truth is possible.

    A name cannot be told from the modal one if the sign test between the two does not reject, at a level
    that all names of all summaries share.
    """
    rows = [row for row in rows if row["kind"] == "summary"]
    rivals = sum(len(row["layers"]["merged"]["names"]) for row in rows)
    right, possible = 0.0, True
    for row in rows:
        told = row["layers"]["merged"]
        true = layers.merged(layers.mechanical(known[row["id"]].modal))
        right += (true in told["modal"]) / max(len(told["modal"]), 1)
        count = dict(told["names"]).get(true, 0)
        possible &= binom.cdf(count, count + told["count"], 0.5) >= (1 - LEVEL) / rivals
    return Modal(len(rows), right, bool(possible))


def groups(plan: Plan, layers: Layers, given: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """What a coder who knows merges: by meaning the names given for it, where there are several."""
    meant: dict[str, set[str]] = {}
    said = {each.words: word for word in synonyms(plan.language, plan.speech) for each in _said(plan, word)}
    for words in given:
        if words in said:
            meant.setdefault(said[words], set()).add(layers.mechanical(words))
    for meaning, names in sorted(meant.items()):
        into = layers.mechanical(meaning)
        if names - {into}:
            yield into, sorted(names - {into})


def _said(plan: Plan, meaning: str) -> Iterable[Any]:
    return utterances(plan.speech, meaning, plan.language)


def _compared(
    plan: Plan, analysis: str, found: dict[str, Any]
) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Name of the measure, truth, estimate."""
    expected, overall = plan.expected(analysis), found["overall"]
    for layer in LAYERS:
        yield f"alpha, {layer}", expected.alpha[layer], overall[layer]["alpha"]
        yield f"percent agreement, {layer}", expected.percent[layer], overall[layer]["percent"]
        yield f"self-consistency, {layer}", expected.consistency[layer], found["consistency"]["same"][layer]
    yield "nothing in common", expected.nothing, overall["merged"]["nothing"]
    yield "can't tell", expected.cannot_tell, overall["merged"]["cannot_tell"]
    yield "guess floor", expected.floor, found["floor"]["named"]
    yield "attention", _attention(plan, analysis), found["attention"]["right"]
    yield from _of_tags(plan, found["tags"]["taggers"][0])


def _attention(plan: Plan, analysis: str) -> float:
    """Each meaning is as likely as another to be asked for, and its first word alone is accepted."""
    words, how = vocabulary(plan.language), {"speech": plan.speech, "language": plan.language}
    share = plan.share(analysis)
    asked = (Belief((Said(NAME, word),), (plan.population.gold,)) for word in words)
    return sum(accepted(one, [one.modal], careless=share, **how) for one in asked) / len(words)


def _of_tags(plan: Plan, row: dict[str, Any]) -> Iterator[tuple[str, float, dict[str, Any]]]:
    first, five = plan.hits
    by_chance = 1 / len(vocabulary(plan.language))
    yield "hit@1", first, row["hit1"]
    yield "hit@5", five, row["hit5"]
    yield "mean reciprocal rank", tags.mean_reciprocal_rank(plan), row["mrr"]
    yield "modal name and first tag", (first - by_chance) / (1 - by_chance), row["modal_agrees"]
