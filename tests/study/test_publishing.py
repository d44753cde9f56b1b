import pytest

from annotations import Refusal, files
from study import publishing, stimuli, texts, versions
from study.models import Study
from summaries.models import Run
from tests.factories import make_participant, make_run, make_study

pytestmark = pytest.mark.django_db


def test_a_study_freezes_every_exhibit_of_a_run_in_its_order():
    study = make_study(3, opened=False)
    assert study.state == Study.State.DRAFT
    assert [s.exhibit.rsplit("/", 1)[1] for s in study.stimuli.all()] == ["1", "2", "3"]


def test_stimuli_outlive_the_run_and_its_pictures():
    run = make_run(1)
    study = publishing.create_study(run, "Parts")
    original = run.classes.get().summaries.get().picture
    run.delete()
    (key,) = study.stimuli.get().pictures
    assert key != original and files.get(key).startswith(b"\x89PNG")


@pytest.mark.parametrize("state", [Run.State.RUNNING, Run.State.FAILED, Run.State.CANCELLED])
def test_a_run_that_has_not_finished_makes_no_study(state):
    with pytest.raises(Refusal, match="once it has finished"):
        publishing.create_study(make_run(state=state), "Parts")
    assert not Study.objects.exists()


def test_a_run_without_summaries_makes_no_study():
    with pytest.raises(Refusal, match="nothing to show"):
        publishing.create_study(make_run(summaries=0), "Parts")


def test_every_move_leads_to_its_state_and_is_refused_from_where_it_makes_no_sense():
    study = make_study(1, opened=False)
    with pytest.raises(Refusal, match="Only a published or paused study can be closed"):
        publishing.close_study(study)
    with pytest.raises(Refusal, match="Only a published study can be paused"):
        publishing.pause_study(study)
    publishing.open_study(study)
    first = study.opened_at
    with pytest.raises(Refusal, match="open already"):
        publishing.open_study(study)
    publishing.pause_study(study)
    assert study.state == Study.State.PAUSED
    publishing.close_study(study)
    publishing.open_study(study)
    assert study.state == Study.State.OPEN and study.opened_at == first


def test_opening_publishes_version_1_and_opening_again_publishes_nothing():
    study = make_study(1)
    publishing.pause_study(study)
    study.consent = "other words"
    study.save()
    publishing.open_study(study)
    assert study.versions.get().number == 1 and study.versions.get().setting("consent") != "other words"


def test_changes_wait_until_they_are_published_and_whoever_came_keeps_their_version():
    study = make_study(2)
    early = make_participant(study)
    with pytest.raises(Refusal, match="Nothing has changed"):
        publishing.publish_changes(study)
    study.instructions, study.target = "other words", 3
    study.save()
    stimuli.add_condition(study, make_run(1))
    assert publishing.changes(study) == [
        "instructions",
        "answers per stimulus",
        "conditions",
        "stimuli (2 before, 3 now)",
    ]
    assert publishing.publish_changes(study).number == 2 and not publishing.has_changes(study)
    late = make_participant(study)
    early.refresh_from_db()
    assert (early.version.number, late.version.number) == (1, 2)
    assert early.version.setting("instructions") != "other words" == late.version.setting("instructions")


def test_a_design_that_comes_again_is_its_version_again_and_no_number_changes():
    study = make_study(1, plan="one")
    for plan in ("two", "one"):
        study.plan = plan
        study.save()
        publishing.publish_changes(study)
    assert versions.latest(study).number == 1 and not publishing.has_changes(study)
    assert {each.number: each.setting("plan") for each in study.versions.all()} == {1: "one", 2: "two"}
    study.plan = "three"
    study.save()
    assert publishing.publish_changes(study).number == 3


def test_a_draft_has_nothing_to_publish_as_a_change():
    study = make_study(1, opened=False)
    assert not publishing.changes(study)
    with pytest.raises(Refusal, match="publish it first"):
        publishing.publish_changes(study)


def test_a_new_study_speaks_its_language():
    study = publishing.create_study(make_run(1), "Parts", language="zh-hans")
    assert study.consent == texts.of("zh-hans").consent != texts.of("en").consent
