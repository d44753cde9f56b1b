"""Conditions, planted checks, and taking the last change back."""

import pytest
from django.db import connection
from django.urls import reverse

from annotations import Refusal, files, pictures
from study import changes, publishing, readiness, stimuli
from study.models import Condition, Stimulus, Version
from tests.factories import CLASS_NAME, NETWORK_NAME, make_participant, make_study
from tests.found_runs import make_found_run

pytestmark = pytest.mark.django_db
Kind = Stimulus.Kind


def make_draft(summaries=3):
    return publishing.create_study(
        make_found_run(summaries=summaries, side=32, images=3), "Parts", language="en"
    )


def shown(study):
    """What stands on the desk, but for the rows' own numbers."""
    return [
        (each.exhibit, each.kind, each.accepted, each.position, str(each.condition), str(each.source))
        for each in study.stimuli.select_related("condition", "source")
    ]


def test_the_first_condition_bears_the_networks_name_and_shows_everything_with_its_size():
    study = make_draft()
    condition = study.conditions.get()
    assert condition.name == NETWORK_NAME and condition.stimuli.count() == 3
    assert {tuple(each.sizes[0]) for each in study.stimuli.all()} == {(664, 664)}


def test_decoys_gold_and_repeats_are_one_call_each_and_more_of_them_are_others():
    study = make_draft()
    condition = study.conditions.get()
    stimuli.add_decoys(condition, 2)
    stimuli.add_decoys(condition, 1, everybody=True)
    (repeat,) = stimuli.add_repeats(condition, 1)
    (other,) = stimuli.add_repeats(condition, 1)
    decoys = study.stimuli.filter(kind=Kind.DECOY)
    assert decoys.count() == 3 == len({each.pictures[0] for each in decoys})
    assert [each.condition for each in decoys] == [condition, condition, None]
    assert repeat.source != other.source and repeat.pictures != repeat.source.pictures
    assert files.get(repeat.pictures[0]) != files.get(repeat.source.pictures[0])


def test_gold_takes_names_parted_by_bars_and_gives_them_back():
    study = make_draft()
    first = study.stimuli.first()
    stimuli.mark_gold(first, " beak | the  bill||beak", everybody=True)
    first.refresh_from_db()
    assert (first.kind, first.accepted, first.condition) == (Kind.GOLD, ["beak", "the bill"], None)
    stimuli.mark_gold(first, "")
    first.refresh_from_db()
    assert (first.kind, first.accepted, first.condition) == (Kind.SUMMARY, [], study.conditions.get())


def test_gold_can_be_marked_and_unmarked_in_a_study_older_than_conditions():
    study = make_draft(summaries=1)
    study.stimuli.update(condition=None)
    study.conditions.all().delete()
    stimuli.mark_gold(study.stimuli.get(), "wing")
    stimuli.mark_gold(study.stimuli.get(), "")
    assert (study.stimuli.get().kind, study.stimuli.get().condition) == (Kind.SUMMARY, None)


def test_gold_is_made_of_summaries_alone():
    study = make_draft()
    (decoy,) = stimuli.add_decoys(study.conditions.get(), 1)
    with pytest.raises(Refusal, match="Gold is made of a summary"):
        stimuli.mark_gold(decoy, "beak")


def test_a_second_network_and_a_baseline_are_further_conditions():
    study = make_draft()
    second = stimuli.add_condition(study, make_found_run(summaries=2, side=32, images=3))
    run = stimuli.run_of(second)
    baseline = stimuli.add_baseline(study, run, 2)
    assert [each.name for each in study.conditions.all()] == [
        NETWORK_NAME,
        f"{NETWORK_NAME}, run {run.pk}",
        "random regions",
    ]
    assert {each.kind for each in baseline.stimuli.all()} == {Kind.SUMMARY}
    with pytest.raises(Refusal, match="shows run .* already"):
        stimuli.add_condition(study, run)
    with pytest.raises(Refusal, match="no run any more"):
        stimuli.add_decoys(baseline, 1)
    assert [need.summaries for need in readiness.needs(study)] == [3, 2, 2]


