"""The same thing sent many times at once happens once."""

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from django.db import connection

from study import looks, rights, sessions
from study.agreement.looks import BOUND, Declaration, written
from study.findings import snapshot
from study.models import Answer, Participant
from tests.factories import give_answers, make_design, make_participant, make_study, put, signed_in

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(act, times=6):
    def alone(number):
        try:
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(alone, range(times)))


def test_six_answers_to_one_trial_store_one():
    participant = make_participant(make_study(2))
    key = str(participant.trials.get(position=1).key)
    stored = at_once(lambda n: sessions.answer(participant, key, kind="name", words=f"wing {n}"))
    assert Counter(each.made for each in stored) == {True: 1, False: 5} and Answer.objects.count() == 1
    assert Counter(each.conflict for each in stored) == {False: 1, True: 5}


def test_six_presses_on_start_make_one_participant_and_six_people_are_numbered():
    study = make_study(1)
    at_once(lambda n: sessions.start(study, "one and the same"))
    assert Participant.objects.count() == 1
    at_once(lambda n: sessions.start(study, f"person {n}"))
    assert sorted(study.participants.values_list("number", flat=True)) == list(range(1, 8))


def test_consent_given_many_times_draws_the_trials_once():
    participant = sessions.start(make_study(3), "somebody")
    at_once(lambda n: sessions.consent(participant))
    assert participant.trials.count() == 3


def test_twenty_times_the_same_put_make_one_row_and_one_receipt():
    participant = make_participant(make_study(2))
    key = participant.trials.get(position=1).key
    answers = at_once(lambda n: put(signed_in(participant), participant, key, words="wing"), times=20)
    assert Counter(each.status_code for each in answers) == {201: 1, 200: 19}
    assert len({each.json()["receipt"] for each in answers}) == 1 and Answer.objects.count() == 1


def test_answers_to_many_trials_at_once_are_all_stored():
    participant = make_participant(make_study(6))
    keys = list(participant.trials.values_list("key", flat=True))
    stored = at_once(lambda n: sessions.answer(participant, keys[n], kind="name", words="wing"))
    assert all(each.made for each in stored) and Answer.objects.count() == 6


def test_a_look_that_many_researchers_press_at_once_is_taken_once():
    plan = Declaration("alpha", "mechanical", BOUND, 0.667, (1, 2))
    study = make_study(2, looks=written(plan))
    give_answers(make_participant(study), "wing", "fin")
    taken = at_once(lambda n: looks.take(study, f"researcher {n}", "results"))
    assert len({look.pk for look in taken}) == 1 == study.looks_taken.count()
    assert taken[0].number == 1


def test_finishing_while_an_answer_is_changed_leaves_the_answer_and_the_code_consistent():
    participant = make_participant(make_study(1, revisable=True))
    key = participant.trials.get().key
    receipt = sessions.answer(participant, key, kind="name", words="wing").receipt

    def act(number):
        if number % 2:
            return sessions.answer(participant, key, kind="name", words=f"wing {number}").conflict
        return bool(sessions.finish(participant, {str(key): receipt}))

    at_once(act)
    participant.refresh_from_db()
    assert bool(participant.outcome) == (Answer.objects.count() == 1)


def test_of_twelve_who_agree_at_once_none_is_refused_and_what_is_above_the_target_is_declared():
    study = make_design(conditions=2, summaries=2, target=2, per_participant=1)
    people = [sessions.start(study, f"person {number}") for number in range(12)]

    def take_part(number):
        person = people[number]
        for act in (sessions.consent, sessions.finish_instructions, sessions.finish_practice):
            act(person)
        person.refresh_from_db()
        sessions.answer(person, person.trials.get().key, kind="name", words="wing")
        return bool(sessions.finish(person))

    assert at_once(take_part, times=12) == [False] * 12
    counted = Answer.objects.filter(surplus=False).values_list("trial__stimulus", flat=True)
    assert sorted(Counter(counted).values()) == [2] * 4 and Answer.objects.count() == 12
    assert Counter(study.participants.values_list("condition__position", flat=True)) == {1: 6, 2: 6}


def test_findings_that_are_stored_while_somebody_withdraws_do_not_keep_their_words(monkeypatch):
    study = make_study(1)
    give_answers(make_participant(study), "beak")
    leaving = make_participant(study)
    give_answers(leaving, "snorkel")

    def renew():
        try:
            return snapshot.renew(study)
        finally:
            connection.close()

    def forget(*about):
        """As late as can be before the transaction ends."""
        stored.append(threads.submit(renew))
        wait(stored, timeout=1)

    monkeypatch.setattr("study.naming.forget", forget)
    with ThreadPoolExecutor(1) as threads:
        stored = []
        rights.withdraw(leaving)
        made = stored[0].result(timeout=30)
    assert "snorkel" not in str([made.content, *study.snapshots.values_list("content", flat=True)])
    assert "beak" in str(made.content)


@pytest.mark.services
@pytest.mark.slow
@pytest.mark.skipif("TEST_DATABASE_URL" not in os.environ, reason="there is no PostgreSQL to test with")
def test_all_of_this_holds_on_postgresql():
    options = ["--noconftest", "-p", "tests.on_postgresql", "-m", "not services", "-q", "--timeout=300"]
    command = [sys.executable, "-m", "pytest", *options, __file__]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
