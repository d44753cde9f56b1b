"""When a summary needs no further answers: exact chances against all futures counted out."""

from itertools import product

import pytest
from django.utils import timezone

from study import exclusions, looks, places, sessions, tasks
from study.agreement import stopping
from study.agreement.stopping import Rule
from study.models import Answer, Stimulus, Study
from studyproject.celery import CLOCK, app
from tests.factories import give_answers, make_participant, make_study


def futures(counts: list[int], others: int, left: int):
    """Every way to go on, answer by answer, with its chance: name by name, then no name, then a new one."""
    start = [*counts, others, 0]
    for dealt in product(range(len(start)), repeat=left):
        now, chance = list(start), 1.0
        for one in dealt:
            weights = [*start[:-1], stopping.NEW]
            weights = [weight + now[j] - start[j] for j, weight in enumerate(weights)]
            chance *= weights[one] / sum(weights)
            now[one] += 1
        yield now, chance


CASES = [([3, 1], 0, 4), ([2, 2], 1, 4), ([4], 0, 5), ([1, 1, 1], 2, 4), ([5, 1, 1], 1, 1)]


@pytest.mark.parametrize(("counts", "others", "left"), CASES)
def test_the_chance_to_keep_the_lead_is_that_of_all_futures_counted_out(counts, others, left):
    kept = sum(chance for now, chance in futures(counts, others, left) if now[0] > max(now[1:]))
    assert stopping.keeping(counts, others, left) == pytest.approx(kept)


@pytest.mark.parametrize(("counts", "others", "left"), CASES)
@pytest.mark.parametrize("wanted", [3, 5, 6])
def test_the_chance_of_a_share_is_that_of_all_futures_counted_out(counts, others, left, wanted):
    def had(now: list[int]) -> bool:
        return max(now[: len(counts)] + now[-1:]) >= wanted

    reached = sum(chance for now, chance in futures(counts, others, left) if had(now))
    assert stopping.reaching(counts, others, left, wanted) == pytest.approx(reached)


def test_one_name_that_all_give_is_settled_and_the_answers_saved_are_told():
    verdict = stopping.judge({"beak": 10}, 0, 20, Rule())
    assert (verdict.decision, verdict.saved) == (stopping.STOP, 10)
    assert "After 10 of 20 answers the modal name keeps its lead" in verdict.reason


def test_names_that_all_differ_are_futile():
    verdict = stopping.judge({f"name {k}": 1 for k in range(12)}, 0, 20, Rule())
    assert (verdict.decision, verdict.saved) == (stopping.FUTILE, 8)
    assert "H 3.58 bits" in verdict.reason


def test_most_who_see_nothing_in_common_are_futile_too():
    assert stopping.judge({"beak": 1}, 14, 20, Rule()).decision == stopping.FUTILE


@pytest.mark.parametrize("names", [{"beak": 6, "wing": 5}, {"beak": 9}, {"beak": 6, "wing": 6}])
def test_an_open_question_goes_on(names):
    assert stopping.judge(names, 0, 20, Rule()).decision == stopping.GO_ON


def test_a_summary_that_has_its_answers_is_not_stopped():
    assert stopping.judge({"beak": 20}, 0, 20, Rule()).decision == stopping.GO_ON
    assert stopping.read({}) is None
    assert stopping.read({"stopping": {"lead": 0.95}}) == Rule(lead=0.95)


def settled(people: int = 10, **more: object) -> Study:
    """A study whose first summary everybody names alike, and whose second everybody names otherwise."""
    usual = {"target": 20, "looks": {"stopping": {"lead": 0.99, "share": 0.5, "least": 10}}}
    study = make_study(2, **usual | more)
    for number in range(people):
        participant = make_participant(study)
        while sessions.place_of(participant).trial:
            first = sessions.place_of(participant).trial.stimulus.position == 1
            give_answers(participant, "beak" if first else WORDS[number])
            participant.refresh_from_db()
    return study


WORDS = ["tail", "wing", "ear", "paw", "fin", "nose", "horn", "leg", "belly", "back", "fur", "eye"]


@pytest.mark.django_db
def test_declared_stops_are_made_once_with_their_reason_and_the_answers_saved():
    study = settled()
    assert set(CLOCK) <= set(app.tasks)
    tasks.review_stops()
    assert study.stimuli.exclude(stopped_at=None).count() == 2
    assert looks.review_stops(study) == 0
    named, open_question = study.stimuli.order_by("position")
    assert "keeps its lead" in named.stop_reason and named.answers_saved == 10
    assert "still differ" in open_question.stop_reason and open_question.stopped_at


@pytest.mark.django_db
def test_places_that_excluded_people_filled_are_not_among_the_answers_saved():
    study = settled(people=12)
    for person in study.participants.order_by("number")[:2]:
        exclusions.exclude(person, "?", None)
    looks.review_stops(study)
    named = study.stimuli.get(position=1)
    assert "After 10 of 18 answers" in named.stop_reason and named.answers_saved == 8


@pytest.mark.django_db
def test_what_was_taken_out_of_the_design_saves_nothing():
    study = settled()
    study.stimuli.filter(position=1).update(removed_at=timezone.now())
    assert looks.review_stops(study) == 1
    assert study.stimuli.get(position=1).stopped_at is None


@pytest.mark.django_db
def test_a_stopped_summary_is_drawn_for_nobody_and_answered_by_who_has_it():
    study = settled(people=9)
    has_it = make_participant(study)
    first, second = study.stimuli.order_by("position")
    Stimulus.objects.filter(pk=first.pk).update(stopped_at=timezone.now(), stop_reason="settled")
    newcomer = make_participant(study)
    assert [trial.stimulus for trial in newcomer.trials.all()] == [second]
    assert has_it.trials.count() == 2
    give_answers(has_it, "beak", "beak")
    assert not Answer.objects.filter(trial__participant=has_it, surplus=True).exists()


@pytest.mark.django_db
def test_a_study_all_of_whose_summaries_are_stopped_needs_nobody_else():
    study = settled()
    waiting = sessions.start(study, "0" * 64)
    looks.review_stops(study)
    study.refresh_from_db()
    newcomer = sessions.start(study, "1" * 64)
    assert not places.are_left(newcomer, timezone.now())
    assert len(places.draw(waiting, timezone.now()).stimuli) == 2


@pytest.mark.django_db
def test_nothing_is_stopped_that_was_not_declared():
    assert looks.review_stops(settled(looks={})) == 0
