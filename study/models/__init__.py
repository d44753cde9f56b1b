"""Rows of the study room: studies and what they show, people, what they did, and how they came."""

from study.models.answers import Answer, Trial
from study.models.findings import Look, Snapshot
from study.models.naming import NameEvent
from study.models.people import Event, Exclusion, Participant, Tombstone
from study.models.recruits import Code, Delivery, Outcome, Recruit
from study.models.studies import Condition, Stimulus, Study, Version
from study.models.words import new_code, new_seed, new_slug, new_token, random_word

__all__ = [
    "Answer",
    "Code",
    "Condition",
    "Delivery",
    "Event",
    "Exclusion",
    "Look",
    "NameEvent",
    "Outcome",
    "Participant",
    "Recruit",
    "Snapshot",
    "Stimulus",
    "Study",
    "Tombstone",
    "Trial",
    "Version",
    "new_code",
    "new_seed",
    "new_slug",
    "new_token",
    "random_word",
]
