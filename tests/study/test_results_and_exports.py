import csv
import io
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db.models import ProtectedError
from hypothesis import given
from hypothesis import strategies as st

from annotations import Refusal
from study import cells, exports, publishing, results, sessions
from study.models import Study
from tests.factories import give_answers, make_design, make_participant, make_study

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def read(lines):
    return list(csv.DictReader(io.StringIO("".join(lines))))


def answered_study():
    """Two summaries and three participants, who answer by summary whatever their order."""
    study = make_study(2)
    for answers in [
        {1: "Wing", 2: "nothing_in_common"},
        {1: "the wing", 2: "cannot_tell"},
        {1: "fin", 2: "cannot_tell"},
    ]:
        participant = make_participant(study)
        order = participant.trials.order_by("position").values_list("stimulus__position", flat=True)
        give_answers(participant, *(answers[position] for position in order))
    return study


@pytest.mark.django_db
def test_per_summary_the_most_given_name_with_its_share():
    first, second = results.per_stimulus(answered_study())
    assert first.agreement.modal_names == ("wing",) and first.agreement.share == pytest.approx(2 / 3)
    assert second.agreement.share is None and second.agreement.reason == "nobody gave a name"


@pytest.mark.django_db
def test_the_table_of_summaries_says_shares_and_never_a_number_for_what_is_undefined():
    named, unnamed = read(exports.summary_lines(answered_study()))
    assert (named["modal_name"], named["modal_share"], named["distinct_names"]) == ("wing", "0.6667", "2")
    assert (unnamed["modal_share"], unnamed["modal_share_undefined"]) == ("", "nobody gave a name")
    assert (unnamed["nothing_in_common_share"], unnamed["cannot_tell_share"]) == ("0.3333", "0.6667")


@pytest.mark.django_db
def test_counts_tell_who_came_how_far():
    study = answered_study()
    give_answers(make_participant(study), "tail")
    give_answers(make_participant(study, preview=True), "tail", "tail")
    assert results.counts(study) == results.Counts(started=4, consented=4, finished=3, answers=7)


@given(st.text(max_size=20))
def test_no_cell_is_a_formula_and_the_words_come_back_by_taking_off_one_apostrophe(text):
    guarded = cells.guard(text)
    assert not guarded.startswith(cells.FORMULA_STARTS)
    assert guarded == text or guarded == f"'{text}"
    assert cells.guard(f"'{text}") != guarded, "what was typed can be told from what was guarded"


@pytest.mark.django_db
def test_a_formula_typed_as_a_name_is_harmless_in_the_table():
    study = make_study(2)
    give_answers(make_participant(study), '=HYPERLINK("http://x","y")', "'=wing")
    formula, quoted = read(exports.answer_lines(study))
    assert formula["words"] == '\'=HYPERLINK("http://x","y")'
    assert quoted["words"] == "''=wing"


@pytest.mark.django_db
def test_words_in_any_script_come_out_as_typed():
    study = make_study(4)
    typed = ['鸟喙, "beak"', "l’aile", "żółty ogon", "🐦 nose"]
    give_answers(make_participant(study), *typed)
    assert [row["words"] for row in read(exports.answer_lines(study))] == typed


@pytest.mark.django_db
def test_export_study_writes_both_tables_and_what_every_column_means(tmp_path):
    study, out = answered_study(), tmp_path / "study.zip"
    call_command("export_study", study.slug, "--out", str(out))
    with zipfile.ZipFile(out) as bundle:
        assert sorted(bundle.namelist()) == ["README.txt", "answers.csv", "summaries.csv"]
        answers = read([bundle.read("answers.csv").decode()])
        told = bundle.read("README.txt").decode()
    assert len(answers) == 6 and list(answers[0]) == [column.name for column in exports.ANSWER_COLUMNS]
    for column in exports.ANSWER_COLUMNS + exports.SUMMARY_COLUMNS:
        assert f"  {column.name}: {column.meaning}" in told
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.django_db
def test_export_of_an_unknown_study_ends_with_code_2_and_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="There is no study 'nowhere'") as caught:
        call_command("export_study", "nowhere", "--out", str(tmp_path / "x.zip"))
    assert caught.value.returncode == 2 and not list(tmp_path.iterdir())


