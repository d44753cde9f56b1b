"""Receipts: proof, in the participant's hands, of exactly what was stored and when."""

from datetime import UTC
from hashlib import sha256

from django.utils.crypto import salted_hmac

from study.models import Answer


def body_hash(kind: str, words: str) -> str:
    """The same answer sent again has the same hash; what was only measured stands not in it."""
    return sha256(f"{kind}\n{words}".encode()).hexdigest()


def receipt(answer: Answer) -> str:
    """HMAC-SHA-256 of trial, revision, body and time of storing: the same whenever it is asked for."""
    moment = answer.received_at.astimezone(UTC).isoformat()
    told = "\n".join([str(answer.trial.key), str(answer.revision), answer.body_sha256, moment])
    return salted_hmac("study.receipts", told, algorithm="sha256").hexdigest()
