"""A participant's way through a study: all that is written on it, and the one page on which they may be.

`leases` tells who is at work, `way` the stages from Start to an end, `answers` how answers are stored and
what must be proven before a code is shown.
"""

from study.sessions.answers import Lacking, NoSuchTrial, OutOfTurn, Stored, answer, finish, receipts_of
from study.sessions.leases import touch
from study.sessions.way import (
    MOST_ATTEMPTS,
    Place,
    answer_check,
    answer_questions,
    at_work,
    consent,
    decline,
    end,
    finish_instructions,
    finish_practice,
    give_feedback,
    place_of,
    recognise,
    start,
    welcomes,
)

__all__ = [
    "MOST_ATTEMPTS",
    "Lacking",
    "NoSuchTrial",
    "OutOfTurn",
    "Place",
    "Stored",
    "answer",
    "answer_check",
    "answer_questions",
    "at_work",
    "consent",
    "decline",
    "end",
    "finish",
    "finish_instructions",
    "finish_practice",
    "give_feedback",
    "place_of",
    "receipts_of",
    "recognise",
    "start",
    "touch",
    "welcomes",
]
