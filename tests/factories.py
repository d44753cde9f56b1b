"""Rows for tests, made by plain functions with plain defaults."""

import hashlib
import io

import numpy as np
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from annotations import files
from annotations.models import ClassLabel, Image, ImageSet
from study import publishing, sessions
from study.models import Participant, Study
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


def make_study(summaries: int = 3, opened: bool = True) -> Study:
    study = publishing.create_study(make_run(summaries), "Parts of a quokkafish")
    if opened:
        publishing.open_study(study)
    return study


def make_participant(study: Study, *, preview: bool = False) -> Participant:
    """One who has consented and read the instructions."""
    token = hashlib.sha256(f"{study.pk}/{study.participants.count()}".encode()).hexdigest()
    participant = sessions.start(study, token, preview=preview)
    sessions.consent(participant)
    sessions.finish_instructions(participant)
    participant.refresh_from_db()
    return participant


def give_answers(participant: Participant, *answers: str) -> None:
    """One for each next trial: a name, or "nothing_in_common" or "cannot_tell"."""
    for answer in answers:
        trial = sessions.place_of(participant).trial
        named = answer not in ("nothing_in_common", "cannot_tell")
        kind, words = ("name", answer) if named else (answer, "")
        sessions.answer(participant, str(trial.key), kind=kind, words=words)
        participant.refresh_from_db()
