"""What a coder who knows would merge, and how the findings of a planned study compare with its truth."""

from collections.abc import Iterable, Iterator
from typing import Any

from benchmarks.simulated import tags
from benchmarks.simulated.plans import Plan
from study.agreement import NAME
from study.bots.population import accepted
from study.bots.speech import utterances, vocabulary
from study.bots.truth import Belief, Said
from study.bots.verdicts import Verdict, of_agreement, verdict
from study.naming import Layers


def groups(plan: Plan, layers: Layers, given: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """By meaning the names given for it that differ from its own."""
    meanings = {
        each.words: word
        for word in vocabulary(plan.language)
        for each in utterances(plan.speech, word, plan.language)
    }
    meant: dict[str, set[str]] = {}
    for words in given:
        meant.setdefault(meanings[words], set()).add(layers.mechanical(words))
    for meaning, names in sorted(meant.items()):
        into = layers.mechanical(meaning)
        if names - {into}:
            yield into, sorted(names - {into})


def verdicts(plan: Plan, analysis: str, found: dict[str, Any]) -> Iterator[Verdict]:
    """On every number of this analysis that has a truth."""
    yield from of_agreement(found, plan.expected(analysis))
    yield verdict("attention", _attention(plan, analysis), found["attention"]["right"])
    yield from _of_tags(plan, found["tags"]["taggers"][0])


def _attention(plan: Plan, analysis: str) -> float:
    """Each meaning is as likely as another to be asked for, and its first word alone is accepted."""
    words, how = vocabulary(plan.language), {"speech": plan.speech, "language": plan.language}
    share = plan.share(analysis)
    asked = (Belief((Said(NAME, word),), (plan.population.gold,)) for word in words)
    return sum(accepted(one, [one.modal], careless=share, **how) for one in asked) / len(words)


def _of_tags(plan: Plan, row: dict[str, Any]) -> Iterator[Verdict]:
    first, five = plan.hits
    by_chance = 1 / len(vocabulary(plan.language))
    yield verdict("hit@1", first, row["hit1"])
    yield verdict("hit@5", five, row["hit5"])
    yield verdict("mean reciprocal rank", tags.mean_reciprocal_rank(plan), row["mrr"])
    agreeing = (first - by_chance) / (1 - by_chance)
    yield verdict("modal name and first tag", agreeing, row["modal_agrees"])
