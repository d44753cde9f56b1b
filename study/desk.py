"""The desk of one study: what stands on it, and what its buttons do."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import QueryDict

from annotations import Refusal
from study import changes, desk_forms, publishing, readiness, results, stimuli, versions
from study.models import Condition, Stimulus, Study, Version
from summaries import exhibits
from summaries.models import Run

FIRST_DECOYS, FIRST_REPEATS = 3, 2
"""So many are offered at first."""
KINDS = [
    (Stimulus.Kind.SUMMARY, "summary", "summaries"),
    (Stimulus.Kind.DECOY, "decoy", "decoys"),
    (Stimulus.Kind.GOLD, "gold", "gold"),
    (Stimulus.Kind.REPEAT, "repeat", "repeats"),
]


@dataclass(frozen=True)
class Group:
    """What one condition shows, or what everybody sees."""

    condition: Condition | None
    shown: list[Stimulus]
    need: readiness.Need | None
    checks: bool
    """Whether decoys and repeats can be made for it."""

    @property
    def pinned(self) -> bool:
        """A published version shows it, so it stays."""
        return any(each.pinned for each in self.shown)

    @property
    def told(self) -> str:
        count = Counter(each.kind for each in self.shown)
        parts = [
            f"{count[kind]} {one if count[kind] == 1 else many}" for kind, one, many in KINDS if count[kind]
        ]
        return ", ".join(parts) or "nothing yet"


@dataclass(frozen=True)
class Act:
    """What a button does: it returns a sentence for whoever pressed it, or raises Refusal."""

    do: Callable[[Study, QueryDict, Any], str]
    undoable: bool = False


def groups(study: Study) -> list[Group]:
    """Condition by condition, and last what everybody sees, if anything."""
    pinned = set(stimuli.published(study).values_list("pk", flat=True))
    rows = list(stimuli.shown(study).select_related("source").order_by("position"))
    for row in rows:
        row.pinned = row.pk in pinned
    needs = readiness.needs(study)
    made = [
        Group(condition, [row for row in rows if row.condition_id == condition.pk], need, _checks(condition))
        for condition, need in zip(study.conditions.order_by("position"), needs, strict=True)
    ]
    common = [row for row in rows if row.condition_id is None]
    return [*made, Group(None, common, None, False)] if common else made


def history(study: Study) -> QuerySet[Version]:
    """The published versions, the last one first, with how many people each has."""
    people = Count("participants", filter=Q(participants__preview=False))
    numbered = study.versions.filter(number__isnull=False).select_related("published_by")
    return numbered.annotate(people=people).order_by("-number")


def context(study: Study) -> dict[str, Any]:
    """All that the page tells of a study beside its fields."""
    shown = groups(study)
    used = {run.pk for run in _runs(shown)}
    finished = exhibits.finished_runs().select_related("network", "image_set")
    latest = versions.latest(study)
    return {
        "study": study,
        "counts": results.counts(study),
        "groups": shown,
        "left_out": study.stimuli.exclude(removed_at=None).order_by("position"),
        "people": sum(group.need.people for group in shown if group.need),
        "warnings": readiness.warnings(study),
        "changes": publishing.changes(study) if latest else [],
        "latest": latest,
        "versions": history(study),
        "runs": finished.exclude(pk__in=used),
        "first_decoys": FIRST_DECOYS,
        "first_repeats": FIRST_REPEATS,
    }


def _runs(shown: list[Group]) -> list[Run]:
    keys = {each.exhibit for group in shown for each in group.shown if not exhibits.is_decoy(each.exhibit)}
    return exhibits.runs_of(keys)


def _checks(condition: Condition) -> bool:
    try:
        return any(each.can_decoy for each in exhibits.of_run(stimuli.run_of(condition)))
    except Refusal:
        return False


def _open(study: Study, sent: QueryDict, by: Any) -> str:
    publishing.open_study(study, by)
    latest = versions.latest(study)
    return f"The study is now published: whoever has the link takes part in version {latest.number}."


def _pause(study: Study, sent: QueryDict, by: Any) -> str:
    publishing.pause_study(study)
    return "The study is now paused. Who has consented goes on."


def _close(study: Study, sent: QueryDict, by: Any) -> str:
    publishing.close_study(study)
    return "The study is now closed. Who has consented may finish."


def _publish(study: Study, sent: QueryDict, by: Any) -> str:
    version = publishing.publish_changes(study, by)
    return f"Version {version.number} is what newcomers take part in from now on."


def _add_condition(study: Study, sent: QueryDict, by: Any) -> str:
    run = desk_forms.RunForm(sent, study=study).checked()["run"]
    condition = stimuli.add_condition(study, run)
    return f"Condition “{condition}” was added; it shows {condition.stimuli.count()} summaries."


def _add_baseline(study: Study, sent: QueryDict, by: Any) -> str:
    asked = desk_forms.ChecksForm(sent, study=study).checked()
    run = stimuli.run_of(asked["condition"])
    condition = stimuli.add_baseline(study, run, asked["number"])
    return f"Condition “{condition}” was added; it shows {asked['number']} pictures."


def _add_decoys(study: Study, sent: QueryDict, by: Any) -> str:
    asked = desk_forms.ChecksForm(sent, study=study).checked()
    made = stimuli.add_decoys(asked["condition"], asked["number"], everybody=asked["everybody"])
    return f"Decoys were added: {len(made)}."


def _add_repeats(study: Study, sent: QueryDict, by: Any) -> str:
    asked = desk_forms.ChecksForm(sent, study=study).checked()
    made = stimuli.add_repeats(asked["condition"], asked["number"])
    return f"Repeats were added: {len(made)}."


def _gold(study: Study, sent: QueryDict, by: Any) -> str:
    asked = desk_forms.GoldForm(sent, study=study).checked()
    stimulus = asked["stimulus"]
    stimuli.mark_gold(stimulus, asked["accepted"], everybody=asked["everybody"])
    if not stimulus.accepted:
        return f"“{stimulus}” is a summary again."
    return f"“{stimulus}” is gold now; right is: {', '.join(stimulus.accepted)}."


def _remove(study: Study, sent: QueryDict, by: Any) -> str:
    stimulus = desk_forms.StimulusForm(sent, study=study).checked()["stimulus"]
    stimuli.remove(study, study.stimuli.filter(pk=stimulus.pk))
    return f"“{stimulus}” was removed."


def _put_back(study: Study, sent: QueryDict, by: Any) -> str:
    stimulus = desk_forms.StimulusForm(sent, study=study).checked()["stimulus"]
    stimuli.put_back(stimulus)
    return f"“{stimulus}” is shown again."


def _remove_condition(study: Study, sent: QueryDict, by: Any) -> str:
    condition = desk_forms.ConditionForm(sent, study=study).checked()["condition"]
    stimuli.remove_condition(condition)
    return f"Condition “{condition}” was removed."


ACTS = {
    "open": Act(_open),
    "pause": Act(_pause),
    "close": Act(_close),
    "publish": Act(_publish),
    "add_condition": Act(_add_condition, undoable=True),
    "add_baseline": Act(_add_baseline, undoable=True),
    "add_decoys": Act(_add_decoys, undoable=True),
    "add_repeats": Act(_add_repeats, undoable=True),
    "gold": Act(_gold, undoable=True),
    "remove": Act(_remove, undoable=True),
    "put_back": Act(_put_back, undoable=True),
    "remove_condition": Act(_remove_condition, undoable=True),
}
"""By the last part of their address."""


def press(name: str, study: Study, sent: QueryDict, by: Any) -> tuple[str, changes.Change]:
    """Does what a button says: the sentence to tell, and what it takes to undo it, if it can be undone."""
    act, told = ACTS[name], []
    if not act.undoable:
        return act.do(study, sent, by), {}
    change = changes.made_by(study, lambda: told.append(act.do(study, sent, by)))
    return told[0], change
