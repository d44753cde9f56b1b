"""Studies of rows made by hand, and bots that take part in them by the functions that the pages call."""

import hashlib
import io
from datetime import timedelta
from random import Random

from django.db import transaction
from django.utils import timezone
from PIL import Image as Pillow

from annotations import files
from annotations.models import ClassLabel, Image, ImageSet
from benchmarks.simulated.plans import FAST, Plan
from study import exclusions, publishing, sessions
from study.bots.speech import vocabulary
from study.bots.truth import Belief, Mind, beliefs
from study.models import Condition, Participant, Stimulus, Study
from study.versions import latest
from summaries.models import Cluster, Network, Region, Run, RunClass, RunImage, Summary

PLENTY = 100_000
"""A target that is never reached."""
LONG_AGO = timedelta(days=2)
CLASSES = 3


@transaction.atomic
def make(plan: Plan) -> Study:
    """Published, with the summaries of a run, decoys, gold and repeats."""
    run, keys = _make_run(plan)
    study = Study.objects.create(
        title=f"Simulated study {plan.number}",
        language=plan.language,
        consent="A simulated study.",
        instructions="Name it.",
        thanks="Thanks.",
        target=PLENTY,
        per_participant=plan.shown,
        seed=plan.seed,
        exclusion={"least_seconds": FAST} if plan.ruled else {},
    )
    condition = Condition.objects.create(study=study, name=run.network.name, position=1)
    Stimulus.objects.bulk_create(_stimuli(plan, study, condition, keys))
    first = list(study.stimuli.filter(kind=Stimulus.Kind.SUMMARY).order_by("position")[: plan.repeats])
    at = study.stimuli.count()
    Stimulus.objects.bulk_create(
        _stimulus(study, condition, at + place, Stimulus.Kind.REPEAT, f"repeat/{place}", source=one)
        for place, one in enumerate(first, 1)
    )
    publishing.open_study(study)
    return study


def believed(plan: Plan, study: Study) -> dict[int, Belief]:
    stimuli = latest(study).stimuli.select_related("source")
    return beliefs(stimuli, seed=plan.seed, language=plan.language, population=plan.population)


def answer(plan: Plan, study: Study) -> None:
    """Everybody from the start page to the last one, or until they leave."""
    known = believed(plan, study)
    for number in range(1, plan.people + 1):
        lot = Random(f"{plan.seed}/bot/{number}")
        careless = lot.random() < plan.careless
        leaves_at = lot.random() if lot.random() < plan.dropout else 1.0
        mind = Mind(
            number,
            plan.seed,
            known,
            careless,
            language=plan.language,
            speech=plan.speech,
            consistency=plan.population.consistency,
        )
        _take_part(study, mind, leaves_at)


def judge_exclusions(study: Study) -> None:
    """As the clock would the day after, when whoever has left is known to have left."""
    study.participants.filter(outcome="").update(last_seen=timezone.now() - LONG_AGO)
    exclusions.judge(study)


def _take_part(study: Study, mind: Mind, leaves_at: float) -> None:
    token = hashlib.sha256(f"{study.pk}/{mind.number}".encode()).hexdigest()
    person = sessions.start(study, token, simulated=True)
    sessions.consent(person)
    sessions.finish_instructions(person)
    sessions.finish_practice(person)
    person = Participant.objects.select_related("study", "version").get(pk=person.pk)
    trials = list(person.trials.select_related("stimulus").order_by("position"))
    for trial in trials[: round(leaves_at * len(trials))]:
        said = mind.say(trial.stimulus_id, trial.stimulus.source_id)
        seconds = mind.seconds(trial.stimulus_id)
        sessions.answer(person, trial.key, kind=said.kind, words=said.words, seconds=seconds)
    if leaves_at == 1:
        sessions.finish(person)


def _stimuli(plan: Plan, study: Study, condition: Condition, keys: list[str]) -> list[Stimulus]:
    """Without the repeats, which need their sources."""
    lot, kinds = Random(f"{plan.seed}/gold"), Stimulus.Kind
    rows = [(kinds.SUMMARY, key, []) for key in keys]
    rows += [(kinds.DECOY, f"decoy/{place}", []) for place in range(plan.decoys)]
    words = lot.sample(vocabulary(plan.language), plan.gold)
    rows += [(kinds.GOLD, f"gold/{place}", [word]) for place, word in enumerate(words)]
    return [
        _stimulus(study, condition, position, kind, key, accepted=accepted)
        for position, (kind, key, accepted) in enumerate(rows, 1)
    ]


def _stimulus(
    study: Study, condition: Condition, position: int, kind: str, exhibit: str, **more: object
) -> Stimulus:
    return Stimulus(
        study=study,
        condition=condition,
        position=position,
        kind=kind,
        exhibit=exhibit,
        pictures=[_picture()],
        sizes=[[64, 64]],
        question="What do these have in common?",
        alternative_text="A generated picture.",
        title=f"Picture {position}",
        group=f"class {position % CLASSES}",
        **more,
    )


def _make_run(plan: Plan) -> tuple[Run, list[str]]:
    """A finished run of three classes, and the keys of its summaries as exhibits."""
    image_set, _ = ImageSet.objects.get_or_create(name="simulated")
    image, _ = Image.objects.get_or_create(sha256="0" * 64, defaults={"width": 64, "height": 64, "file": "-"})
    made = {"architecture": "-", "weights": "-", "sha256": "0" * 64, "classes": [], "preprocessing": {}}
    network, _ = Network.objects.get_or_create(name=f"simulated {plan.number}", defaults=made)
    run = Run.objects.create(
        network=network,
        image_set=image_set,
        preset="standard",
        parameters={},
        engine_version="-",
        state=Run.State.FINISHED,
    )
    classes = [_make_class(run, image_set, position) for position in range(CLASSES)]
    keys = []
    for place in range(plan.summaries):
        run_class, rank = classes[place % CLASSES], place // CLASSES + 1
        _make_summary(run_class, image, rank)
        keys.append(f"visual/{run.pk}/{run_class.label.name}/{rank}")
    return run, keys


def _make_class(run: Run, image_set: ImageSet, position: int) -> RunClass:
    name = f"class {position}"
    label, _ = ClassLabel.objects.get_or_create(image_set=image_set, name=name, folder=name)
    return RunClass.objects.create(run=run, label=label, index=position, position=position)


def _make_summary(run_class: RunClass, image: Image, rank: int) -> None:
    run_image, _ = RunImage.objects.get_or_create(
        run_class=run_class, image=image, defaults={"file": "-", "position": 1}
    )
    region = Region.objects.create(
        run_image=run_image, proposal=rank, x0=0, y0=0, x1=9, y1=9, quality=1.0, component=rank, drop=0.5
    )
    cluster = Cluster.objects.create(run_class=run_class, exemplar=region, number=rank)
    Summary.objects.create(
        run_class=run_class,
        cluster=cluster,
        rank=rank,
        coverage=0.5,
        strength=0.5,
        coherence=1.0,
        picture=_picture(),
    )


def _picture() -> str:
    buffer = io.BytesIO()
    Pillow.new("RGB", (64, 64), "white").save(buffer, "PNG")
    return files.put(buffer.getvalue(), ".png")
