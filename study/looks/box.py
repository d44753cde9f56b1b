"""What the results page tells of looks: what was declared, what is due, what was spent, who looked when."""

from dataclasses import dataclass

from study.agreement import looks, stopping
from study.looks.declaration import planned
from study.looks.record import Entry, history
from study.looks.state import LookState, state
from study.models import Study


@dataclass(frozen=True)
class Box:
    declared: list[str]
    """In sentences."""
    state: LookState
    spent: str
    entries: list[Entry]
    stopping: str
    """The rule for single summaries in a sentence; "" without one."""
    stopped: int
    saved: int
    """Answers, over all summaries that were stopped."""


def box(study: Study) -> Box | None:
    """None for a study that declared neither looks nor stops."""
    told = planned(study)
    plan, rule = looks.read(told), stopping.read(told)
    if plan is None and rule is None:
        return None
    stopped = list(study.stimuli.exclude(stopped_at=None).values_list("answers_saved", flat=True))
    return Box(
        declared=looks.words(plan) if plan else [],
        state=state(study),
        spent=_spent(plan, study) if plan else "",
        entries=history(study),
        stopping=stopping.words(rule) if rule else "",
        stopped=len(stopped),
        saved=sum(stopped),
    )


def _spent(plan: looks.Declaration, study: Study) -> str:
    declared = study.looks_taken.filter(number__isnull=False).order_by("number")
    taken = list(declared.values_list("participants", flat=True))
    if not taken:
        return f"No declared look was taken yet, so all {plan.level:.3g} of the level are left."
    spent = sum(looks.increments(plan, taken))
    which = "look has" if len(taken) == 1 else "looks have"
    return f"{len(taken)} declared {which} spent {spent:.4f} of the level of {plan.level:.3g}."
