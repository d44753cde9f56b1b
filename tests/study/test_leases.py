"""Who is given what while others come, leave and come back: no stimulus gets more answers than declared."""

import heapq
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from study import sessions
from study.models import Answer, Outcome, Participant, Stimulus
from tests.factories import give_answers, make_design, make_participant, make_study

pytestmark = pytest.mark.django_db


class Clock:
    def __init__(self):
        self.now = datetime(2026, 1, 5, 9, tzinfo=UTC)

    def __call__(self):
        return self.now

    def go_on(self, **time):
        self.now += timedelta(**time)


@pytest.fixture
def clock(monkeypatch):
    frozen = Clock()
    monkeypatch.setattr(timezone, "now", frozen)
    return frozen


def answer_next(participant, words="wing"):
    trial = sessions.place_of(participant).trial
    return sessions.answer(participant, trial.key, kind="name", words=words)


def counted(study):
    """Answers that are not surplus, by stimulus."""
    rows = Answer.objects.current().filter(trial__participant__study=study, surplus=False)
    return Counter(rows.exclude(kind="skipped").values_list("trial__stimulus", flat=True))


def completed(study):
    people = study.participants.filter(outcome=Outcome.COMPLETED)
    return Counter(people.values_list("condition__position", flat=True))


class Crowd:
    """People who come once a minute, answer one trial in forty seconds, and in part leave in the middle."""

    def __init__(self, study, clock, *, people, dropout, seed):
        self.study, self.clock, self.chance = study, clock, random.Random(seed)
        self.dropout, self.begun = dropout, clock.now
        self.agenda = [(60.0 * number, number, "arrive") for number in range(people)]
        self.met = {}

    def walk(self):
        while self.agenda:
            at, number, act = heapq.heappop(self.agenda)
            self.clock.now = self.begun + timedelta(seconds=at)
            if wait := getattr(self, act)(number):
                heapq.heappush(self.agenda, (at + wait[0], number, wait[1]))

    def arrive(self, number):
        person = self.met[number] = sessions.start(self.study, f"person {number}")
        return None if person.outcome else (self.chance.uniform(5, 90), "agree")

    def agree(self, number):
        person = self.met[number]
        sessions.consent(person)
        sessions.finish_instructions(person)
        sessions.finish_practice(person)
        person.refresh_from_db()
        person.leaves = self.chance.random() < self.dropout and self.chance.randrange(person.trials.count())
        return self.chance.uniform(20, 60), "answer"

    def answer(self, number):
        person = self.met[number]
        if (
            person.leaves is not False
            and person.trials.filter(answers__isnull=False).count() == person.leaves
        ):
            person.leaves = False
            return (self.chance.uniform(0.6, 1) * 3600, "answer") if self.chance.random() < 0.2 else None
        person.refresh_from_db(fields=["lease_until"])
        if sessions.place_of(person).trial is None:
            assert not sessions.finish(person)
            return None
        answer_next(person)
        return self.chance.uniform(20, 60), "answer"


def test_with_three_in_ten_leaving_no_stimulus_exceeds_its_target_and_conditions_end_equal(clock):
    study = make_design(summaries=6, target=15, per_participant=3, lease_minutes=30)
    Crowd(study, clock, people=200, dropout=0.3, seed=1).walk()
    answers, ends = counted(study), completed(study)
    assert set(answers.values()) == {15} and len(answers) == 12
    assert abs(ends[1] - ends[2]) <= 1
    assert study.participants.filter(outcome=Outcome.QUOTA_FULL).count() > 50
    surplus = Answer.objects.filter(surplus=True).count()
    assert surplus < 0.2 * Answer.objects.count(), "few are paid beyond the target"


def test_a_place_is_given_to_somebody_else_when_the_lease_has_run_out_and_not_before(clock):
    study = make_study(1, target=1, lease_minutes=30)
    make_participant(study)
    clock.go_on(minutes=29)
    assert sessions.start(study, "early").outcome == Outcome.QUOTA_FULL
    clock.go_on(minutes=2)
    assert sessions.start(study, "late").outcome == ""


def test_each_sign_of_life_puts_the_lease_off(clock):
    study = make_study(2, target=1, lease_minutes=30)
    participant = make_participant(study)
    for act in (sessions.touch, answer_next, sessions.touch):
        clock.go_on(minutes=25)
        participant.refresh_from_db()
        act(participant)
        participant.refresh_from_db()
        assert (
            participant.lease_until == clock.now + timedelta(minutes=30)
            and participant.last_seen == clock.now
        )
    assert sessions.start(study, "other").outcome == Outcome.QUOTA_FULL


