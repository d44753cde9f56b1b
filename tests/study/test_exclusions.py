"""The declared rules as pure functions, and what the server makes of them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from annotations import Refusal
from study import exclusions, publishing, rights
from study.exclusions import Given, met
from study.models import Answer, Event, Exclusion, Participant, Stimulus
from tests.factories import give_answers, make_participant, make_study


def given(stimulus=1, kind="summary", answer="name", name="wing", seconds=5.0, accepted=(), source=None):
    return Given(stimulus, kind, tuple(accepted), source, answer, name if answer == "name" else "", seconds)


GOLD = {"kind": "gold", "accepted": ["wing", "fin"]}


@pytest.mark.parametrize(
    ("declared", "answers", "rules"),
    [
        ({"least_seconds": 1}, [given(seconds=0.4), given(seconds=0.6), given(seconds=9)], {"least_seconds"}),
        ({"least_seconds": 1}, [given(seconds=0.4), given(seconds=1), given(seconds=9)], set()),
        ({"least_seconds": 1}, [given(seconds=0.4), given(seconds=9)], {"least_seconds"}),
        ({"least_seconds": 1}, [given(seconds=None)], set()),
        ({"least_seconds": 1}, [], set()),
        ({"gold_missed": 1}, [given(name="wing", **GOLD), given(name="fin", **GOLD)], set()),
        ({"gold_missed": 1}, [given(name="tail", **GOLD)], {"gold_missed"}),
        ({"gold_missed": 1}, [given(answer="cannot_tell", **GOLD)], {"gold_missed"}),
        ({"gold_missed": 1}, [given(answer="skipped", **GOLD)], set()),
        ({"gold_missed": 2}, [given(name="tail", **GOLD)], set()),
        ({"decoys_named": 1}, [given(kind="decoy")], {"decoys_named"}),
        ({"decoys_named": 1}, [given(kind="decoy", answer="nothing_in_common")], set()),
        ({"decoys_named": 1}, [given(kind="decoy", answer="cannot_tell")], set()),
        ({"repeats_differ": 1}, [given(1), given(2, "repeat", source=1, name="fin")], {"repeats_differ"}),
        ({"repeats_differ": 1}, [given(1), given(2, "repeat", source=1)], set()),
        ({"repeats_differ": 1}, [given(2, "repeat", source=1)], set()),
        ({}, [given(seconds=0.01, **GOLD | {"accepted": []})], set()),
        (
            {"least_seconds": 1, "decoys_named": 1},
            [given(kind="decoy", seconds=0.1)],
            {"least_seconds", "decoys_named"},
        ),
    ],
)
def test_each_rule_is_met_exactly_at_its_limit(declared, answers, rules):
    reasons = met(declared, answers)
    assert set(reasons) == rules and all(reason.endswith(".") for reason in reasons.values())


@pytest.fixture
def study(db):
    """Two summaries, the second of which is a decoy."""
    study = make_study(2, opened=False)
    Stimulus.objects.filter(position=2).update(kind=Stimulus.Kind.DECOY)
    study.exclusion = {"decoys_named": 1, "least_seconds": 1.0}
    study.save()
    publishing.open_study(study)
    return study


def answer_next(participant, decoy):
    """What they call the decoy; the summary is a wing."""
    trial = participant.trials.filter(answers=None).order_by("position").first()
    give_answers(participant, decoy if trial.stimulus.kind == Stimulus.Kind.DECOY else "wing")


def answer_all(study, decoy, seconds=5.0):
    participant = make_participant(study)
    for _ in range(2):
        answer_next(participant, decoy)
    Answer.objects.filter(trial__participant=participant).update(seconds=seconds)
    return participant


def rules_of(participant):
    return set(participant.exclusions.filter(lifted_at=None).values_list("rule", flat=True))


def test_only_who_has_ended_is_judged_and_by_all_rules_at_once(study):
    good = answer_all(study, "nothing_in_common")
    bad = answer_all(study, "tail", seconds=0.2)
    still = make_participant(study)
    answer_next(still, "tail")
    assert exclusions.judge(study) == 2
    assert rules_of(bad) == {"decoys_named", "least_seconds"} and not rules_of(good) | rules_of(still)
    (reason,) = bad.exclusions.filter(rule="decoys_named").values_list("reason", flat=True)
    assert reason == "1 of 1 items with nothing in common were given a name; the rule's limit is 1."
    assert [event.kind for event in good.events.all()] == [exclusions.JUDGED]


def test_who_finishes_is_judged_as_soon_as_that_is_stored(study, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        bad = answer_all(study, "tail")
    assert rules_of(bad) == {"decoys_named"} and exclusions.judge(study) == 0


def test_to_judge_again_changes_nothing_and_what_was_lifted_stays_lifted(study):
    bad = answer_all(study, "tail")
    assert exclusions.judge(study) == 1 and exclusions.judge(study) == 0
    by = User.objects.create_user("researcher")
    exclusions.lift(bad.exclusions.get(), "the decoy shows a tail indeed", by)
    bad.events.filter(kind=exclusions.JUDGED).delete()
    assert exclusions.judge(study) == 0 and not rules_of(bad)
    assert bad.events.filter(kind=exclusions.LIFTED).get().detail == {
        "rule": "decoys_named",
        "reason": "the decoy shows a tail indeed",
        "by": "researcher",
    }
    with pytest.raises(Refusal, match="lifted already"):
        exclusions.lift(Exclusion.objects.get(), "twice", by)


def test_who_was_silent_for_a_day_is_judged_and_once_more_after_coming_back(study):
    left = make_participant(study)
    answer_next(left, "nothing_in_common")
    Answer.objects.update(seconds=0.2)
    Participant.objects.update(last_seen=timezone.now() - timedelta(days=2))
    assert exclusions.judge_all() == 1 and rules_of(left) == {"least_seconds"}
    assert exclusions.judge_all() == 0
    answer_next(left, "nothing_in_common")
    assert left.outcome and exclusions.judge_all() == 0
    assert left.events.filter(kind=exclusions.JUDGED).count() == 2


def test_who_withdraws_while_the_rules_are_looked_at_is_passed_over(study, settings, tmp_path):
    settings.HOME = tmp_path
    gone = answer_all(study, "tail")
    rights.withdraw(Participant.objects.get(pk=gone.pk))
    assert exclusions.judge_one(gone) == 0
    assert not Event.objects.exists() and not Exclusion.objects.exists()


def test_previews_are_never_judged(study):
    preview = make_participant(study, preview=True)
    give_answers(preview, "tail", "tail")
    assert exclusions.judge(study) == 0


def test_a_version_made_without_rules_excludes_nobody(db):
    study = make_study(1)
    participant = make_participant(study)
    give_answers(participant, "wing")
    assert exclusions.judge(study) == 0 and not participant.events.exists()


def test_the_rules_are_those_of_the_participants_own_version(study):
    answer_all(study, "tail")
    study.exclusion = {}
    study.save()
    assert exclusions.judge(study) == 1


def test_answers_of_the_excluded_are_all_kept(study):
    answer_all(study, "tail")
    exclusions.judge(study)
    assert Answer.objects.count() == 2
