"""Stopping single summaries as the study declared: no further answers where the modal name is settled, or
where none can be had any more. Who has such a summary before them answers it as any other."""

import logging
from collections import Counter

import numpy as np
from django.utils import timezone

from study import naming, versions
from study.agreement import stopping
from study.agreement.stopping import Rule, Verdict
from study.findings import table
from study.findings.table import NAMED, Table
from study.looks.declaration import planned
from study.models import Stimulus, Study

LAYER = "mechanical"
"""Of a study that declared no other: what a machine may do to names alone."""

log = logging.getLogger(__name__)


def review_stops(study: Study) -> int:
    """Judges every summary that is still open by the declared rule; how many that stopped. Safe at any time,
    and twice at once: a summary is stopped once."""
    plan = planned(study)
    rule = stopping.read(plan)
    if rule is None or study.state not in (Study.State.OPEN, Study.State.PAUSED):
        return 0  # both have been published
    answers = table.read(study, layers=naming.layers(study))
    main, layer = answers.of(answers.main()), plan.get("layer", LAYER)
    places = [place for place in main.units(Stimulus.Kind.SUMMARY) if _is_shown(main.stimuli[place])]
    target = versions.latest(study).setting("target")
    # Answers of people who are excluded fill places too, so fewer than the target will count.
    due = {
        place: target - int((answers.unit == place).sum() - (main.unit == place).sum()) for place in places
    }
    judged = [(main.stimuli[place], _judge(main, layer, place, due[place], rule)) for place in places]
    return sum(_stop(stimulus, verdict) for stimulus, verdict in judged if verdict.saved)


def review_all() -> int:
    """For the clock: every study that people take part in."""
    return sum(
        review_stops(study) for study in Study.objects.exclude(looks={}).exclude(state=Study.State.DRAFT)
    )


def _is_shown(stimulus: Stimulus) -> bool:
    """What was taken out of the design asks for no answers, so none would be saved."""
    return stimulus.stopped_at is None and stimulus.removed_at is None


def _judge(main: Table, layer: str, place: int, target: int, rule: Rule) -> Verdict:
    given = main.unit == place
    named = given & (main.kind == NAMED)
    _, counts = np.unique(main.name[layer][named], return_counts=True)
    names = Counter({str(number): int(count) for number, count in enumerate(counts)})
    return stopping.judge(names, int(given.sum() - named.sum()), target, rule)


def _stop(stimulus: Stimulus, verdict: Verdict) -> int:
    waiting = Stimulus.objects.filter(pk=stimulus.pk, stopped_at=None)
    stopped = waiting.update(
        stopped_at=timezone.now(), stop_reason=verdict.reason, answers_saved=verdict.saved
    )
    if stopped:
        log.info("Stimulus %s takes no further answers, as declared.", stimulus.pk)
    return stopped
