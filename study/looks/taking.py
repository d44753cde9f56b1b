"""Taking a look: a declared one that is due, or another with a reason. Either is written down before anybody
sees the estimate."""

from typing import Any

from django.db import transaction

from annotations import Refusal
from study import naming
from study.agreement import looks as levels
from study.agreement.intervals import intervals
from study.agreement.looks import Declaration
from study.findings import snapshot, table
from study.looks.declaration import declared
from study.looks.state import LookState, count, judged, state
from study.models import Look, Stimulus, Study

USUAL = 0.05
"""Of an undeclared look's interval, both sides: it keeps no level, and says so."""


def take(study: Study, by: str, where: str, reason: str = "") -> Look:
    """Writes a look down and returns it. If the estimate is seen already, since somebody looked a moment
    ago and no answer came since, that look is returned."""
    plan, before = declared(study), study.looks_taken.order_by("pk").last()
    if plan is None:
        raise Refusal("This study declared no looks: its estimate may be seen at any time.")
    if study.state in (Study.State.DRAFT, Study.State.CLOSED):
        raise Refusal(f"The study is {study.get_state_display().lower()}, so nothing is hidden.")
    now = judged(plan, study, count(study))
    if before and not now.masked:
        return before
    if not now.due and not reason.strip():
        raise Refusal(
            "No declared look is due; to look all the same, give a reason. It stands in the report."
        )
    found = _found(plan, study, now)
    with transaction.atomic():
        Study.objects.select_for_update().only("pk").get(pk=study.pk)  # one press after another
        last = study.looks_taken.order_by("pk").last()
        return last if last != before and last is not None else _write(study, now, found, by, where, reason)


def note_export(study: Study, by: str, where: str, reason: str = "") -> Look | None:
    """Answers that leave the study while its estimate is masked are a look, since whoever has them can
    compute it. None where nothing is masked."""
    return take(study, by, where, reason) if state(study).masked else None


def _write(study: Study, now: LookState, found: dict[str, Any], by: str, where: str, reason: str) -> Look:
    return study.looks_taken.create(
        number=now.number if now.due else None,
        by=by,
        where=where,
        reason=reason.strip()[:300],
        participants=now.participants,
        answers=now.answers,
        estimate={key: value for key, value in found.items() if key != "decision"},
        decision=found["decision"],
    )


def _found(plan: Declaration, study: Study, now: LookState) -> dict[str, Any]:
    """The declared measure with the interval that this look may have, and what follows from it."""
    spent = _level(plan, study, now)
    layers = naming.layers(study)
    answers = table.read(study, layers=layers)
    codes = answers.codes(plan.layer, units=answers.units(Stimulus.Kind.SUMMARY), people=answers.main())
    pair = intervals(plan.measure, codes, level=1 - spent)
    return {
        "measure": plan.measure,
        "layer": plan.layer,
        "value": pair.estimate.value,
        "low": pair.two_way.low,
        "high": pair.two_way.high,
        "level": pair.two_way.level,
        "reason": pair.estimate.reason or pair.two_way.reason,
        "stamp": snapshot.renew(study).stamp,
        "decision": levels.decide(plan, pair.two_way) if now.due else "",
    }


def _level(plan: Declaration, study: Study, now: LookState) -> float:
    if not now.due:
        return USUAL
    earlier = study.looks_taken.filter(number__isnull=False).order_by("number")
    return levels.level_at(plan, [*earlier.values_list("participants", flat=True), now.participants])
