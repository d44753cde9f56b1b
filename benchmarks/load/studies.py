"""Studies of generated pictures, published, and what came of them."""

import io
from collections import Counter
from typing import Any

import numpy as np
from PIL import Image

from annotations import files
from study import publishing, versions
from study.models import Answer, Condition, Outcome, Stimulus, Study

SIDES = (320, 640)
PLENTY = 100_000
"""A target that is never reached."""


def make_study(
    title: str, stimuli: int, *, conditions: int = 1, target: int = PLENTY, lease_seconds: float | None = None
) -> Study:
    """With so many stimuli in each condition, open. A lease may be shorter than the desk would let it be."""
    study = Study.objects.create(
        title=title, consent="A load test.", instructions="Name it.", thanks="Thanks.", target=target, seed=1
    )
    for number in range(1, conditions + 1):
        condition = Condition.objects.create(study=study, name=f"condition {number}", position=number)
        Stimulus.objects.bulk_create(
            _stimulus(study, condition, (number - 1) * stimuli + place) for place in range(1, stimuli + 1)
        )
    publishing.open_study(study)
    if lease_seconds is not None:
        version = versions.latest(study)
        version.content["lease_minutes"] = lease_seconds / 60
        version.save(update_fields=["content"])
    return study


def places(study: Study) -> dict[str, Any]:
    """Stimuli that were answered more often than asked for without being flagged, and who completed where."""
    rows = Answer.objects.current().filter(trial__participant__study=study)
    answered = Counter(rows.filter(surplus=False).values_list("trial__stimulus", flat=True))
    people = study.participants.filter(outcome=Outcome.COMPLETED)
    completed = Counter(people.values_list("condition__name", flat=True))
    by_condition = {one.name: completed[one.name] for one in study.conditions.all()}
    return {
        "overfilled": sum(count > study.target for count in answered.values()),
        "fewest": min(answered[stimulus.pk] for stimulus in study.stimuli.all()),
        "target": study.target,
        "surplus": rows.filter(surplus=True).count(),
        "completed": by_condition,
        "difference": max(by_condition.values()) - min(by_condition.values()),
        "turned_away": study.participants.filter(outcome=Outcome.QUOTA_FULL).count(),
    }


def _stimulus(study: Study, condition: Condition, position: int) -> Stimulus:
    height, width = SIDES
    return Stimulus(
        study=study,
        condition=condition,
        position=position,
        exhibit=f"load/{position}",
        pictures=[files.put(_picture(position), ".png")],
        sizes=[[width, height]],
        question="What do these have in common?",
        alternative_text="A generated picture.",
        title=f"Picture {position}",
        group="load",
    )


def _picture(seed: int) -> bytes:
    """Waves under a little noise: about as large as a summary's picture."""
    rng = np.random.default_rng(seed)
    height, width = SIDES
    y, x = np.mgrid[:height, :width] / 32
    waves = np.stack([np.sin(x * a + y * b) for a, b in rng.uniform(0.2, 2, (3, 2))], axis=-1)
    noise = rng.integers(0, 4, (height, width, 1))
    buffer = io.BytesIO()
    Image.fromarray((128 + 60 * waves + noise).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
