"""Where recruiters tell what became of a submission. Believed by signature; each message counts once."""

import hashlib
import hmac
import json
from base64 import b64encode

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from study import recruitment
from study.models import Delivery, Study

LARGEST = 64 * 1024
WINDOW_SECONDS = 5 * 60
"""A message is this old at most, or it may have been recorded and sent again."""
STATUS_CHANGE = "submission.status.change"


@csrf_exempt  # another machine has no cookie and no form; the signature stands for both
@require_POST
def prolific(request: HttpRequest, slug: str) -> HttpResponse:
    """Notes the new state of a submission, and gives the place on where somebody left or ran out of time.

    204 for all that is authentic, also if it concerns nobody here: one secret serves a whole workspace.
    """
    study = get_object_or_404(Study, slug=slug)
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        return HttpResponse(status=413)
    if not authentic(request, study.webhook_secret):
        return HttpResponse(status=401)
    try:
        message = json.loads(request.body)
    except (ValueError, RecursionError):
        return HttpResponse(status=400)
    if isinstance(message, dict) and message.get("event_type") == STATUS_CHANGE:
        _take(study, _event(request), message)
    return HttpResponse(status=204)


def authentic(request: HttpRequest, secrets: str) -> bool:
    """Whether one of the secrets (two, parted by a space, while one takes over from the other) signed this
    timestamp and these very bytes, and not long ago: base64 of HMAC-SHA256, as Prolific documents it."""
    timestamp = request.headers.get("X-Prolific-Request-Timestamp", "")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12):
        return False
    if abs(timezone.now().timestamp() - int(timestamp)) > WINDOW_SECONDS:
        return False
    given = request.headers.get("X-Prolific-Request-Signature", "")
    signed = timestamp.encode() + request.body
    return any(
        [constant_time_compare(given, _signature(secret.encode(), signed)) for secret in secrets.split()]
    )


def _signature(secret: bytes, signed: bytes) -> str:
    return b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def _event(request: HttpRequest) -> str:
    """The same for each delivery of one event; the bytes stand in where it is not named."""
    return request.headers.get("X-Event-Id", "")[:200] or hashlib.sha256(request.body).hexdigest()


@transaction.atomic
def _take(study: Study, event: str, message: dict) -> None:
    _, new = Delivery.objects.get_or_create(study=study, event=event)
    if new:
        recruitment.hear(study, str(message.get("resource_id", "")), str(message.get("status", "")))
