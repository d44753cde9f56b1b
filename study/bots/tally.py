"""What bots know that they did against what the database holds, row by row."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from study.bots.bot import Bot
from study.bots.line import Meter
from study.models import Answer, Outcome, Participant

FINE = ("ended", "left", "stayed", "turned away")


@dataclass(frozen=True)
class Tally:
    arrived: int
    consented: int
    completed: int
    ended_otherwise: dict[str, int]
    """By outcome: screened out, quota full."""
    left: int
    sent: int
    stored: int
    lost: int
    """Given by a bot and not stored, or stored as something else."""
    doubled: int
    """Rows beyond one for each answer that was given."""
    surplus: int
    wrong_codes: int
    """Completed without the code of the row, or another receipt for the same answer."""
    kills: int
    lost_requests: int
    lost_responses: int
    broken: int
    errors: int
    """Responses that no participant should meet, and bots that gave up."""
    gave_up: dict[str, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float


def compare(bots: Sequence[Bot], meter: Meter) -> Tally:
    people = _people(bots)
    said = {key: answer for bot in bots for key, answer in bot.said.items()}
    rows = _rows(people)
    matched = {
        key
        for key, kind, words, _ in rows
        if key in said and said[key].words == words and said[key].kind == kind
    }
    completed = [person for person in people if person.outcome == Outcome.COMPLETED]
    done = Counter({Outcome.COMPLETED.value: len(completed)})
    gave_up = Counter(bot.end for bot in bots if bot.end not in FINE)
    return Tally(
        arrived=len(people),
        consented=sum(person.consented_at is not None for person in people),
        completed=len(completed),
        ended_otherwise=dict(Counter(person.outcome for person in people if person.outcome) - done),
        left=sum(bot.end == "left" for bot in bots),
        sent=len(said),
        stored=len(rows),
        lost=len(said) - len(matched),
        doubled=len(rows) - len({key for key, *_ in rows}),
        surplus=sum(surplus for *_, surplus in rows),
        wrong_codes=_wrong_codes(bots, completed) + sum(bot.browser.changed_receipts for bot in bots),
        kills=sum(bot.kills for bot in bots),
        lost_requests=meter.lost_requests,
        lost_responses=meter.lost_responses,
        broken=meter.broken,
        errors=sum(meter.refused.values()) + sum(gave_up.values()),
        gave_up=dict(gave_up),
        **{f"p{share}_ms": percentile(meter.answer_seconds, share) for share in (50, 95, 99)},
    )


def percentile(seconds: Iterable[float], share: int) -> float:
    """In milliseconds: the least time within which so many of a hundred came back; 0 of none."""
    ordered = sorted(seconds)
    place = -(-len(ordered) * share // 100) - 1
    return round(1000 * ordered[place], 1) if ordered else 0.0


def _people(bots: Sequence[Bot]) -> list[Participant]:
    tokens = [bot.browser.token for bot in bots]
    return list(Participant.objects.in_bulk(tokens, field_name="token").values())


def _rows(people: Sequence[Participant]) -> list[tuple[str, str, str, bool]]:
    """Trial key, kind, words, surplus of all that is stored of these people."""
    keys = {person.pk for person in people}
    study = {person.study_id for person in people}
    rows = Answer.objects.filter(trial__participant__study__in=study, trial__participant__simulated=True)
    told = rows.values_list("trial__participant", "trial__key", "kind", "words", "surplus")
    return [(str(key), *rest) for person, key, *rest in told if person in keys]


def _wrong_codes(bots: Sequence[Bot], completed: Sequence[Participant]) -> int:
    """Who completed must have read the code of their row."""
    read = {bot.browser.token: bot.last_page for bot in bots}
    return sum(person.completion_code not in read[person.token] for person in completed)
