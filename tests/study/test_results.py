import pytest
from django.db.models import ProtectedError

from annotations import Refusal
from study import publishing, results, sessions
from study.models import Study
from tests.factories import give_answers, make_answered_study, make_participant, make_study


@pytest.mark.django_db
def test_counts_tell_who_came_how_far():
    study = make_answered_study()
    give_answers(make_participant(study), "tail")
    give_answers(make_participant(study, preview=True), "tail", "tail")
    assert results.counts(study) == results.Counts(started=4, consented=4, finished=3, answers=7)


@pytest.mark.django_db
def test_a_study_with_answers_is_not_deleted():
    study = make_answered_study()
    with pytest.raises(Refusal, match="Close it instead"):
        publishing.delete_study(study)
    assert study.stimuli.count() == 2


@pytest.mark.django_db
def test_a_study_with_previews_alone_is_deleted_with_them():
    study = make_study(1, opened=False)
    give_answers(make_participant(study, preview=True), "wing")
    publishing.delete_study(study)
    assert not Study.objects.exists()


@pytest.mark.django_db
def test_an_answer_that_comes_while_its_study_is_deleted_is_kept(monkeypatch):
    study = make_answered_study()
    monkeypatch.setattr(publishing, "has_answers", lambda study: False)
    with pytest.raises(ProtectedError):
        publishing.delete_study(study)
    assert results.counts(study).answers == 6


@pytest.mark.django_db
def test_only_who_completed_the_study_counts_as_finished():
    study = make_study(1)
    sessions.decline(sessions.start(study, "no"))
    assert results.counts(study) == results.Counts(started=1, consented=0, finished=0, answers=0)
