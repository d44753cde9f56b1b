"""Studies that had participants before there were versions: what these took part in becomes version 1."""

import hashlib
import json
import secrets

from django.db import migrations

TEXTS = ("language", "consent", "instructions", "thanks", "question", "seed")


def freeze(apps, schema_editor):
    Study, Version = apps.get_model("study", "Study"), apps.get_model("study", "Version")
    for study in Study.objects.filter(participants__isnull=False).distinct():
        stimuli = list(study.stimuli.order_by("position"))
        content = {name: getattr(study, name) for name in TEXTS}
        content["stimuli"] = [
            {"position": each.position, "exhibit": each.exhibit, "pictures": each.pictures} for each in stimuli
        ]
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        number = 1 if study.opened_at else None
        version = Version.objects.create(
            study=study, number=number, content=content, sha256=digest, published_at=study.opened_at
        )
        version.stimuli.set(stimuli)
        study.participants.update(version=version)
    Participant = apps.get_model("study", "Participant")
    Participant.objects.filter(finished_at__isnull=False).update(outcome="completed")
    for participant in Participant.objects.filter(receipt_key=None).iterator():
        participant.receipt_key = secrets.token_urlsafe(32)
        participant.save(update_fields=["receipt_key"])


class Migration(migrations.Migration):
    dependencies = [("study", "0002_design")]
    operations = [migrations.RunPython(freeze, migrations.RunPython.noop)]