def test_removing_takes_repeats_and_walks_of_previews_along():
    study = make_draft()
    stimuli.add_repeats(study.conditions.get(), 3)
    make_participant(study, preview=True)
    stimuli.remove(study, study.stimuli.filter(pk=study.stimuli.first().pk))
    assert study.stimuli.count() == 4 and not study.participants.exists() and not Version.objects.exists()


def test_a_condition_goes_with_all_it_shows_but_not_the_last_one():
    study = make_draft()
    second = stimuli.add_condition(study, make_found_run(summaries=1, side=32, images=3))
    stimuli.remove_condition(second)
    assert study.stimuli.count() == 3
    with pytest.raises(Refusal, match="needs a condition"):
        stimuli.remove_condition(study.conditions.get())


def test_what_a_published_version_shows_stays_in_it_and_more_can_be_added():
    study = make_draft()
    publishing.open_study(study)
    with pytest.raises(Refusal, match="People take part in version 1"):
        stimuli.mark_gold(study.stimuli.first(), "beak")
    (decoy,) = stimuli.add_decoys(study.conditions.get(), 1)
    stimuli.remove(study, study.stimuli.filter(pk=decoy.pk))
    assert not publishing.has_changes(study)


def test_later_versions_leave_out_what_was_removed_and_earlier_ones_keep_it():
    study = make_draft()
    (repeat,) = stimuli.add_repeats(study.conditions.get(), 1)
    publishing.open_study(study)
    early = make_participant(study)
    stimuli.remove(study, study.stimuli.filter(pk=repeat.source.pk))
    assert publishing.changes(study) == ["stimuli (4 before, 2 now)"]
    publishing.publish_changes(study)
    late = make_participant(study)
    assert early.trials.count() == 4 and early.version.stimuli.count() == 4
    assert late.trials.count() == 2 and not late.trials.filter(stimulus__removed_at__isnull=False).exists()
    assert readiness.needs(study)[0].pages == 2
    with pytest.raises(Refusal, match="what it repeats first"):
        stimuli.put_back(study.stimuli.get(pk=repeat.pk))
    for pk in (repeat.source.pk, repeat.pk):
        stimuli.put_back(study.stimuli.get(pk=pk))
    publishing.publish_changes(study)
    assert make_participant(study).version.number == 1, "the design is what it was"
    with pytest.raises(Refusal, match="shown already"):
        stimuli.put_back(study.stimuli.get(pk=repeat.pk))


def test_a_removal_from_what_was_published_can_be_taken_back_even_after_the_next_version():
    study = make_draft()
    publishing.open_study(study)
    change = changes.made_by(study, lambda: stimuli.remove(study, study.stimuli.all()[:1]))
    publishing.publish_changes(study)
    changes.take_back(study, change)
    assert stimuli.shown(study).count() == 3


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_while_pictures_are_made(monkeypatch, admin_client):
    """Answers would: on SQLite any open transaction keeps all others from writing."""
    run, second = make_found_run(summaries=3, side=32, images=3), make_found_run(summaries=1, side=32)
    made, png = [], pictures.png

    def watched(pixels):
        made.append(connection.in_atomic_block)
        return png(pixels)

    monkeypatch.setattr(pictures, "png", watched)
    sent = {"run": run.pk, "title": "Parts", "language": "en"}
    admin_client.post(reverse("admin:study_study_add"), sent)
    (condition,) = Condition.objects.all()
    for name, more in (
        ("add_decoys", {"condition": condition.pk, "number": 1}),
        ("add_repeats", {"condition": condition.pk, "number": 1}),
        ("add_baseline", {"condition": condition.pk, "number": 1}),
        ("add_condition", {"run": second.pk}),
    ):
        admin_client.post(reverse(f"admin:study_{name}", args=[condition.study.pk]), more)
    assert condition.study.stimuli.count() == 3 + 1 + 1 + 1 + 1
    assert len(made) == 3 + 2 + 2 + 2 + 1 and not any(made)


