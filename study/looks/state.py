"""Whether the estimate may be seen now, and when the next declared look is due."""

from dataclasses import dataclass
from datetime import datetime

from study import results
from study.agreement.looks import Declaration
from study.looks.declaration import declared
from study.models import Answer, Exclusion, Outcome, Study


@dataclass(frozen=True)
class LookState:
    masked: bool
    """No page and no file tells an estimate."""
    due: bool = False
    """A declared look may be taken now."""
    number: int | None = None
    """Of the look that is due, or else of the next one; None where none is left."""
    next_at: int | None = None
    """At how many participants."""
    words: str = ""
    """All this in a sentence or two."""
    participants: int = 0
    answers: int = 0


@dataclass(frozen=True)
class Count:
    participants: int
    """Completed it and are not excluded."""
    answers: int


def state(study: Study) -> LookState:
    """A study that declared no looks, is a draft or is closed masks nothing. Else the estimate is seen at a
    look alone, until the next answer comes."""
    plan = declared(study)
    if plan is None or study.state in (Study.State.DRAFT, Study.State.CLOSED):
        return LookState(masked=False)
    return judged(plan, study, count(study))


def judged(plan: Declaration, study: Study, now: Count) -> LookState:
    taken = list(study.looks_taken.order_by("pk"))
    last = taken[-1] if taken else None
    same = last is not None and (last.participants, last.answers) == (now.participants, now.answers)
    seen = same and not _was_answered_since(study, last.at)
    done = max((look.number for look in taken if look.number), default=0)
    left = [number for number in range(done + 1, len(plan.at) + 1)]
    reached = [number for number in left if plan.at[number - 1] <= now.participants]
    number = reached[-1] if reached else next(iter(left), None)
    return LookState(
        masked=not seen,
        due=bool(reached),
        number=number,
        next_at=plan.at[number - 1] if number else None,
        words=_words(plan, now, number, bool(reached), seen),
        participants=now.participants,
        answers=now.answers,
    )


def _was_answered_since(study: Study, at: datetime) -> bool:
    """One answer may have been changed, or have come for one that was withdrawn: the counts stay the same."""
    given = Answer.objects.filter(trial__participant__study=study, trial__participant__preview=False)
    return given.filter(received_at__gt=at).exists()


def count(study: Study) -> Count:
    """Bots only where nobody else came."""
    simulated = results.is_simulated(study)
    completed = study.participants.filter(preview=False, simulated=simulated, outcome=Outcome.COMPLETED)
    excluded = Exclusion.objects.filter(participant__study=study, lifted_at=None).values("participant")
    given = results.answers(study).filter(trial__participant__simulated=simulated)
    answers = given.exclude(kind=Answer.Kind.SKIPPED).order_by().count()
    return Count(completed.exclude(pk__in=excluded).count(), answers)


def _words(plan: Declaration, now: Count, number: int | None, due: bool, seen: bool) -> str:
    came = f"{now.participants} completed the study so far"
    if number is None:
        until = "the study is closed; every declared look is taken"
    else:
        until = f"look {number} of {len(plan.at)}, at {plan.at[number - 1]} participants; {came}"
    if seen:
        return f"Somebody looked, so the estimate is shown. With the next answer it is hidden until {until}."
    hidden = f"The estimate is hidden until {until}."
    return f"Look {number} of {len(plan.at)} is due: {came}." if due else hidden
