"""What is frozen at publication: the design and its stimuli, under one hash."""

import json
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone, translation

from study import texts
from study.models import Stimulus, Study, Version

FROZEN = (
    "language",
    "consent",
    "least_age",
    "questions",
    "instructions",
    "comprehension",
    "feedback_asked",
    "thanks",
    "question",
    "contact",
    "target",
    "per_participant",
    "order",
    "seed",
    "revisable",
    "lease_minutes",
    "exclusion",
    "plan",
    "withdraw_days",
    "retention_days",
)
"""Fields of a study that a version holds."""
FROZEN_IF_SAID = ("looks",)
"""Held only where something stands in them, so that versions older than these fields keep their hash."""


def content_of(study: Study) -> dict[str, Any]:
    """Everything that a participant of this study could tell apart, and what was planned with the answers."""
    shown = study.stimuli.filter(removed_at=None)
    stimuli = shown.select_related("condition", "source").order_by("position")
    said = [name for name in FROZEN_IF_SAID if getattr(study, name)]
    return {name: getattr(study, name) for name in (*FROZEN, *said)} | {
        "conditions": list(study.conditions.order_by("position").values_list("name", flat=True)),
        "stimuli": [_entry(stimulus) for stimulus in stimuli],
    }


def hash_of(content: dict[str, Any]) -> str:
    return sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@transaction.atomic
def freeze(study: Study) -> Version:
    """The version of the design as it stands: the one that there is, or a new one without a number."""
    content = content_of(study)
    version, made = Version.objects.get_or_create(
        study=study, sha256=hash_of(content), defaults={"content": content}
    )
    if made:
        version.stimuli.set(study.stimuli.filter(removed_at=None))
    return version


@transaction.atomic
def publish(study: Study, by: Any = None) -> Version:
    """The version of the design as it stands, numbered: what newcomers take part in from now on. A design as
    it was once before is that version again, under the number that its participants know."""
    version, last = freeze(study), latest(study)
    if version != last:
        highest = study.versions.aggregate(highest=Max("number"))["highest"] or 0
        version.number = version.number or highest + 1
        version.published_at, version.published_by = timezone.now(), by
        version.save(update_fields=["number", "published_at", "published_by"])
    return version


def words_of(version: Version, stimulus: Stimulus) -> dict[str, str]:
    """Question and alternative text beside a stimulus, as participants of this version read them."""
    language = version.setting("language")
    return {
        "question": version.setting("question") or texts.translated(stimulus.question, language),
        "alternative_text": texts.translated(stimulus.alternative_text, language),
    }


def spoken(slug: str) -> AbstractContextManager:
    """The language of the study of this link, while a page is made that is for whoever came by it."""
    study = Study.objects.filter(slug=slug).first()
    version = latest(study) if study else None
    chosen = version.setting("language") if version else study.language if study else ""
    return translation.override(chosen) if chosen else nullcontext()


def latest(study: Study) -> Version | None:
    """What newcomers take part in."""
    return study.versions.filter(number__isnull=False).order_by("published_at", "number").last()


def _entry(stimulus: Stimulus) -> dict[str, Any]:
    """Pictures are kept by the hash of their bytes, which is their key."""
    return {
        "position": stimulus.position,
        "kind": stimulus.kind,
        "condition": stimulus.condition.name if stimulus.condition else None,
        "repeats": stimulus.source.position if stimulus.source else None,
        "accepted": stimulus.accepted,
        "exhibit": stimulus.exhibit,
        "pictures": stimulus.pictures,
        "question": stimulus.question,
        "alternative_text": stimulus.alternative_text,
    }
