"""What to think of before a study is published: people needed, words that tell too much, what is missing."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from study import stimuli, texts
from study.agreement import looks
from study.models import Stimulus, Study

READABLE = ("slug", "consent", "instructions", "thanks", "question", "contact", "questions", "comprehension")
"""Fields that participants can read."""

Kind = Stimulus.Kind


@dataclass(frozen=True)
class Need:
    """What one condition asks for."""

    condition: str
    summaries: int
    pages: int
    """Trials of each participant: of the summaries as many as they see, and the checks among them."""
    people: int
    """Who must complete it until every summary has its answers."""


def needs(study: Study) -> list[Need]:
    """Condition by condition; what everybody sees counts in each."""
    rows = stimuli.shown(study).values_list("condition", "kind")
    shown = Counter(rows)
    return [
        _need(study, name, Counter({kind: shown[pk, kind] + shown[None, kind] for kind in Kind.values}))
        for pk, name in study.conditions.order_by("position").values_list("pk", "name")
    ]


def leaks(study: Study) -> list[str]:
    """Names of classes and networks that stand in what participants can read: the link and all texts."""
    readable = " ".join(_text(getattr(study, name)) for name in READABLE).casefold()
    groups = stimuli.shown(study).order_by("group").values_list("group", flat=True).distinct()
    names = dict.fromkeys([*groups, *study.conditions.values_list("name", flat=True)])
    return [name for name in names if re.search(rf"\b{_spoken(name)}", readable)]


def warnings(study: Study) -> list[str]:
    """One sentence for each thing that researchers usually regret; none of them forbids anything."""
    kinds = Counter(stimuli.shown(study).values_list("kind", flat=True))
    plan = looks.read(study.looks)
    of_looks = looks.warnings(plan) if plan else []
    return [*_about_texts(study), *_about_people(study), *_about_checks(study, kinds), *of_looks]


def _need(study: Study, name: str, kinds: Counter[str]) -> Need:
    summaries = kinds[Kind.SUMMARY]
    each = min(study.per_participant or summaries, summaries)
    share = each / summaries if summaries else 0
    once = each + kinds[Kind.DECOY] + kinds[Kind.GOLD]
    people = ceil(study.target * summaries / each) if each else 0
    return Need(name, summaries, once + round(kinds[Kind.REPEAT] * share), people)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _spoken(name: str) -> str:
    """A pattern for a name as people write it: any case, spaces for underscores."""
    return re.escape(name.casefold()).replace("_", "[_ -]")


def _about_texts(study: Study) -> Iterator[str]:
    if found := leaks(study):
        yield f"Participants can read the name of what they are shown: {', '.join(found)}."
    if any(study.consent == texts.of(other).consent for other in _other_languages(study)):
        yield f"The pages are in {study.get_language_display()}, the consent text is not."
    if not study.contact.strip():
        yield "There is no contact, so participants do not learn whom to ask."
    if not study.plan.strip():
        yield "There is no analysis plan; a preregistration without one says little."


def _other_languages(study: Study) -> list[str]:
    usual = texts.of(study.language)
    known = [code for code, _ in Study._meta.get_field("language").choices]
    return [code for code in known if texts.of(code) != usual]


def _about_people(study: Study) -> Iterator[str]:
    found = needs(study)
    if not study.target:
        yield "No answers are asked for: the number of answers per stimulus is 0."
    for need in found:
        if not need.summaries:
            yield f"Condition “{need.condition}” shows no summaries, so nobody is given it."
        elif study.per_participant and study.per_participant > need.summaries:
            yield (
                f"Condition “{need.condition}” has {need.summaries} summaries, "
                f"fewer than the {study.per_participant} for each participant; everybody sees them all."
            )
    if len({need.pages for need in found if need.summaries}) > 1:
        pages = ", ".join(f"{need.condition} {need.pages}" for need in found)
        yield f"Participants see more pages in one condition than in another: {pages}."


def _about_checks(study: Study, kinds: Counter[str]) -> Iterator[str]:
    if not kinds[Kind.DECOY] and not kinds[Kind.GOLD]:
        yield "Nothing tells careless answers: there are neither decoys nor gold."
    rules = study.exclusion if isinstance(study.exclusion, dict) else {}
    for rule, kind in (("gold_missed", Kind.GOLD), ("decoys_named", Kind.DECOY)):
        if rules.get(rule) and kinds[kind] < rules[rule]:
            yield (
                f"The rule “{rule.replace('_', ' ')}” begins at {rules[rule]}, and there are {kinds[kind]}: "
                "it excludes nobody."
            )
