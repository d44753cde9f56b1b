"""Rows for tests, made by plain functions with plain defaults."""

import hashlib
import io
import json

import numpy as np
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from annotations import files
from annotations.models import ClassLabel, Image, ImageSet
from study import cookies, publishing, sessions, stimuli
from study.models import Answer, Condition, Participant, Study
from summaries.models import Cluster, Network, Region, Run, RunClass, RunImage, Summary

CLASS_NAME = "quokkafish"
NETWORK_NAME = "grumblenet_v9"
FILE_NAME = "secret_photo_0042.jpg"


def make_picture(seed: int = 0, width: int = 96, height: int = 64) -> bytes:
    """A PNG of noise that tells in its metadata what nobody may see."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    told = PngInfo()
    told.add_text("Description", f"{CLASS_NAME} {NETWORK_NAME} {FILE_NAME}")
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG", pnginfo=told)
    return buffer.getvalue()


def make_run(summaries: int = 3, state: str = Run.State.FINISHED) -> Run:
    """A finished run of one class with so many summaries."""
    image_set, _ = ImageSet.objects.get_or_create(name="menagerie")
    label, _ = ClassLabel.objects.get_or_create(image_set=image_set, name=CLASS_NAME, folder=CLASS_NAME)
    network, _ = Network.objects.get_or_create(
        name=NETWORK_NAME,
        defaults={
            "architecture": "torchvision:mobilenet_v2",
            "weights": "none",
            "sha256": "0" * 64,
            "classes": [{"name": CLASS_NAME, "synset": ""}],
            "preprocessing": {"input_size": 64},
        },
    )
    run = Run.objects.create(
        network=network, image_set=image_set, preset="paper", parameters={}, engine_version="1.0", state=state
    )
    run_class = RunClass.objects.create(run=run, label=label, index=0, position=0)
    for rank in range(1, summaries + 1):
        make_summary(run_class, rank)
    return run


def make_summary(run_class: RunClass, rank: int) -> Summary:
    image, _ = Image.objects.get_or_create(
        sha256=hashlib.sha256(f"{run_class.pk}/{rank}".encode()).hexdigest(),
        defaults={"width": 64, "height": 64, "file": "none"},
    )
    run_image = RunImage.objects.create(run_class=run_class, image=image, file=FILE_NAME, position=rank)
    region = Region.objects.create(
        run_image=run_image, proposal=0, x0=0, y0=0, x1=9, y1=9, quality=1.0, component=1, drop=0.5
    )
    cluster = Cluster.objects.create(run_class=run_class, exemplar=region, number=rank)
    return Summary.objects.create(
        run_class=run_class,
        cluster=cluster,
        rank=rank,
        coverage=0.5,
        strength=0.5,
        coherence=1.0,
        picture=files.put(make_picture(seed=rank), ".png"),
    )


def make_study(summaries: int = 3, opened: bool = True, **settings: object) -> Study:
    """Of one condition; settings by the study's own names."""
    study = publishing.create_study(make_run(summaries), "Parts of a quokkafish")
    for name, value in settings.items():
        setattr(study, name, value)
    study.save()
    if opened:
        publishing.open_study(study)
    return study


def let_in(user: object) -> None:
    """Lists somebody in every study that nobody made."""
    for study in Study.objects.filter(created_by=None):
        study.researchers.add(user)


def make_design(*, conditions: int = 2, summaries: int = 4, **settings: object) -> Study:
    """A published study that compares so many networks' summaries; settings by the study's own names."""
    study = make_study(summaries, opened=False)
    for _ in range(1, conditions):
        stimuli.add_condition(study, make_run(summaries))
    for name, value in ({"seed": 7} | settings).items():
        setattr(study, name, value)
    study.save()
    publishing.open_study(study)
    return study


def make_participant(
    study: Study, *, preview: bool = False, simulated: bool = False, condition: Condition | None = None
) -> Participant:
    """One who has consented, passed the check and stands before the first trial."""
    token = hashlib.sha256(f"{study.pk}/{study.participants.count()}".encode()).hexdigest()
    participant = sessions.start(study, token, preview=preview, simulated=simulated, condition=condition)
    sessions.consent(participant)
    sessions.answer_questions(participant, {})
    sessions.finish_instructions(participant)
    sessions.finish_practice(participant)
    if comprehension := participant.version.setting("comprehension"):
        sessions.answer_check(participant, [each["right"] for each in comprehension])
    participant.refresh_from_db()
    return participant


def give_answers(participant: Participant, *answers: str) -> None:
    """One for each next trial: a name, "nothing_in_common", "cannot_tell" or "skipped"; then to finish."""
    for answer in answers:
        trial = sessions.place_of(participant).trial
        sessions.answer(participant, str(trial.key), **_answer(answer))
        participant.refresh_from_db()
    if sessions.place_of(participant).page == "feedback":
        sessions.finish(participant)
        participant.refresh_from_db()


def make_answered_study() -> Study:
    """Two summaries and three participants, who answer by summary whatever their order."""
    study = make_study(2)
    for answers in [
        {1: "Wing", 2: "nothing_in_common"},
        {1: "the wing", 2: "cannot_tell"},
        {1: "fin", 2: "cannot_tell"},
    ]:
        participant = make_participant(study)
        order = participant.trials.order_by("position").values_list("stimulus__position", flat=True)
        give_answers(participant, *(answers[position] for position in order))
    return study


def give_names(study: Study, *people: list[str]) -> None:
    """A participant for each list, who answers the first trials by these names, or by kinds that are none."""
    for names in people:
        participant = make_participant(study)
        trials = participant.trials.order_by("position")[: len(names)]
        Answer.objects.bulk_create(
            Answer(trial=trial, **_answer(name), software_version="0")
            for trial, name in zip(trials, names, strict=True)
        )


def _answer(given: str) -> dict[str, str]:
    named = given not in ("nothing_in_common", "cannot_tell", "skipped")
    return {"kind": "name", "words": given} if named else {"kind": given}


def signed_in(participant: Participant, **more: object) -> Client:
    """A browser that has the participant's cookie."""
    response, client = HttpResponse(), Client(**more)
    cookies.keep_participant(response, participant)
    client.cookies = response.cookies
    return client


def put(client: Client, participant: Participant, key: object, **body: object) -> HttpResponse:
    """An answer to a trial, as the pages' scripts send it."""
    address = reverse("study:answer", args=[participant.study.slug, key])
    return client.put(address, json.dumps({"kind": "name", "words": ""} | body), "application/json")
