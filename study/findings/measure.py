"""From the table of answers to everything that is told of a study: plain values that go into a snapshot.

The keys are public: figures, report and exports read them. Every analysis is made twice, "main" without the
people who are excluded and "all" with them, and at every layer of the names. Summaries alone make up the
agreement; decoys give the guess floor, repeats the self-consistency, gold the attention.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Count

from study import naming, results
from study.agreement import LAYERS
from study.findings import checks, single, tags
from study.findings.estimates import Estimates
from study.findings.table import Table
from study.models import Outcome, Stimulus, Study

VERSION = 1
"""Of what stands in a snapshot."""


def content(study: Study, table: Table, layers: naming.Layers) -> dict[str, Any]:
    """All findings; `table` was read with these layers."""
    main = table.main()
    everybody = analysis(study, table, layers)
    without = everybody if len(main) == len(table.people) else analysis(study, table.of(main), layers)
    return {
        "version": VERSION,
        "software": settings.VERSION,
        "layers": {
            "mechanical_version": layers.version,
            "coder": layers.coder,
            "events": layers.events,
        },
        "simulated": results.is_simulated(study),
        "people": people(study, table),
        "analyses": {"main": without, "all": everybody},
    }


def people(study: Study, table: Table) -> dict[str, Any]:
    """How many came, how far they came, and on how many the main analysis stands."""
    came = study.participants.filter(preview=False, simulated=results.is_simulated(study)).order_by()
    ends = dict(came.values_list("outcome").annotate(Count("pk")))
    answered = set(table.person.tolist())
    return {
        "arrived": sum(ends.values()),
        "consented": len(table.people),
        "completed": ends.get(Outcome.COMPLETED, 0),
        "analysed": sum(place in answered for place in table.main()),
        "excluded": dict(Counter(rule for person in table.people for rule in person.excluded)),
        "outcomes": {outcome: count for outcome, count in sorted(ends.items()) if outcome},
    }


def analysis(study: Study, table: Table, layers: naming.Layers) -> dict[str, Any]:
    """One analysis, by the answers of this table."""
    estimates = Estimates(table, layers)
    return {
        "people": len(np.unique(table.person)),
        "answers": len(table.person),
        "overall": _layers(estimates, table.units(Stimulus.Kind.SUMMARY), range(len(table.people))),
        "conditions": _conditions(estimates),
        "stimuli": single.rows(table),
        "floor": checks.floor(table),
        "consistency": checks.consistency(table),
        "attention": checks.attention(table, layers),
        "tags": tags.section(study, table, layers),
    }


def _conditions(estimates: Estimates) -> dict[str, Any]:
    """What each group of participants was shown, by their answers alone."""
    table = estimates.table
    known = {one.condition_id: one.condition for one in table.stimuli if one.condition}
    found = {}
    for condition in sorted(known.values(), key=lambda one: one.position):
        own = [place for place, one in enumerate(table.people) if one.condition == condition.pk]
        shown = [
            place
            for place in table.units(Stimulus.Kind.SUMMARY)
            if table.stimuli[place].condition_id in (condition.pk, None)
        ]
        given = np.isin(table.person, own)
        found[condition.name] = {
            "people": len(np.unique(table.person[given])),
            "answers": int(given.sum()),
            "layers": _layers(estimates, shown, own),
        }
    return found


def _layers(estimates: Estimates, units: Sequence[int], people: Sequence[int]) -> dict[str, Any]:
    return {layer: estimates.measures(layer, units, people) for layer in LAYERS}
