"""How long the researchers' pages take beside a hundred studies and a hundred thousand answers."""

import time
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from study import exclusions, versions
from study.findings import snapshot
from study.models import Answer, Condition, Exclusion, Participant, Stimulus, Study, Trial

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

STUDIES, ANSWERS, TRIALS, CONDITIONS, STIMULI = 100, 100_000, 20, 2, 40
LARGEST = 2_500
"""Participants of the first study, who give half of all answers."""
LIMIT = 0.5
"""Seconds of the server for one page."""


def make_studies() -> Study:
    """Rows like those of real studies, without pictures; the largest study comes back."""
    others = (ANSWERS // TRIALS - LARGEST) // (STUDIES - 1) + 1
    studies = [_make_study(number, LARGEST if number == 0 else others) for number in range(STUDIES)]
    return studies[0]


def _make_study(number: int, people: int) -> Study:
    study = Study.objects.create(
        title=f"Study {number}", state=Study.State.OPEN, exclusion={"least_seconds": 1.0, "decoys_named": 3}
    )
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
    _make_people(study, conditions, stimuli, people)
    return study


def _make_people(study: Study, conditions: list, stimuli: list, count: int) -> None:
    """Nine in ten completed; the others are at work or left."""
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


def seconds_of(act) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def times_of(client, study: Study, pages: dict[str, list]) -> dict[str, float]:
    took = {}
    for name, more in pages.items():
        address = reverse(f"study:{name}", args=[study.slug, *more])
        assert client.get(address).status_code == 200
        took[name] = min(seconds_of(lambda where=address: client.get(where)) for _ in range(3))
    return took


def test_pages_of_findings_take_less_than_half_a_second_for_one_study_that_large(admin_client):
    study = _make_study(0, ANSWERS // TRIALS)
    assert snapshot.renew(study).content["analyses"]["all"]["answers"] == ANSWERS
    of_one = [study.stimuli.order_by("position").last().pk]
    pages = {"results": [], "results_newest": [], "result": of_one, "answers_behind": [], "report": []}
    took = times_of(admin_client, study, pages)
    assert max(took.values()) < LIMIT, took


def test_every_page_takes_less_than_half_a_second(admin_client):
    study = make_studies()
    assert Answer.objects.count() >= ANSWERS and Study.objects.count() == STUDIES
    if connection.vendor == "postgresql":  # which counts its rows by itself, but not within a transaction
        connection.cursor().execute("ANALYZE")
    code = Participant.objects.filter(study=study).first().code
    pages = {"monitor": [], "monitor_fragment": [], "people": [], "person": [code]}
    took = times_of(admin_client, study, pages)
    assert max(took.values()) < LIMIT, took
    assert seconds_of(lambda: exclusions.judge(study)) < 30
