import pytest

from annotations import Refusal, files
from study import publishing
from study.models import Study
from summaries.models import Run
from tests.factories import make_run, make_study

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


def test_opening_and_closing_move_between_states_and_are_refused_twice():
    study = make_study(1, opened=False)
    with pytest.raises(Refusal, match="Only an open study"):
        publishing.close_study(study)
    publishing.open_study(study)
    first = study.opened_at
    with pytest.raises(Refusal, match="open already"):
        publishing.open_study(study)
    publishing.close_study(study)
    publishing.open_study(study)
    assert study.state == Study.State.OPEN and study.opened_at == first
