"""The places of a study: how many answers each stimulus has or was promised, and what a newcomer is given.

People count, bots count among themselves, and previews too, so that none of them takes another's place.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from django.db.models import Count, Q, QuerySet

from study import assignment
from study.assignment import Standing
from study.models import Answer, Condition, Outcome, Participant, Stimulus, Study, Trial, Version


@dataclass(frozen=True)
class Draw:
    """What one participant will see."""

    condition: Condition | None
    stimuli: list[int]
    """Their keys, in order."""


@dataclass(frozen=True)
class Offer:
    """One condition of a version, as it stands now."""

    condition: Condition | None
    shown: list[Stimulus]
    """All kinds, by position; without their pictures."""
    taken: Counter[int]
    people: int
    drawn: int
    """Who was ever given it."""
    target: int
    count: int
    """Summaries for each participant."""

    @property
    def summaries(self) -> list[int]:
        return _summaries(self.shown)

    @property
    def standing(self) -> Standing:
        free = any(self.taken[key] < self.target for key in self.summaries)
        due = ceil(self.target * len(self.summaries) / self.count)
        return Standing(people=self.people, due=max(due, 1), free=free)


def are_left(participant: Participant, now: datetime) -> bool:
    """Whether a newcomer is needed. Answers are counted only once enough trials were drawn to fill all."""
    going = _stimuli(participant, stopped=False)
    offers = _offers(participant, now, Counter(), going)
    summaries = {key for offer in offers for key in offer.summaries}
    if sum(offer.drawn * offer.count for offer in offers) < offers[0].target * len(summaries):
        return True
    offers = _offers(participant, now, _taken_of_all(participant, now), going)
    return bool(assignment.open_conditions([offer.standing for offer in offers]))


def draw(participant: Participant, now: datetime) -> Draw:
    """A condition, and its stimuli that need answers most; none that was stopped, unless all were. Somebody
    who came too late gets theirs as well."""
    going = _stimuli(participant, stopped=participant.preview)
    shown = going if _summaries(going) else _stimuli(participant, stopped=True)
    offers = _offers(participant, now, _taken_of_all(participant, now), shown)
    chance = {"seed": participant.version.setting("seed"), "number": participant.number}
    wanted = [offer for offer in offers if offer.condition and offer.condition.pk == participant.condition_id]
    chosen = assignment.choose_condition([offer.standing for offer in offers], **chance)
    offer = (wanted or [offers[chosen]])[0]
    return Draw(offer.condition, _order(offer, participant.version, chance))


def free_for(participant: Participant, now: datetime) -> bool:
    """Whether nobody took the places that somebody who was long away has not filled yet."""
    open_trials = participant.trials.filter(answers__isnull=True, stimulus__kind=Stimulus.Kind.SUMMARY)
    keys = list(open_trials.values_list("stimulus", flat=True))
    taken = _taken(participant, now, {"stimulus__in": keys})
    return all(taken[key] < participant.version.setting("target") for key in keys)


def is_full(stimulus: Stimulus, participant: Participant, now: datetime) -> bool:
    """Whether the stimulus needs no answer of this participant: there are enough, or, if their lease has run
    out, there will be."""
    if stimulus.kind != Stimulus.Kind.SUMMARY or participant.preview:
        return False
    where, target = {"stimulus": stimulus.pk}, participant.version.setting("target")
    if participant.lease_until and participant.lease_until > now:
        return _given(participant, where).count() >= target
    return _taken(participant, now, where)[stimulus.pk] >= target


def _stimuli(participant: Participant, stopped: bool) -> list[Stimulus]:
    """Of the participant's version; with those for which no further answers are collected, or without."""
    rows = participant.version.stimuli.only("condition", "kind", "source").order_by("position")
    return list(rows if stopped else rows.filter(stopped_at=None))


def _summaries(stimuli: list[Stimulus]) -> list[int]:
    return [each.pk for each in stimuli if each.kind == Stimulus.Kind.SUMMARY]


