"""The last change of what a study shows, kept so that one click takes it back."""

from collections.abc import Callable
from typing import Any

from django.core.serializers import deserialize, serialize
from django.db import IntegrityError, transaction

from annotations import Refusal
from study import stimuli
from study.models import Condition, Stimulus, Study

Change = dict[str, Any]
"""Rows made (keys by model) and rows as they were before they were changed or removed."""


def made_by(study: Study, act: Callable[[], Any]) -> Change:
    """Does `act` and tells what to keep of it. JSON throughout; empty if it changed nothing on the desk. No
    transaction is held, as making pictures takes long."""
    before = _rows(study)
    act()
    after = _rows(study)
    lost = [row for key, row in before.items() if after.get(key) != row]
    made = [key for key in after if key not in before]
    return {"made": made, "rows": lost} if made or lost else {}


@transaction.atomic
def take_back(study: Study, change: Change) -> None:
    """Puts the desk back to before the change. Refuses once what it made has been published."""
    Study.objects.select_for_update().only("pk").get(pk=study.pk)
    new = [key.removeprefix("stimulus/") for key in change["made"] if key.startswith("stimulus/")]
    groups = [key.removeprefix("condition/") for key in change["made"] if key.startswith("condition/")]
    stimuli.remove(study, study.stimuli.filter(pk__in=new))
    rows = [row.object for row in deserialize("json", "[" + ",".join(change["rows"]) + "]")]
    if any(row.study_id != study.pk for row in rows):
        raise Refusal("This change is of another study.")
    pinned = stimuli.published(study).in_bulk([row.pk for row in rows if isinstance(row, Stimulus)])
    for row in rows:
        if isinstance(row, Stimulus) and row.pk in pinned and not _only_removed(row, pinned[row.pk]):
            raise Refusal("This change has been published meanwhile, so it stays.")
    _save(rows)
    study.conditions.filter(pk__in=groups, stimuli__isnull=True).delete()


def _only_removed(before: Stimulus, now: Stimulus) -> bool:
    """Whether nothing but being left out of the next version has changed. What was stopped stays stopped."""
    now.removed_at = before.removed_at
    for name in ("stopped_at", "stop_reason", "answers_saved"):
        setattr(before, name, getattr(now, name))
    return _written(before) == _written(now)


def _save(rows: list[Condition | Stimulus]) -> None:
    """Conditions before stimuli, sources before their repeats."""
    try:
        with transaction.atomic():
            for row in sorted(rows, key=lambda row: (isinstance(row, Stimulus), bool(_source(row)))):
                row.save()
    except IntegrityError as error:
        raise Refusal("Somebody has changed the study meanwhile, so this cannot be taken back.") from error


def _source(row: Condition | Stimulus) -> int | None:
    return row.source_id if isinstance(row, Stimulus) else None


def _rows(study: Study) -> dict[str, str]:
    conditions = {f"condition/{row.pk}": row for row in Condition.objects.filter(study=study)}
    shown = {f"stimulus/{row.pk}": row for row in Stimulus.objects.filter(study=study)}
    return {key: _written(row) for key, row in (conditions | shown).items()}


def _written(row: Condition | Stimulus) -> str:
    columns = [field.name for field in row._meta.concrete_fields]
    return serialize("json", [row], fields=columns)[1:-1]