@pytest.mark.django_db
def test_export_into_a_folder_that_is_not_there_is_refused_in_words(tmp_path):
    study = make_study(1)
    with pytest.raises(CommandError, match="cannot be written") as caught:
        call_command("export_study", study.slug, "--out", str(tmp_path / "no" / "x.zip"))
    assert caught.value.returncode == 2


@pytest.mark.django_db
def test_a_hundred_answers_take_one_query(django_assert_num_queries):
    study = make_study(10)
    for _ in range(10):
        give_answers(make_participant(study), *["wing"] * 10)
    with django_assert_num_queries(1):
        assert len(read(exports.answer_lines(study))) == 100


@pytest.mark.django_db
def test_a_study_with_answers_is_not_deleted():
    study = answered_study()
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
    study = answered_study()
    monkeypatch.setattr(publishing, "has_answers", lambda study: False)
    with pytest.raises(ProtectedError):
        publishing.delete_study(study)
    assert results.counts(study).answers == 6


FIRST_COLUMNS = [
    "study",
    "participant",
    "participant_number",
    "participant_finished",
    "trial",
    "stimulus",
    "kind",
    "words",
    "name",
    "seconds",
    "shown",
    "received",
    "software_version",
]


def test_the_columns_that_readers_know_keep_their_names_and_places():
    assert [column.name for column in exports.ANSWER_COLUMNS][: len(FIRST_COLUMNS)] == FIRST_COLUMNS


@pytest.mark.django_db
def test_of_a_changed_answer_the_last_revision_counts_and_is_exported():
    study = make_study(1, revisable=True)
    participant = make_participant(study)
    key = participant.trials.get().key
    for words in ("wing", "beak"):
        sessions.answer(participant, key, kind="name", words=words)
    (row,) = read(exports.answer_lines(study))
    assert (row["words"], row["revision"]) == ("beak", "2")
    assert results.per_stimulus(study)[0].agreement.modal_names == ("beak",)
    assert results.counts(study).answers == 1


@pytest.mark.django_db
def test_to_skip_is_a_row_but_no_answer():
    study = make_study(1)
    give_answers(make_participant(study), "wing")
    give_answers(make_participant(study), "skipped")
    assert [row["kind"] for row in read(exports.answer_lines(study))] == ["name", "skipped"]
    assert results.per_stimulus(study)[0].agreement.share == 1.0
    assert results.counts(study) == results.Counts(started=2, consented=2, finished=2, answers=1)


@pytest.mark.django_db
def test_the_design_and_what_the_browser_measured_stand_in_the_table():
    study = make_design(conditions=2, summaries=1)
    participant = make_participant(study, simulated=True)
    evidence = {"focus_losses": 2, "away_seconds": 1.5, "offline": True}
    sessions.answer(
        participant, participant.trials.get().key, kind="cannot_tell", evidence=evidence, answered_at=NOON
    )
    (row,) = read(exports.answer_lines(study))
    told = {
        "condition": participant.condition.name,
        "stimulus_kind": "summary",
        "surplus": "no",
        "version": "1",
        "outcome": "",
        "simulated": "yes",
        "focus_losses": "2",
        "away_seconds": "1.5",
        "pastes": "",
        "offline": "yes",
        "answered": "2026-01-05T12:00:00.000+00:00",
    }
    assert {name: row[name] for name in told} == told


@pytest.mark.django_db
def test_only_who_completed_the_study_counts_as_finished():
    study = make_study(1)
    sessions.decline(sessions.start(study, "no"))
    assert results.counts(study) == results.Counts(started=1, consented=0, finished=0, answers=0)


@pytest.mark.django_db
def test_bots_are_counted_where_only_bots_took_part_and_never_together_with_people():
    study = make_study(1)
    give_answers(make_participant(study, simulated=True), "wing")
    assert results.is_simulated(study) and results.counts(study).answers == 1
    give_answers(make_participant(study), "beak")
    assert not results.is_simulated(study) and results.counts(study) == results.Counts(1, 1, 1, 1)
    assert results.per_stimulus(study)[0].agreement.modal_names == ("beak",)
    assert {row["simulated"] for row in read(exports.answer_lines(study))} == {"yes", "no"}