def _offers(
    participant: Participant, now: datetime, taken: Counter[int], stimuli: list[Stimulus]
) -> list[Offer]:
    """The conditions of the participant's version that show some of these; or the study as one."""
    version = participant.version
    owners = {each.condition_id for each in stimuli}
    named = version.content.get("conditions", [])
    counted = [each for each in _conditions(participant, now) if each.pk in owners or each.name in named]
    offers = [_offer(version, stimuli, taken, each, each.people, each.drawn) for each in counted]
    whole = _offer(version, stimuli, taken, None, 0, participant.number - 1)
    return [offer for offer in offers if offer.summaries] or [whole]


def _offer(
    version: Version,
    stimuli: list[Stimulus],
    taken: Counter[int],
    condition: Condition | None,
    people: int,
    drawn: int,
) -> Offer:
    own = {None, condition.pk if condition else None}
    shown = [each for each in stimuli if each.condition_id in own]
    summaries = sum(each.kind == Stimulus.Kind.SUMMARY for each in shown)
    count = min(version.setting("per_participant") or summaries, summaries) or 1
    return Offer(condition, shown, taken, people, drawn, version.setting("target"), count)


def _order(offer: Offer, version: Version, chance: dict[str, int]) -> list[int]:
    """The summaries chosen, with decoys and gold among them, and the repeats of those chosen."""
    kinds = Stimulus.Kind
    taken = [offer.taken[key] for key in offer.summaries]
    chosen = {offer.summaries[index] for index in assignment.choose_stimuli(taken, offer.count, **chance)}
    once = [each.pk for each in offer.shown if each.pk in chosen or each.kind in (kinds.DECOY, kinds.GOLD)]
    row = assignment.order(len(once), **chance)
    if version.setting("order") == Study.Order.LATIN:
        first = assignment.order(len(once), seed=chance["seed"], number=0)
        row = [first[index] for index in assignment.latin_row(len(once), offer.drawn)]
    repeats = {
        each.pk: each.source_id
        for each in offer.shown
        if each.kind == kinds.REPEAT and each.source_id in once
    }
    return assignment.with_repeats([once[index] for index in row], repeats, **chance)


def _conditions(participant: Participant, now: datetime) -> QuerySet[Condition]:
    """With how many people completed each or are at work on it, and how many were ever given it."""
    alike = {f"participants__{name}": value for name, value in _alike(participant).items()}
    given = Q(participants__consented_at__isnull=False, **alike)
    at_work = Q(participants__outcome="", participants__lease_until__gt=now)
    counted = given & (Q(participants__outcome=Outcome.COMPLETED) | at_work)
    return (
        Condition.objects.filter(study=participant.study_id)
        .annotate(people=Count("participants", filter=counted), drawn=Count("participants", filter=given))
        .order_by("position")
    )


def _taken_of_all(participant: Participant, now: datetime) -> Counter[int]:
    return _taken(participant, now, {"stimulus__versions": participant.version_id})


def _taken(participant: Participant, now: datetime, where: dict[str, Any]) -> Counter[int]:
    """By stimulus: answers given, and answers promised by people who are at work."""
    given = _given(participant, where).values_list("trial__stimulus").annotate(Count("pk"))
    alike = {f"participant__{name}": value for name, value in _alike(participant).items()}
    promised = Trial.objects.filter(
        answers__isnull=True, participant__outcome="", participant__lease_until__gt=now, **alike, **where
    )
    by_stimulus = promised.order_by().values_list("stimulus").annotate(Count("pk"))
    return Counter(dict(given)) + Counter(dict(by_stimulus))


def _given(participant: Participant, where: dict[str, Any]) -> QuerySet[Answer]:
    """The answers that count towards the target: who left half-way has answered all the same."""
    alike = {f"trial__participant__{name}": value for name, value in _alike(participant).items()}
    asked = {f"trial__{name}": value for name, value in where.items()}
    answers = Answer.objects.current().filter(surplus=False, **alike, **asked)
    return answers.exclude(kind=Answer.Kind.SKIPPED).order_by()


def _alike(participant: Participant) -> dict[str, bool]:
    return {"preview": participant.preview, "simulated": participant.simulated}
