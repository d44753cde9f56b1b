"""What a study has yielded so far: of every answer the last revision. Previews are left out everywhere.

Bots are counted only where nobody else came, and never together with people.
"""

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from study.models import Answer, Outcome, Study


@dataclass(frozen=True)
class Counts:
    started: int
    consented: int
    finished: int
    """Completed it, that is; other ends are not counted here."""
    answers: int
    """Without what was skipped."""


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
