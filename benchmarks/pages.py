"""How long the researchers' pages take beside a hundred studies and a hundred thousand answers.

    python benchmarks/pages.py [--quick]

A database is filled with 100 studies, of which one has half of the 100,000 answers, and with one more study
that has 100,000 answers of its own. Every page is asked for three times, and the fastest is told: the
milliseconds of the server until the whole page is there, and its queries. With --quick a tenth of it. The
last line is one JSON object: `answers`, `slowest_ms` of all pages, and each page by name.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyproject.settings")

if TYPE_CHECKING:
    from django.test import Client

    from study.models import Condition, Stimulus, Study

STUDIES, ANSWERS, TRIALS, CONDITIONS, STIMULI = 100, 100_000, 20, 2, 40
TIMES = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 seconds on two cores")
    share = 10 if parser.parse_args().quick else 1
    with tempfile.TemporaryDirectory(prefix="meronym-pages-") as home:
        os.environ |= {"MERONYM_HOME": home, "LOG_LEVEL": "ERROR"}
        os.environ.pop("DATABASE_URL", None)
        print(json.dumps(run(STUDIES // share, ANSWERS // share)))


def run(studies: int, answers: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    client = Client()
    client.force_login(User.objects.create_superuser("researcher"))
    busy, large = fill(studies, answers), make_study(studies, answers // TRIALS)
    found = watch(client, busy) | read(client, large)
    return {"answers": answers, "slowest_ms": max(page["ms"] for page in found.values()), **found}


def watch(client: "Client", study: "Study") -> dict[str, dict[str, float]]:
    """The pages on how a study goes."""
    code = study.participants.first().code
    pages = {"monitor": [], "monitor_fragment": [], "people": [], "person": [code]}
    return {name: ask(client, study, name, more) for name, more in pages.items()}


def read(client: "Client", study: "Study") -> dict[str, dict[str, float]]:
    """The pages on what it found, once a worker has measured it."""
    from study.findings import snapshot

    snapshot.renew(study)
    stimulus = study.stimuli.order_by("position").last().pk
    pages = {
        "results": [],
        "result": [stimulus],
        "answers_behind": [],
        "report": [],
        "names": [],
        "export": [],
    }
    return {name: ask(client, study, name, more) for name, more in pages.items()}


def ask(client: "Client", study: "Study", name: str, more: list) -> dict[str, float]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    address = reverse(f"study:{name}", args=[study.slug, *more])
    with CaptureQueriesContext(connection) as asked:
        status = client.get(address).status_code
    queries = len(asked)  # at once: the next request empties the log
    if status != 200:
        raise RuntimeError(f"{address} answers {status}.")
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        client.get(address)
        took.append(time.perf_counter() - began)
    return {"ms": round(1000 * min(took)), "queries": queries}


def fill(studies: int, answers: int) -> "Study":
    """Rows like those of real studies, without pictures: the first study has half of all answers, and is what
    comes back; the others share the rest."""
    people = answers // TRIALS
    others = (people - people // 2) // max(studies - 1, 1)
    made = [make_study(number, others if number else people // 2) for number in range(studies)]
    return made[0]


def make_study(number: int, people: int) -> "Study":
    from study import versions
    from study.models import Condition, Stimulus, Study

    rules = {"least_seconds": 1.0, "decoys_named": 3}
    study = Study.objects.create(title=f"Study {number}", state=Study.State.OPEN, exclusion=rules)
    conditions = [
        Condition.objects.create(study=study, name=f"Network {place}", position=place)
        for place in range(CONDITIONS)
    ]
    stimuli = Stimulus.objects.bulk_create(
        Stimulus(
            study=study,
            condition=conditions[place % CONDITIONS],
            kind=Stimulus.Kind.DECOY if place < 4 else Stimulus.Kind.SUMMARY,
            position=place,
            exhibit=f"exhibit {place}",
            title=f"Summary {place}",
            pictures=["content/00/" + "0" * 64 + ".png"],
            question="What?",
            alternative_text="Pictures",
            group="class",
        )
        for place in range(STIMULI)
    )
    versions.publish(study)
    _add_people(study, conditions, stimuli, people)
    return study


def _add_people(study: "Study", conditions: list["Condition"], stimuli: list["Stimulus"], count: int) -> None:
    """Nine in ten completed; the others are at work or left."""
    from django.utils import timezone

    from study import versions
    from study.models import Answer, Exclusion, Participant, Trial

    now, version = timezone.now(), versions.latest(study)
    people = Participant.objects.bulk_create(
        Participant(
            study=study,
            version=version,
            condition=conditions[number % CONDITIONS],
            number=number + 1,
            consented_at=now,
            consent_sha256="0" * 64,
            last_seen=now,
            lease_until=now + timedelta(minutes=30 if number % 20 else -30),
            **({} if number % 10 == 0 else _ended(now - timedelta(minutes=number))),
        )
        for number in range(count)
    )
    trials = Trial.objects.bulk_create(
        Trial(participant=person, stimulus=stimulus, position=position, key=uuid.uuid4())
        for person in people
        for position, stimulus in enumerate(stimuli[person.number % CONDITIONS :: CONDITIONS], start=1)
    )
    Answer.objects.bulk_create(
        Answer(
            trial=trial,
            kind="name" if trial.pk % 4 else "cannot_tell",
            words="wing" if trial.pk % 4 else "",
            seconds=3.0,
            software_version="1",
        )
        for trial in trials
    )
    Exclusion.objects.bulk_create(
        Exclusion(participant=person, rule="least_seconds", reason="Too fast.") for person in people[::25]
    )


def _ended(at) -> dict:
    return {"outcome": "completed", "finished_at": at, "completion_code": "CODE"}


if __name__ == "__main__":
    main()
