"""How many people came how far, and why the others did not, as the flow of trial reports has it (CONSORT)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from study import exclusions, results
from study.models import Answer, Exclusion, Outcome, Study

Step = tuple[str, int, tuple[tuple[str, int], ...]]
"""What, how many, and who left before the next step with the reason."""


@dataclass(frozen=True)
class Flow:
    arrived: int
    consented: int
    answered: int
    """Gave at least one answer that is not a skipped page."""
    excluded: int
    """People, of those who answered."""
    rules: dict[str, int]
    """How many each rule excludes; somebody may meet several."""
    analysed: int
    completed: int
    """Of those analysed."""
    unconsented: dict[str, int]
    """Why people did not consent, by the outcome; "" for who left without a word."""
    skipped: int
    """Pages."""

    @property
    def steps(self) -> tuple[Step, ...]:
        before = tuple((_outcome(end), count) for end, count in self.unconsented.items())
        silent = self.consented - self.answered
        rules = tuple((f"of them: {exclusions.named(rule)}", count) for rule, count in self.rules.items())
        return (
            ("Arrived", self.arrived, before),
            ("Consented", self.consented, (("gave no answer", silent),) if silent else ()),
            ("Gave answers", self.answered, (("excluded", self.excluded), *rules) if self.excluded else ()),
            ("In the main analysis", self.analysed, ()),
        )


def flow(study: Study) -> Flow:
    """Of people, or of bots where nobody else came."""
    simulated = results.is_simulated(study)
    came = study.participants.filter(preview=False, simulated=simulated).order_by()
    people = list(came.values_list("pk", "consented_at", "outcome"))
    given = results.answers(study).filter(trial__participant__simulated=simulated).order_by()
    kept = given.exclude(kind=Answer.Kind.SKIPPED)
    answered = set(kept.values_list("trial__participant", flat=True).distinct())
    excluded = _excluded(study, answered)
    analysed = answered - excluded.keys()
    ends = {pk: outcome for pk, _, outcome in people}
    return Flow(
        arrived=len(people),
        consented=sum(at is not None for _, at, _ in people),
        answered=len(answered),
        excluded=len(excluded),
        rules=dict(sorted(Counter(rule for own in excluded.values() for rule in own).items())),
        analysed=len(analysed),
        completed=sum(ends.get(pk) == Outcome.COMPLETED for pk in analysed),
        unconsented=dict(sorted(Counter(end for _, at, end in people if at is None).items(), reverse=True)),
        skipped=given.filter(kind=Answer.Kind.SKIPPED).count(),
    )


def _excluded(study: Study, among: Iterable[int]) -> dict[int, set[str]]:
    standing = Exclusion.objects.filter(participant__study=study, lifted_at=None)
    found: dict[int, set[str]] = {}
    for participant, rule in standing.values_list("participant", "rule"):
        if participant in among:
            found.setdefault(participant, set()).add(rule)
    return found


def _outcome(end: str) -> str:
    return Outcome(end).label if end else "left before they consented"
