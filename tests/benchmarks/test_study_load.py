"""What `benchmarks/study_load.py` counts, on rows made by hand and on a few bots."""

import threading

import pytest
from django.utils import timezone

from benchmarks import study_load
from benchmarks.load import servers, studies
from study import sessions, versions
from study.bots.line import Meter
from study.models import Answer, Participant
from tests.factories import give_answers, make_participant

pytestmark = pytest.mark.own_loop


class StandIn:
    """A site that is here already; being killed and started again is only counted."""

    def __init__(self, address: str) -> None:
        self.address, self.restarts = address, 0

    def restart(self) -> None:
        self.restarts += 1


@pytest.mark.django_db(transaction=True)
def test_faults_are_survived_and_counted(live_server):
    site = StandIn(live_server.url)
    found = study_load.faults(site, participants=3, stimuli=4)
    assert (found["sent"], found["stored"], found["lost"], found["doubled"]) == (12, 12, 0, 0)
    assert (found["completed"], found["errors"], site.restarts) == (3, 0, 1)


@pytest.mark.django_db
def test_an_answer_beyond_the_target_counts_only_if_it_was_not_flagged():
    study = studies.make_study("places", 1, conditions=2, target=1, lease_seconds=5)
    assert versions.latest(study).setting("lease_minutes") == pytest.approx(5 / 60)
    late = make_participant(study)
    Participant.objects.update(lease_until=timezone.now())
    for _ in range(2):
        person = make_participant(study)
        give_answers(person, "wing")
        sessions.finish(person)
    found = studies.places(study)
    assert (found["overfilled"], found["fewest"], found["difference"]) == (0, 1, 0)
    give_answers(late, "beak")
    assert studies.places(study)["overfilled"] == 0
    Answer.objects.filter(trial__participant=late).update(surplus=False)
    assert studies.places(study)["overfilled"] == 1


def test_the_site_is_killed_at_half_of_the_answers_or_never():
    site, meter, over = StandIn("nowhere"), Meter(), threading.Event()
    crowd = type("Crowd", (), {"meter": meter})
    meter.answer_seconds += [0.1] * 5
    study_load.restart_halfway(site, crowd, 5, over)
    assert site.restarts == 1
    over.set()
    study_load.restart_halfway(site, crowd, 6, over)
    assert site.restarts == 1


def test_the_last_line_sums_all_parts():
    part = {"stored": 5, "lost": 1, "doubled": 2, "errors": 3}
    found = {
        "faults": part,
        "live": part | {"p95_ms": 20.0, "p99_ms": 30.0, "broken": 4},
        "places": part | {"overfilled": 0, "difference": 1},
        "embedded": part,
    }
    told = study_load.report(found)
    assert (told["answers"], told["lost"], told["doubled"], told["errors"]) == (20, 4, 8, 16)
    assert (told["p95_ms"], told["p99_ms"], told["overfilled"], told["difference"]) == (20.0, 30.0, 0, 1)


def test_without_postgresql_there_is_no_address(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "_programs", lambda: None)
    with servers.postgres(tmp_path) as address:
        assert address is None