def test_who_comes_back_late_is_counted_if_nobody_took_the_place(clock):
    study = make_study(1, target=1)
    participant = make_participant(study)
    clock.go_on(hours=5)
    stored = answer_next(participant)
    assert stored.made and not stored.surplus
    participant.refresh_from_db()
    assert participant.lease_until > clock.now


def test_who_comes_back_late_may_finish_and_is_surplus_where_others_have_filled_the_stimulus(clock):
    study = make_study(1, target=1)
    late = make_participant(study)
    clock.go_on(hours=5)
    give_answers(make_participant(study), "wing")
    late.refresh_from_db()
    stored = answer_next(late)
    assert stored.made and stored.surplus and not sessions.finish(late)
    late.refresh_from_db()
    assert late.outcome == Outcome.COMPLETED and late.completion_code
    assert counted(study) == {study.stimuli.get().pk: 1}


def test_a_late_answer_is_surplus_too_while_somebody_else_is_about_to_give_the_last_one(clock):
    study = make_study(1, target=1)
    late = make_participant(study)
    clock.go_on(hours=5)
    other = make_participant(study)
    late.refresh_from_db()
    assert answer_next(late).surplus and not answer_next(other).surplus


def test_who_pressed_start_before_the_places_ran_out_is_never_refused(clock):
    study = make_study(1, target=1)
    first, second = sessions.start(study, "first"), sessions.start(study, "second")
    for participant in (first, second):
        sessions.consent(participant)
        sessions.finish_instructions(participant)
        sessions.finish_practice(participant)
    first.refresh_from_db(), second.refresh_from_db()
    assert [answer_next(first).surplus, answer_next(second).surplus] == [False, True]
    assert not sessions.finish(second)


def test_what_was_skipped_leaves_the_place_to_others(clock):
    study = make_study(1, target=1)
    give_answers(make_participant(study), "skipped")
    assert sessions.start(study, "other").outcome == ""


def test_who_left_half_way_has_given_the_answers_they_gave(clock):
    study = make_design(conditions=1, summaries=2, target=1, per_participant=1)
    left = make_participant(study)
    answer_next(left)
    clock.go_on(hours=1)
    other = make_participant(study)
    assert other.trials.get().stimulus != left.trials.get().stimulus
    assert sessions.start(study, "third").outcome == Outcome.QUOTA_FULL


def test_previews_and_bots_take_nobodys_place(clock):
    study = make_study(1, target=1)
    give_answers(make_participant(study, preview=True), "wing")
    give_answers(make_participant(study, preview=True), "wing")
    give_answers(make_participant(study, simulated=True), "wing")
    assert sessions.start(study, "bot", simulated=True).outcome == Outcome.QUOTA_FULL
    person = make_participant(study)
    assert person.outcome == "" and not answer_next(person).surplus
    assert not Answer.objects.filter(surplus=True).exists()


def test_every_end_has_its_own_code_and_a_full_study_tells_none_of_the_others(clock):
    study = make_study(1, target=1)
    done = make_participant(study)
    give_answers(done, "wing")
    full = sessions.start(study, "full")
    no = Participant.objects.get(pk=sessions.start(make_study(1), "no").pk)
    sessions.decline(no)
    no.refresh_from_db()
    assert (full.outcome, no.outcome) == (Outcome.QUOTA_FULL, Outcome.NO_CONSENT)
    assert len({done.completion_code, full.completion_code, no.completion_code}) == 3


def test_decoys_gold_and_repeats_come_on_top_of_the_summaries_and_have_no_target(clock):
    study = make_design(conditions=1, summaries=4, target=1, per_participant=2)
    shown = list(study.stimuli.order_by("position"))
    kinds = Stimulus.Kind
    Stimulus.objects.filter(pk=shown[3].pk).update(kind=kinds.REPEAT, source=shown[0])
    Stimulus.objects.filter(pk=shown[2].pk).update(kind=kinds.GOLD, accepted=["wing"])
    study.versions.get().stimuli.set(shown)
    people = [sessions.start(study, f"person {number}") for number in range(3)]
    for participant in people:
        sessions.consent(participant)
        sessions.finish_instructions(participant)
        sessions.finish_practice(participant)
        participant.refresh_from_db()
        given = [
            trial.stimulus for trial in participant.trials.select_related("stimulus").order_by("position")
        ]
        assert [each.pk for each in given].count(shown[2].pk) == 1 and len(given) == 4
        assert abs(given.index(shown[3]) - given.index(shown[0])) > 1
        surplus = [answer_next(participant).surplus for _ in given]
        assert surplus.count(True) == (0 if participant.number == 1 else 2)
