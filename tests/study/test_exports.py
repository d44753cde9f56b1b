import csv
import io
import re
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from annotations import cells
from study import exports, results, sessions
from study.exports.tables import TABLES
from tests.factories import give_answers, make_answered_study, make_design, make_participant, make_study

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def read(lines):
    return list(csv.DictReader(io.StringIO("".join(lines))))


@pytest.mark.django_db
def test_the_table_of_summaries_says_shares_and_never_a_number_for_what_is_undefined():
    named, unnamed = read(exports.summary_lines(make_answered_study()))
    assert (named["modal_name"], named["modal_share"], named["distinct_names"]) == ("wing", "0.6667", "2")
    assert (unnamed["modal_share"], unnamed["modal_share_undefined"]) == ("", "nobody gave a name")
    assert (unnamed["nothing_in_common_share"], unnamed["cannot_tell_share"]) == ("0.3333", "0.6667")


@given(st.text(st.one_of(st.sampled_from("=+-@'\"\t\r\n,;\uff1dx"), st.characters()), max_size=20))
def test_no_cell_is_a_formula_wherever_it_is_cut_and_the_words_come_back(text):
    guarded = cells.guard(text)
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    for part in re.split(r"[,;\t\r\n]", guarded)[1:]:
        assert not part.lstrip('"').startswith(tuple(cells.FORMULA_SIGNS))
    assert re.sub(cells.APOSTROPHE, "", guarded) == text


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("=1+1", "'=1+1"),
        ("'=1+1", "''=1+1"),
        ("wing;=1+1;", "wing;'=1+1;"),
        ('wing,"=1+1&"', 'wing,\'"=1+1&"'),
        ("sea-horse, left", "sea-horse, left"),
        ("o'clock", "o'clock"),
    ],
)
def test_an_apostrophe_stands_where_a_formula_would_begin_and_nowhere_else(typed, written):
    assert cells.guard(typed) == written


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
    study, out = make_answered_study(), tmp_path / "study.zip"
    call_command("export_study", study.slug, "--out", str(out))
    with zipfile.ZipFile(out) as bundle:
        assert {"README.txt", "answers.csv", "summaries.csv", "manifest.json"} <= set(bundle.namelist())
        answers = read([bundle.read("answers.csv").decode()])
        told = bundle.read("README.txt").decode()
    known = [column for name in ("answers", "summaries") for column in TABLES[name].columns(study)]
    assert len(answers) == 6 and list(answers[0]) == [
        column.id for column in TABLES["answers"].columns(study)
    ]
    for column in known:
        assert f"  {column.id}: {column.description}" in told
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
def test_a_hundred_answers_take_a_handful_of_queries(django_assert_max_num_queries):
    study = make_study(10)
    for _ in range(10):
        give_answers(make_participant(study), *["wing"] * 10)
    with django_assert_max_num_queries(12):
        assert len(read(exports.answer_lines(study))) == 100


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
    assert [column.id for column in TABLES["answers"].columns(None)][: len(FIRST_COLUMNS)] == FIRST_COLUMNS


@pytest.mark.django_db
def test_of_a_changed_answer_the_last_revision_counts_and_is_exported():
    study = make_study(1, revisable=True)
    participant = make_participant(study)
    key = participant.trials.get().key
    for words in ("wing", "beak"):
        sessions.answer(participant, key, kind="name", words=words)
    (row,) = read(exports.answer_lines(study))
    assert (row["words"], row["revision"]) == ("beak", "2")
    assert results.counts(study).answers == 1


@pytest.mark.django_db
def test_to_skip_is_a_row_but_no_answer():
    study = make_study(1)
    give_answers(make_participant(study), "wing")
    give_answers(make_participant(study), "skipped")
    assert [row["kind"] for row in read(exports.answer_lines(study))] == ["name", "skipped"]
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
def test_bots_are_counted_where_only_bots_took_part_and_never_together_with_people():
    study = make_study(1)
    give_answers(make_participant(study, simulated=True), "wing")
    assert results.is_simulated(study) and results.counts(study).answers == 1
    give_answers(make_participant(study), "beak")
    assert not results.is_simulated(study) and results.counts(study) == results.Counts(1, 1, 1, 1)
    assert {row["simulated"] for row in read(exports.answer_lines(study))} == {"yes", "no"}
