"""All that is known of one participant's way, in the order in which it happened."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from study import exclusions
from study.models import Answer, Event, Participant, Recruit, Trial

EVENTS = {
    "check": "Answered the comprehension check",
    "takeover": "Came back by their link, without the cookie",
    "unusual_identifier": "The link's identifier has an unusual form",
    "released": "The recruiter said that they left, so their place is free",
    exclusions.JUDGED: "The exclusion rules were applied",
    exclusions.LIFTED: "An exclusion was lifted",
}
"""In words; a kind that is missing here stands as it is."""
EVIDENCE = {
    "focus_losses": "{} × left the window",
    "away_seconds": "{} s away",
    "pastes": "{} × pasted",
    "sequence": "message {} of the browser",
}


@dataclass(frozen=True)
class Moment:
    at: datetime
    what: str
    mark: str = ""
    """Kind of moment, for the eye: "way", "answer", "event", "excluded"."""
    facts: list[str] = field(default_factory=list)
    typed: list[tuple[str, str]] = field(default_factory=list)
    """What the participant or a recruiter wrote, each with what it is."""
    answer: Answer | None = None
    trial: Trial | None = None


def timeline(participant: Participant, recruit: Recruit | None, trials: list[Trial]) -> list[Moment]:
    """By the server's clock. What happened at the same time stands in the order of the way."""
    moments = [
        *_way(participant, recruit),
        *_answered(trials),
        *(_event(event) for event in participant.events.all()),
        *_excluded(participant),
        *_end(participant),
    ]
    return sorted(moments, key=lambda moment: moment.at)


def trials_of(participant: Participant) -> list[Trial]:
    """With their stimuli and all revisions of their answers."""
    trials = participant.trials.select_related("stimulus").prefetch_related("answers")
    return list(trials.order_by("position"))


def _way(participant: Participant, recruit: Recruit | None) -> Iterator[Moment]:
    if recruit:
        yield Moment(recruit.arrived_at, f"Came from {recruit.get_platform_display()}", "way")
    consent = f"text {participant.consent_sha256[:12]}…"
    steps = (
        (participant.started_at, "Pressed Start", [], []),
        (participant.consented_at, "Consented", [consent], []),
        (participant.questioned_at, "Came past the questions", [], _profile(participant)),
        (participant.instructed_at, "Read the instructions", [], []),
        (participant.practised_at, "Did the practice item", [], []),
        (participant.understood_at, "Passed the comprehension check", [_attempts(participant)], []),
    )
    for at, what, facts, typed in steps:
        if at:
            yield Moment(at, what, "way", facts, typed)


def _end(participant: Participant) -> Iterator[Moment]:
    if participant.feedback_at:
        told = [("feedback", participant.feedback)] if participant.feedback else []
        yield Moment(participant.feedback_at, "Gave feedback", "way", typed=told)
    if participant.finished_at:
        yield Moment(participant.finished_at, f"Reached the end: {participant.get_outcome_display()}", "way")


def _answered(trials: list[Trial]) -> Iterator[Moment]:
    for trial in trials:
        for answer in sorted(trial.answers.all(), key=lambda answer: answer.revision):
            changed = f", revision {answer.revision}" if answer.revision > 1 else ""
            yield Moment(
                answer.received_at,
                f"Trial {trial.position}{changed}",
                "answer",
                _measured(answer),
                answer=answer,
                trial=trial,
            )


def _measured(answer: Answer) -> list[str]:
    """Times by the browser's clock and what it saw; evidence, by which nobody is judged."""
    facts = [] if answer.seconds is None else [f"{answer.seconds:.1f} s on the page"]
    for name, moment in (("shown", answer.shown_at), ("answered", answer.answered_at)):
        if moment:
            facts.append(f"{name} at {moment:%H:%M:%S}")
    evidence = answer.evidence or {}
    facts += [words.format(evidence[name]) for name, words in EVIDENCE.items() if evidence.get(name)]
    if evidence.get("offline"):
        facts.append("without a connection")
    if answer.surplus:
        facts.append("surplus: came when others had filled the place")
    return facts


def _event(event: Event) -> Moment:
    told = [(name.replace("_", " "), _plain(value)) for name, value in event.detail.items()]
    what = EVENTS.get(event.kind, event.kind.replace("_", " ").capitalize())
    return Moment(event.at, what, "event", typed=[(name, value) for name, value in told if value])


def _excluded(participant: Participant) -> Iterator[Moment]:
    """When they were lifted is told by the events, with the reason."""
    for exclusion in participant.exclusions.all():
        by = exclusion.by.get_username() if exclusion.by else "the server"
        told = [("reason", exclusion.reason)]
        what = f"Excluded: {exclusions.named(exclusion.rule)}"
        yield Moment(exclusion.at, what, "excluded", [f"by {by}"], told)


def _attempts(participant: Participant) -> str:
    count = participant.comprehension_attempts
    return f"{count} attempt{'' if count == 1 else 's'}"


def _profile(participant: Participant) -> list[tuple[str, str]]:
    return [(str(key), _plain(value)) for key, value in participant.profile.items()]


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
