"""A tagger that knows the truth, and tells it as often as was planned."""

from random import Random

from django.db import transaction

from benchmarks.simulated.plans import Plan
from study.bots.speech import vocabulary, words_of
from study.bots.truth import Belief
from study.models import Stimulus, Study
from summaries import exhibits
from summaries.models import Run, Summary, Tagging

NAME, MOST = "oracle", 10


def is_tagged(study: Study) -> bool:
    shown = study.stimuli.filter(kind=Stimulus.Kind.SUMMARY).values_list("exhibit", flat=True)
    return any(exhibits.tags_of(shown).values())


@transaction.atomic
def tag(plan: Plan, study: Study, known: dict[int, Belief]) -> None:
    """Ten tags for each summary: the true modal name where the lot wants it, other words elsewhere."""
    shown = list(study.stimuli.filter(kind=Stimulus.Kind.SUMMARY).order_by("position"))
    of = exhibits.run_of(shown[0].exhibit)
    run = Run.objects.create(
        method=Run.Method.TAGS,
        recipe=Run.Recipe.TAGS,
        network=of.network,
        image_set=of.image_set,
        of=of,
        preset=NAME,
        parameters={"version": "1", "vocabulary": vocabulary(plan.language)},
        engine_version="-",
        state=Run.State.FINISHED,
    )
    rows = Summary.objects.filter(run_class__run=of).select_related("run_class__label")
    by_key = {f"visual/{of.pk}/{row.run_class.label.name}/{row.rank}": row for row in rows}
    lot = Random(f"{plan.seed}/tags")
    for stimulus in shown:
        tags = _tags(plan, known[stimulus.pk].modal, lot)
        scored = [[word, 1 / place] for place, word in enumerate(tags, 1)]
        Tagging.objects.create(run=run, summary=by_key[stimulus.exhibit], tags=scored, members=[])


def mean_reciprocal_rank(plan: Plan) -> float:
    """What `tag` gives in the long run."""
    first, five = plan.hits
    return first + (five - first) * sum(1 / place for place in range(2, 6)) / 4


def _tags(plan: Plan, modal: str, lot: Random) -> list[str]:
    """By the first word for each meaning, or with all words for it as synonyms."""
    others = [word for word in vocabulary(plan.language) if word != modal]
    tags = lot.sample(others, MOST)
    first, five = plan.hits
    chance = lot.random()
    if chance < five:
        tags[0 if chance < first else lot.randint(1, 4)] = modal
    return [lot.choice([word, ", ".join(words_of(word, plan.language))]) for word in tags]