def test_the_same_button_pressed_twice_at_once_counts_once(monkeypatch):
    condition = make_draft().conditions.get()
    frozen = stimuli.frozen

    def overtaken(shown):
        ready = frozen(shown)
        monkeypatch.setattr(stimuli, "frozen", frozen)
        stimuli.add_decoys(condition, 2)
        return ready

    monkeypatch.setattr(stimuli, "frozen", overtaken)
    with pytest.raises(Refusal, match="was changed meanwhile"):
        stimuli.add_decoys(condition, 2)
    assert condition.stimuli.filter(kind=Kind.DECOY).count() == 2


def not_repeated(study):
    return study.stimuli.filter(kind=Kind.SUMMARY, repeats=None).first()


ACTS = {
    "decoys": lambda study: stimuli.add_decoys(study.conditions.get(), 2),
    "repeats": lambda study: stimuli.add_repeats(study.conditions.get(), 1),
    "condition": lambda study: stimuli.add_condition(study, make_found_run(summaries=1, side=32, images=3)),
    "baseline": lambda study: stimuli.add_baseline(study, stimuli.run_of(study.conditions.get()), 2),
    "gold": lambda study: stimuli.mark_gold(not_repeated(study), "beak|bill", everybody=True),
    "removal": lambda study: stimuli.remove(study, study.stimuli.all()[:2]),
    "nothing": lambda study: None,
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_the_last_change_can_be_taken_back_as_if_it_had_not_been(act):
    study = make_draft()
    stimuli.add_repeats(study.conditions.get(), 1)
    make_participant(study, preview=True)
    before, conditions = shown(study), list(Condition.objects.all())
    change = changes.made_by(study, lambda: act(study))
    assert bool(change) == (shown(study) != before)
    if change:
        changes.take_back(study, change)
    assert shown(study) == before and list(Condition.objects.all()) == conditions


def test_a_change_that_was_published_is_not_taken_back():
    study = make_draft()
    change = changes.made_by(study, lambda: stimuli.mark_gold(study.stimuli.first(), "beak"))
    publishing.open_study(study)
    with pytest.raises(Refusal, match="published meanwhile"):
        changes.take_back(study, change)
    assert study.stimuli.first().accepted == ["beak"]


def test_so_many_people_are_needed():
    study = make_draft()
    stimuli.mark_gold(study.stimuli.first(), "beak")
    stimuli.add_decoys(study.conditions.get(), 2, everybody=True)
    study.target, study.per_participant = 5, None
    (need,) = readiness.needs(study)
    assert (need.summaries, need.pages, need.people) == (2, 5, 5)
    study.per_participant = 1
    (need,) = readiness.needs(study)
    assert (need.pages, need.people) == (4, 10)


def test_warnings_name_what_is_missing_and_go_once_it_is_there():
    study = make_study(2, opened=False)
    study.instructions = f"Look at the {CLASS_NAME}s that Grumblenet v9 saw."
    study.exclusion, study.per_participant = {"gold_missed": 2}, 9
    told = " ".join(readiness.warnings(study))
    for part in (CLASS_NAME, NETWORK_NAME, "no contact", "analysis plan", "careless", "fewer than the 9"):
        assert part in told
    assert "begins at 2, and there are 0" in told
    study.language = "zh-hans"
    assert "the consent text is not" in " ".join(readiness.warnings(study))
    study.language = "en"
    study.instructions, study.contact, study.plan = "Look.", "a@b.org", "Count."
    study.exclusion, study.per_participant = {}, None
    stimuli.mark_gold(study.stimuli.first(), "beak")
    assert readiness.warnings(study) == []
