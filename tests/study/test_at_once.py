"""The same thing sent many times at once happens once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from study import sessions
from study.models import Answer, Participant
from tests.factories import make_participant, make_study

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
