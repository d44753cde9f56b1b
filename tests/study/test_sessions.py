"""Answers are stored once, whatever is sent how often and in which order; and the end asks for proof."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study import sessions
from study.models import Answer, Event, Outcome, Participant
from tests.factories import give_answers, make_design, make_participant, make_study

pytestmark = pytest.mark.django_db

CHECK = [{"text": "How many words?", "choices": ["one to three", "ten"], "right": 0}]


def keys_of(participant):
    return list(participant.trials.order_by("position").values_list("key", flat=True))


def name(participant, key, words, **more):
    return sessions.answer(participant, key, kind="name", words=words, **more)


def table(participant):
    """What counts at the end: the last revision of each answer."""
    rows = Answer.objects.current().filter(trial__participant=participant)
    return sorted(rows.values_list("trial__position", "kind", "words"))


def test_the_same_answer_sent_again_brings_the_same_receipt_and_stores_nothing():
    participant = make_participant(make_study(2))
    key = keys_of(participant)[0]
    first = name(participant, key, "wing", seconds=3.0)
    again = name(participant, str(key), "wing", seconds=99.0)
    assert first.made and not again.made and not again.conflict
    assert again.receipt == first.receipt and Answer.objects.get().seconds == 3.0


def test_another_answer_leaves_what_is_stored_where_answers_cannot_be_changed():
    participant = make_participant(make_study(2))
    key = keys_of(participant)[0]
    first, other = name(participant, key, "wing"), name(participant, key, "beak")
    assert other.conflict and not other.made and other.receipt == first.receipt
    assert table(participant) == [(1, "name", "wing")]


def test_another_answer_is_a_revision_where_the_study_allows_it_until_the_end():
    participant = make_participant(make_study(1, revisable=True))
    key = keys_of(participant)[0]
    receipts = [name(participant, key, words).receipt for words in ("wing", "beak", "wing")]
    assert len(set(receipts)) == 3 and Answer.objects.count() == 3
    assert table(participant) == [(1, "name", "wing")]
    assert not sessions.finish(participant, {str(key): receipts[-1]})
    assert name(participant, key, "tail").conflict and not name(participant, key, "wing").conflict


def test_a_copy_of_an_earlier_revision_that_comes_late_undoes_nothing():
    participant = make_participant(make_study(1, revisable=True))
    key, noon = keys_of(participant)[0], datetime(2026, 1, 5, 12, tzinfo=UTC)
    first = name(participant, key, "wing", answered_at=noon)
    name(participant, key, "beak", answered_at=noon + timedelta(seconds=5))
    assert name(participant, key, "wing", answered_at=noon).receipt == first.receipt
    assert name(participant, key, "tail", answered_at=noon - timedelta(seconds=1)).conflict
    assert table(participant) == [(1, "name", "beak")]


def test_trials_of_ones_own_are_answered_in_any_order_and_no_others():
    study = make_study(3)
    participant, other = make_participant(study), make_participant(study)
    for key in reversed(keys_of(participant)):
        assert name(participant, key, "wing").made
    for wrong in (keys_of(other)[0], uuid4(), "no key"):
        with pytest.raises(sessions.NoSuchTrial):
            name(participant, wrong, "wing")
    assert Answer.objects.count() == 3


def test_no_trial_is_answered_before_its_time():
    study = make_study(1, comprehension=CHECK)
    participant = sessions.start(study, "somebody")
    sessions.consent(participant)
    sessions.finish_instructions(participant)
    sessions.finish_practice(participant)
    with pytest.raises(sessions.NoSuchTrial):
        name(participant, keys_of(participant)[0], "wing")
    with pytest.raises(sessions.OutOfTurn):
        sessions.finish(participant)
    assert sessions.answer_check(participant, [0]) and name(participant, keys_of(participant)[0], "wing").made


def test_the_end_asks_for_the_receipt_of_every_trial_and_says_what_lacks():
    participant = make_participant(make_study(3))
    first, second, third = (str(key) for key in keys_of(participant))
    held = {key: name(participant, key, "wing").receipt for key in (first, second)}
    assert sessions.finish(participant, held).missing == [third]
    held[third] = name(participant, third, "wing").receipt
    wrong = sessions.finish(participant, held | {second: "0" * 64})
    assert (wrong.missing, wrong.wrong) == ([], [second])
    unknown = str(uuid4())
    assert sessions.finish(participant, held | {unknown: "x"}).wrong == [unknown]
    without_first = {key: value for key, value in held.items() if key != first}
    assert sessions.finish(participant, without_first).wrong == [first]
    participant.refresh_from_db()
    assert participant.completion_code == "" and sessions.place_of(participant).page == "feedback"
    assert not sessions.finish(participant, held)
    participant.refresh_from_db()
    code = participant.completion_code
    assert participant.outcome == Outcome.COMPLETED and code
    assert not sessions.finish(participant, {}), "who finished has finished"
    sessions.end(participant, Outcome.TECHNICAL)
    participant.refresh_from_db()
    assert (participant.outcome, participant.completion_code) == (Outcome.COMPLETED, code)


def test_the_pages_come_in_their_order():
    study = make_study(1, comprehension=CHECK, questions=[{"key": "sight", "text": "?", "choices": ["good"]}])
    participant, seen = sessions.start(study, "somebody"), []

    def go(act, *more):
        seen.append(sessions.place_of(participant).page)
        act(participant, *more)
        participant.refresh_from_db()

    go(sessions.consent)
    go(sessions.answer_questions, {"sight": "good"})
    go(sessions.finish_instructions)
    go(sessions.finish_practice)
    go(sessions.answer_check, [0])
    go(lambda who: name(who, keys_of(who)[0], "wing"))
    go(sessions.finish)
    seen.append(sessions.place_of(participant).page)
    assert " ".join(seen) == "consent questions instructions practice check trial feedback thanks"
    assert participant.profile == {"sight": "good"}


def test_who_fails_the_check_twice_is_led_out_kindly_and_a_double_click_is_one_attempt():
    participant = sessions.start(make_study(1, comprehension=CHECK), "somebody")
    sessions.consent(participant)
    sessions.finish_instructions(participant)
    sessions.finish_practice(participant)
    assert not sessions.answer_check(participant, [1], attempt=1)
    assert not sessions.answer_check(participant, [1], attempt=1)
    participant.refresh_from_db()
    assert (participant.comprehension_attempts, participant.outcome) == (1, "")
    assert not sessions.answer_check(participant, [1], attempt=2)
    participant.refresh_from_db()
    assert participant.outcome == Outcome.SCREENED_OUT and participant.completion_code
    assert not sessions.answer_check(participant, [0], attempt=3)
    assert [event.detail["right"] for event in Event.objects.filter(kind="check")] == [False, False]


def test_who_declines_has_given_nothing_and_who_agreed_cannot_decline():
    study = make_study(1)
    no, yes = sessions.start(study, "no"), make_participant(study)
    sessions.decline(no)
    sessions.decline(yes)
    sessions.consent(no)
    no.refresh_from_db(), yes.refresh_from_db()
    assert (no.outcome, yes.outcome) == (Outcome.NO_CONSENT, "")
    assert not no.consented_at and not no.trials.exists()


def test_participants_keep_the_texts_of_their_version():
    study = make_study(1, revisable=False)
    participant = make_participant(study)
    study.revisable, study.consent = True, "Another text."
    study.save()
    key = keys_of(participant)[0]
    name(participant, key, "wing")
    assert name(participant, key, "beak").conflict


def test_a_preview_walks_through_the_condition_it_is_given():
    study = make_design(conditions=2, summaries=1)
    for condition in study.conditions.all():
        preview = make_participant(study, preview=True, condition=condition)
        assert preview.trials.get().stimulus.condition == preview.condition == condition


def test_what_the_browser_measured_is_cut_to_sense_and_never_refused():
    participant = make_participant(make_study(2))
    first, second = keys_of(participant)
    told = {"focus_losses": 2, "away_seconds": "1e9", "pastes": -1, "offline": True, "sequence": 7, "x": "y"}
    name(participant, first, "wing", seconds=float("nan"), evidence=told)
    name(participant, second, "wing", seconds=-4, evidence=["nonsense"])
    one, other = Answer.objects.order_by("trial__position")
    assert one.evidence == {"focus_losses": 2, "away_seconds": 86400.0, "offline": True, "sequence": 7}
    assert (one.seconds, other.seconds, other.evidence) == (None, None, {})


def test_a_Latin_square_shows_each_stimulus_first_once():
    study = make_design(conditions=1, summaries=4, order="latin")
    first = [make_participant(study).trials.get(position=1).stimulus_id for _ in range(4)]
    assert len(set(first)) == 4


NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
quickly = settings(max_examples=25, deadline=None)


@pytest.mark.parametrize("revisable", [False, True])
def test_repeats_drops_and_any_order_of_what_is_sent_end_in_the_same_table(revisable):
    """Each answer is sent until a receipt comes back, whatever the network does to requests and responses."""
    study = make_study(4, revisable=revisable, target=1000)
    fates = st.sampled_from(["arrives", "arrives", "request lost", "response lost", "twice"])

    @quickly
    @given(data=st.data())
    def send(data):
        participant, held = make_participant(study), {}
        waiting = [
            (key, {"words": f"wing {number}", "answered_at": NOON + timedelta(seconds=number)})
            for number, key in enumerate(keys_of(participant), start=1)
        ]
        while waiting:
            key, body = data.draw(st.sampled_from(waiting))
            fate = data.draw(fates)
            if fate == "request lost":
                continue
            stored = [name(participant, key, **body) for _ in range(2 if fate == "twice" else 1)]
            assert len({each.receipt for each in stored}) == 1 and not stored[0].conflict
            if fate != "response lost":
                held[str(key)] = stored[0].receipt
                waiting.remove((key, body))
        assert table(participant) == [(number, "name", f"wing {number}") for number in range(1, 5)]
        assert Answer.objects.filter(trial__participant=participant).count() == 4
        assert not sessions.finish(participant, held)

    send()


def test_of_revisions_that_overtake_each_other_the_last_one_given_stands():
    study = make_study(1, revisable=True, target=1000)

    @quickly
    @given(sent=st.permutations([0, 1, 2, 2, 1, 0, 2]))
    def send(sent):
        participant = make_participant(study)
        for number in sent:
            moment = NOON + timedelta(seconds=number)
            name(participant, keys_of(participant)[0], f"wing {number}", answered_at=moment)
        assert table(participant) == [(1, "name", "wing 2")]

    send()


def test_pressing_start_and_agreeing_take_few_queries(django_assert_max_num_queries):
    study = make_design(conditions=2, summaries=5)
    for _ in range(4):
        give_answers(make_participant(study), *["wing"] * 5)
    with django_assert_max_num_queries(12):
        participant = sessions.start(study, "somebody")
    with django_assert_max_num_queries(10):
        sessions.consent(participant)


def test_an_answer_takes_few_queries_and_never_waits_for_the_study(django_assert_max_num_queries):
    participant = make_participant(make_study(3))
    key = keys_of(participant)[0]
    participant = Participant.objects.select_related("study", "version").get(pk=participant.pk)
    with django_assert_max_num_queries(8) as asked:
        name(participant, key, "wing")
    assert not [each for each in asked.captured_queries if 'FROM "study_study" ' in each["sql"]]
    with django_assert_max_num_queries(5):
        name(participant, key, "wing")
