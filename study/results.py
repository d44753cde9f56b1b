"""What a study has yielded so far: of every answer the last revision. Previews are left out everywhere.

Bots are counted only where nobody else came, and never together with people.
"""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from study import names
from study.agreement import NameAgreement, name_agreement
from study.models import Answer, Outcome, Stimulus, Study


@dataclass(frozen=True)
class Counts:
    started: int
    consented: int
    finished: int
    """Completed it, that is; other ends are not counted here."""
    answers: int
    """Without what was skipped."""


@dataclass(frozen=True)
class StimulusResult:
    stimulus: Stimulus
    agreement: NameAgreement


def counts(study: Study) -> Counts:
    bots = is_simulated(study)
    people = study.participants.filter(preview=False, simulated=bots).aggregate(
        started=Count("pk"),
        consented=Count("consented_at"),
        finished=Count("pk", filter=Q(outcome=Outcome.COMPLETED)),
    )
    given = answers(study).filter(trial__participant__simulated=bots).exclude(kind=Answer.Kind.SKIPPED)
    return Counts(answers=given.count(), **people)


def is_simulated(study: Study) -> bool:
    """Whether only bots took part, so that whatever is told of the study is told of bots."""
    came = study.participants.filter(preview=False).order_by().values_list("simulated", flat=True)
    return set(came.distinct()) == {True}


def answers(study: Study) -> QuerySet[Answer]:
    """The answers of all who consented, bots too: participant by participant, in the order of trials."""
    people = {"trial__participant__preview": False, "trial__participant__consented_at__isnull": False}
    rows = Answer.objects.current().filter(trial__participant__study=study, **people)
    return rows.select_related("trial__participant", "trial__stimulus").order_by(
        "trial__participant__number", "trial__position"
    )


def per_stimulus(study: Study) -> list[StimulusResult]:
    """The agreement on each stimulus, in the study's own order."""
    given = defaultdict(list)
    rows = answers(study).filter(trial__participant__simulated=is_simulated(study))
    for stimulus, kind, words in rows.values_list("trial__stimulus", "kind", "words"):
        given[stimulus].append((kind, names.form(words)))
    return [
        StimulusResult(stimulus, name_agreement(given[stimulus.pk]))
        for stimulus in study.stimuli.select_related("condition").order_by("position")
    ]
