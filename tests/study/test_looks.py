"""Looks: what each may spend, against published boundaries; when one is due; what is masked in between."""

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from annotations import Refusal
from study import exclusions, preregistration, publishing, rights, versions
from study import looks as study_looks
from study.agreement import looks
from study.agreement.looks import Declaration
from study.desk_forms import StudyDesign
from study.looks.forms import SETTLED
from study.models import Study
from tests.factories import give_answers, make_participant, make_study

FIVE = [1, 2, 3, 4, 5]


def declaration(correction: str = looks.OBRIEN_FLEMING, **more: object) -> Declaration:
    usual = {"measure": "alpha", "layer": "mechanical", "aim": looks.BOUND, "value": 0.667}
    return Declaration(**usual | {"at": (10, 20, 30, 40, 50), "correction": correction} | more)


def test_published_constants_of_five_looks_keep_a_level_of_five_percent():
    """Jennison and Turnbull 2000, tables 2.1 and 2.3."""
    assert 2 * looks.crossing([2.413] * 5, FIVE) == pytest.approx(0.05, abs=2e-4)
    assert 2 * looks.crossing([2.040 * (5 / k) ** 0.5 for k in FIVE], FIVE) == pytest.approx(0.05, abs=2e-4)


@pytest.mark.parametrize(
    ("correction", "published"),
    [
        (looks.OBRIEN_FLEMING, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        (looks.POCOCK, [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_spending_gives_the_published_boundaries_of_five_looks(correction, published):
    """Reboussin, DeMets, Kim and Lan 2000, for a level of 5 % on two sides."""
    spends = [each / 2 for each in looks.increments(declaration(correction), [10, 20, 30, 40, 50])]
    assert looks.boundaries(spends, FIVE) == pytest.approx(published, abs=2e-4)


@pytest.mark.parametrize("correction", looks.CORRECTIONS)
@pytest.mark.parametrize("taken", [[10, 20, 30, 40, 50], [13, 24, 39, 49, 57], [20, 50]])
def test_all_looks_together_spend_the_level_even_if_late_or_left_out(correction, taken):
    plan = declaration(correction)
    assert sum(looks.increments(plan, taken)) == pytest.approx(0.05)
    spent = [looks.level_at(plan, taken[: k + 1]) for k in range(len(taken))]
    found = looks.boundaries([each / 2 for each in looks.increments(plan, taken)], taken)
    assert 2 * looks.crossing(found, taken) == pytest.approx(0.05, abs=1e-5)
    assert all(0 < each < 0.05 for each in spent)


def test_a_single_look_at_the_end_spends_the_whole_level():
    for correction in looks.CORRECTIONS:
        assert looks.level_at(declaration(correction, at=(40,)), [40]) == pytest.approx(0.05, abs=1e-5)


def test_a_decision_follows_from_the_interval_alone():
    def among(low: float | None, high: float | None) -> SimpleNamespace:
        return SimpleNamespace(low=low, high=high)

    bound, narrow = declaration(), declaration(aim=looks.PRECISION, value=0.1)
    assert looks.decide(bound, among(0.67, 0.8)) == looks.REACHED
    assert looks.decide(bound, among(0.6, 0.8)) == looks.GO_ON
    assert looks.decide(bound, among(0.4, 0.66)) == looks.FUTILE
    assert looks.decide(narrow, among(0.45, 0.64)) == looks.REACHED
    assert looks.decide(narrow, among(0.4, 0.64)) == looks.GO_ON
    assert looks.decide(narrow, among(None, None)) == looks.GO_ON


def test_a_declaration_that_one_may_regret_is_warned_of():
    assert not looks.warnings(declaration())
    (few,) = looks.warnings(declaration(at=(5, 40)))
    assert "under 10" in few
    (wide,) = looks.warnings(declaration(aim=looks.PRECISION, value=0.1))
    assert "very wide" in wide


def test_a_declaration_is_written_and_read_again():
    assert looks.read(looks.written(declaration())) == declaration()
    assert looks.read({}) is None
    assert looks.read({"stopping": {"lead": 0.99}}) is None


def opened(people: int = 2, **more: object) -> Study:
    """A published study with two summaries that declared looks at two and at four participants."""
    plan = declaration(at=(2, 4), correction=looks.BONFERRONI, **more)
    study = make_study(2, looks=looks.written(plan))
    for number in range(people):
        answer(study, number)
    return study


def answer(study: Study, number: int) -> None:
    give_answers(make_participant(study), "beak" if number else "wing", "tail")


@pytest.mark.django_db
def test_a_study_without_a_declaration_masks_nothing():
    study = make_study(2)
    answer(study, 1)
    assert not study_looks.state(study).masked and study_looks.declared(study) is None
    with pytest.raises(Refusal, match="declared no looks"):
        study_looks.take(study, "ada", "results")


@pytest.mark.django_db
def test_the_estimate_is_masked_until_a_declared_look_and_again_after_the_next_answer():
    study = opened(1)
    state = study_looks.state(study)
    assert (state.masked, state.due, state.number, state.next_at) == (True, False, 1, 2)
    answer(study, 1)
    state = study_looks.state(study)
    assert (state.masked, state.due, state.number) == (True, True, 1)
    look = study_looks.take(study, "ada", "results")
    assert (look.number, look.by, look.participants, look.answers) == (1, "ada", 2, 4)
    assert look.estimate["level"] == pytest.approx(0.975)
    assert not study_looks.state(study).masked
    answer(study, 2)
    state = study_looks.state(study)
    assert (state.masked, state.due, state.number, state.next_at) == (True, False, 2, 4)
    shown = study_looks.shown(study)
    assert shown.look.number == 1 and shown.content["analyses"]["main"]["people"] == 2


@pytest.mark.django_db
def test_an_answer_that_came_for_one_that_was_withdrawn_hides_the_estimate_too():
    study = opened(2)
    at_work = make_participant(study)
    study_looks.take(study, "ada", "results")
    rights.withdraw(study.participants.first())
    give_answers(at_work, "beak", "tail")
    state = study_looks.state(study)
    assert (state.participants, state.answers, state.masked) == (2, 4, True)
    content = study_looks.shown(study).content
    assert content["analyses"]["main"]["overall"] == {}


@pytest.mark.django_db
def test_an_undeclared_look_needs_a_reason_is_written_down_and_leaves_the_declared_ones_their_level():
    study = opened(1)
    with pytest.raises(Refusal, match="give a reason"):
        study_looks.take(study, "ada", "results")
    study_looks.take(study, "ada", "results", "a funder asks")
    assert not study_looks.state(study).masked
    answer(study, 1)
    assert study_looks.take(study, "ada", "results").number == 1
    told = [(entry.number, entry.reason) for entry in study_looks.history(study)]
    assert told == [(None, "a funder asks"), (1, "")]
    assert study_looks.history(study)[0].words.startswith("Undeclared look at 1 participants (2 answers)")


@pytest.mark.django_db
def test_a_look_is_taken_once_however_often_it_is_pressed():
    study = opened(2)
    first, second = (study_looks.take(study, who, "results") for who in ("ada", "bob"))
    assert first == second and study.looks_taken.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        study.looks_taken.create(number=1, where="results", participants=2, answers=4)


@pytest.mark.django_db
def test_answers_that_leave_a_masked_study_are_a_look():
    study = opened(1)
    with pytest.raises(Refusal, match="give a reason"):
        study_looks.note_export(study, "ada", "answers.csv")
    assert study_looks.note_export(study, "ada", "answers.csv", "a backup").where == "answers.csv"
    assert study_looks.note_export(make_study(1), "ada", "answers.csv") is None


@pytest.mark.django_db
def test_excluded_participants_bring_no_look_nearer():
    study = opened(2)
    keeper = User.objects.create_user("keeper")
    exclusions.exclude(study.participants.first(), "a test", keeper)
    assert not study_looks.state(study).due


@pytest.mark.django_db
def test_closing_a_study_ends_the_masking_and_opening_it_again_is_told():
    study = opened(1)
    publishing.close_study(study)
    assert not study_looks.state(study).masked
    with pytest.raises(Refusal, match="closed"):
        study_looks.take(study, "ada", "results", "curious")
    publishing.open_study(study)
    assert study_looks.state(study).masked
    assert "closed" in study_looks.history(study)[0].words


@pytest.mark.django_db
def test_what_the_first_participant_consented_to_stays_declared_whatever_is_published_later():
    study = opened(1)
    study.looks = {}
    study.save()
    publishing.publish_changes(study)
    assert study_looks.declared(study).at == (2, 4)


DECLARED = {
    "looks_aim": "bound",
    "looks_value": "0.667",
    "looks_at": "10, 20,30",
    "looks_measure": "alpha",
    "looks_layer": "mechanical",
    "looks_level": "0.05",
    "looks_correction": "pocock",
    "stop_lead": "0.99",
}


def declare(study: Study, **sent: str) -> StudyDesign:
    """The desk's form, sent with what stands in it already and these fields."""
    held = StudyDesign(instance=study)
    known = {name: held.get_initial_for_field(field, name) for name, field in held.fields.items()}
    shown = {name: held.fields[name].prepare_value(value) for name, value in known.items()}
    filled = {name: value for name, value in shown.items() if value not in (None, [], False)}
    return StudyDesign(filled | sent, instance=study)


@pytest.mark.django_db
def test_looks_are_declared_on_the_desk_in_words_and_told_in_the_preregistration():
    study = make_study(1, opened=False)
    form = declare(study, **DECLARED)
    assert form.is_valid(), form.errors
    form.save()
    assert looks.read(study.looks) == declaration(looks.POCOCK, at=(10, 20, 30))
    assert study.looks["stopping"] == {"lead": 0.99, "share": 0.5, "least": 10}
    again = declare(study)
    assert again.is_valid() and again.instance.looks == study.looks
    publishing.open_study(study)
    told = preregistration.readme(versions.latest(study))
    assert "7. Looks at the estimate" in told and "at 10, 20, 30 participants" in told
    assert "its interval lies above 0.667" in told and "chance above 0.99" in told


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"looks_at": "20, 10"}, "looks_at"),
        ({"looks_at": "ten"}, "looks_at"),
        ({"looks_at": ""}, "looks_at"),
        ({"looks_value": ""}, "looks_value"),
        ({"stop_lead": "2"}, "stop_lead"),
    ],
)
def test_a_declaration_that_does_not_fit_together_is_refused_at_its_field(sent, field):
    form = declare(make_study(1, opened=False), **DECLARED | sent)
    assert not form.is_valid() and field in form.errors


@pytest.mark.django_db
def test_looks_stay_as_they_were_once_people_have_taken_part():
    study = opened(1)
    form = declare(study, **DECLARED)
    assert form.errors["looks_aim"] == [SETTLED]
    assert declare(study).is_valid()


@pytest.mark.django_db
def test_a_version_without_looks_keeps_its_hash():
    study = make_study(1)
    assert "looks" not in versions.latest(study).content
    assert "7. The files beside this one" in preregistration.readme(versions.latest(study))


@pytest.fixture
def keeper(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("keeper"))
    return client


@pytest.mark.django_db
def test_the_box_on_the_results_page_takes_looks_and_tells_of_them(keeper):
    study = opened(1)
    page, press = (reverse(f"study:{name}", args=[study.slug]) for name in ("results", "look"))
    assert b"hidden until look 1 of 2" in keeper.get(page).content
    told = keeper.post(press, follow=True).content.decode()
    assert "give a reason" in told and not study.looks_taken.exists()
    told = keeper.post(press, {"reason": "a funder asks"}, follow=True).content.decode()
    assert "Undeclared look is written down." in told and "a funder asks" in told
    assert "With the next answer it is hidden" in told
    answer(study, 1)
    assert b"Take look 1" in keeper.get(page).content
    told = keeper.post(press, follow=True).content.decode()
    assert "Look 1 is written down." in told and "have spent" not in told and "look has spent" in told
