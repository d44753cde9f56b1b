"""All tables as one zip: read back by the programs that it names, the same bytes each time, whole or not."""

import csv
import errno
import hashlib
import importlib.util
import io
import json
import re
import shutil
import subprocess
import zipfile

import jsonschema
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from study import exclusions, exports, publishing, sessions
from study.exports.columns import Type
from study.exports.flavours import ANALYSIS, SEMICOLON, SPREADSHEET
from study.models import Recruit
from tests.factories import give_answers, make_answered_study, make_participant, make_study

pytestmark = pytest.mark.django_db

TYPED = [
    "007",
    "=1+1",
    "'=1+1",
    "a;=1+1;b",
    "a,'=1+1",
    "+49 30",
    "－wing",
    'a "quoted", name',
    "line one\nline two",
    "NA",
    "null",
    " beak ",
    "鸟喙 🐦",
    "\u202egniw\u202c",
    "ż" * 100,
    "1e5",
    "TRUE",
    "2026-01-05",
]
"""What spreadsheets and readers take for something else."""


def typed_study():
    study = make_study(len(TYPED), feedback_asked=False)
    give_answers(make_participant(study), *TYPED)
    return study


def bundle_of(choice, **more):
    return zipfile.ZipFile(io.BytesIO(b"".join(exports.stream(choice, **more))))


def unpacked(choice, folder, **more):
    bundle_of(choice, **more).extractall(folder)
    return folder


def load(folder, program="load.py"):
    spec = importlib.util.spec_from_file_location("load", folder / program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stored(study):
    """The words as they are in the database, in the order of the file."""
    (participant,) = study.participants.all()
    return [trial.answers.get().words for trial in participant.trials.order_by("position")]


@pytest.mark.parametrize("flavour", exports.FLAVOURS.values(), ids=lambda flavour: flavour.name)
def test_pandas_reads_every_flavour_back_by_the_generated_program_and_loses_nothing(flavour, tmp_path):
    study = typed_study()
    folder = unpacked(exports.Choice(study, flavour), tmp_path)
    tables = load(folder).read_all()
    assert tables["answers.csv"]["words"].tolist() == stored(study)
    dtypes = {Type.INTEGER: "Int64", Type.NUMBER: "Float64", Type.YES_NO: "boolean", Type.TEXT: "string"}
    for column in exports.TABLES["answers"].chosen(exports.Choice(study, flavour)):
        dtype = tables["answers.csv"][column.id].dtype
        assert str(dtype) == dtypes.get(column.type, str(dtype)), column.id
    wide = tables["participants.csv"]
    assert sorted(wide.filter(regex=r"stimulus_\d+_words").iloc[0]) == sorted(TYPED)


def test_for_analysis_the_bytes_are_exact_and_for_spreadsheets_nothing_runs():
    study = typed_study()
    exact = bundle_of(exports.Choice(study, ANALYSIS)).read("answers.csv")
    assert not exact.startswith(b"\xef\xbb\xbf") and b"\r\n" in exact
    rows = list(csv.DictReader(io.StringIO(exact.decode(), newline="")))
    assert [row["words"] for row in rows] == stored(study)
    for flavour in (SPREADSHEET, SEMICOLON):
        marked = bundle_of(exports.Choice(study, flavour)).read("answers.csv")
        assert marked.startswith(b"\xef\xbb\xbf")
        text = io.StringIO(marked.decode("utf-8-sig"), newline="")
        for row in csv.DictReader(text, delimiter=flavour.separator):
            assert not row["words"].startswith(("=", "+", "-", "@", "－"))
    assert b'"007"' in marked


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice (soffice) is not installed")
@pytest.mark.parametrize("flavour", [SPREADSHEET, SEMICOLON], ids=lambda flavour: flavour.name)
def test_libreoffice_loses_nothing_when_texts_are_imported_as_texts(flavour, tmp_path):
    study = typed_study()
    folder = unpacked(exports.Choice(study, flavour), tmp_path / "out")
    there = libreoffice(folder / "answers.csv", "xlsx", tmp_path / "there", reads=flavour.separator)
    back = libreoffice(there, "csv", tmp_path / "back")
    unguard = load(folder).unguarded
    words = [unguard(row["words"]) for row in csv.DictReader(back.open(encoding="utf-8", newline=""))]
    assert words == stored(study)


def libreoffice(file, kind, folder, reads=""):
    """Headless; a CSV is read as README.txt says: UTF-8, this separator, quoted fields as text."""
    home = f"-env:UserInstallation=file://{folder}-home"
    command = ["soffice", home, "--headless"]
    if reads:
        command.append(f"--infilter=CSV:{ord(reads)},34,76,1,,0,true,false")
    form = kind if kind != "csv" else "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"
    command += ["--convert-to", form, "--outdir", str(folder), str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=200)
    return folder / f"{file.stem}.{kind}"


def test_the_schema_holds_for_the_rows_and_refuses_others(tmp_path):
    folder = unpacked(exports.Choice(make_answered_study(), ANALYSIS), tmp_path)
    schema = json.loads((folder / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    tables = {name: json_rows(table) for name, table in load(folder).read_all().items()}
    assert not list(validator.iter_errors(tables))
    tables["answers.csv"][0]["kind"] = "shrug"
    tables["answers.csv"][1]["trial"] = "two"
    assert len(list(validator.iter_errors(tables))) == 2


def json_rows(table):
    return json.loads(table.to_json(orient="records", date_format="iso"))


def test_the_dictionary_has_every_column_of_every_file_and_no_other():
    bundle = bundle_of(exports.Choice(make_answered_study(), ANALYSIS, identifiable=True))
    entries = list(csv.DictReader(io.StringIO(bundle.read("dictionary.csv").decode())))
    told = {(entry["file"], entry["column"]) for entry in entries}
    tables = [name for name in bundle.namelist() if name.endswith(".csv") and name != "dictionary.csv"]
    headers = {name: next(csv.reader([bundle.read(name).decode().splitlines()[0]])) for name in tables}
    assert told == {(name, column) for name, header in headers.items() for column in header}
    page = bundle.read("dictionary.md").decode()
    assert all(f"`{entry['column']}`" in page and entry["description"] for entry in entries)
    named = {entry["file"] for entry in entries if entry["identifiable"] == "yes"}
    assert named == {name for name in tables if "identifiable" in name} != set()


def test_the_manifest_has_hash_rows_and_counts_and_all_else_is_the_same_to_the_byte():
    study = make_answered_study()
    exclusions.exclude(study.participants.first(), "a test", None)
    one, other = (bundle_of(exports.Choice(study, ANALYSIS)) for _ in range(2))
    told = json.loads(one.read("manifest.json"))
    for file in told["files"]:
        data = one.read(file["name"])
        assert hashlib.sha256(data).hexdigest() == file["sha256"] and len(data) == file["bytes"]
        assert data == other.read(file["name"])
    assert one.namelist() == other.namelist() == [file["name"] for file in told["files"]] + ["manifest.json"]
    rows = {file["name"]: file["rows"] for file in told["files"] if "rows" in file}
    assert (rows["answers.csv"], rows["participants.csv"], rows["summaries.csv"]) == (6, 3, 2)
    assert told["counts"]["outcomes"] == {"completed": 3} and told["counts"]["revisions"] == 6
    assert told["counts"]["excluded_by"] == {exclusions.BY_HAND: 1}
    assert told["versions"][0]["sha256"] == study.versions.get(number=1).sha256


def test_answers_that_come_while_the_files_are_written_are_in_none_of_them():
    study = make_study(2, revisable=True)
    participant = make_participant(study)
    first, second = participant.trials.order_by("position")
    sessions.answer(participant, first.key, kind="name", words="wing")
    come = iter([(first, "beak"), (second, "tail")])

    def meanwhile(rows, name, count):
        for trial, words in come:
            sessions.answer(participant, trial.key, kind="name", words=words)
        return rows

    bundle = bundle_of(exports.Choice(study, ANALYSIS), track=meanwhile)
    tables = ("answers.csv", "revisions.csv", "participants.csv")
    text = b"".join(map(bundle.read, tables)).decode()
    assert "wing" in text and "beak" not in text and "tail" not in text
    told = json.loads(bundle.read("manifest.json"))
    rows = {file["name"]: file["rows"] for file in told["files"] if "rows" in file}
    assert rows["answers.csv"] == rows["revisions.csv"] == told["counts"]["revisions"] == 1
    assert told["counts"]["last_revisions"] == {"name": 1}


DATA_FILE = re.compile(r"data/(.*/)?([a-z]+-[a-zA-Z0-9]+)(_[a-z]+-[a-zA-Z0-9]+)*_data\.csv")
KEYWORDS = {"study", "site", "subject", "session", "task", "condition", "trial", "stimulus", "description"}


def problems(bundle):
    """What a dataset breaks of the published Psych-DS schema: names of files, keys that must be there,
    columns listed exactly, sidecars beside their files, whole tables, a page to read."""
    names = set(bundle.namelist())
    missing = {"dataset_description.json", "README.md", ".psychds-ignore"} - names
    found = [f"{name} is missing" for name in missing]
    about = json.loads(bundle.read("dataset_description.json"))
    found += [
        f"{key} is missing" for key in ("name", "description", "variableMeasured") if not about.get(key)
    ]
    if about.get("@type") != "Dataset" or "schema.org" not in about.get("@context", ""):
        found.append("no schema.org Dataset")
    files = [name for name in names if name.startswith("data/") and name.endswith(".csv")]
    found += [] if files else ["no data file"]
    every = set()
    for name in files:
        if not DATA_FILE.fullmatch(name):
            found.append(f"{name} is not named by keywords")
        if strange := {part.split("-")[0] for part in name.split("/")[-1].split("_")[:-1]} - KEYWORDS:
            found.append(f"{name} has keywords of its own: {strange}")
        found += table_problems(bundle, name, about, every)
    listed = [each["name"] for each in about["variableMeasured"]]
    if set(listed) != every or len(listed) != len(set(listed)):
        found.append("the variables measured are not the columns of the files")
    beside = {f"{name.removesuffix('.csv')}.json" for name in files}
    others = names - beside - set(files) - {"dataset_description.json", "README.md", ".psychds-ignore"}
    ignored = bundle.read(".psychds-ignore").decode().split()
    return found + [f"{name} is unknown" for name in others if not name.startswith(tuple(ignored))]


def table_problems(bundle, name, about, every):
    header, *rows = csv.reader(io.StringIO(bundle.read(name).decode("utf-8"), newline=""))
    every.update(header)
    sidecar = f"{name.removesuffix('.csv')}.json"
    own = json.loads(bundle.read(sidecar)) if sidecar in bundle.namelist() else {}
    measured = [each["name"] for each in (about | own)["variableMeasured"]]
    found = [] if header and sorted(measured) == sorted(set(header)) else [f"{name}: columns"]
    found += [] if len(header) == len(set(header)) else [f"{name}: a column twice"]
    if "row_id" in header and len({row[header.index("row_id")] for row in rows}) != len(rows):
        found.append(f"{name}: row_id repeats")
    return found + [f"{name}: a row of another length" for row in rows if len(row) != len(header)][:1]


def test_the_psych_ds_dataset_keeps_the_rules_of_its_specification(tmp_path):
    study = typed_study()
    bundle = bundle_of(exports.Choice(study, ANALYSIS), as_psychds=True)
    assert problems(bundle) == []
    bundle.extractall(tmp_path)
    tables = load(tmp_path, "analysis/load.py").read_all()
    (answers,) = [table for name, table in tables.items() if "description-answers" in name]
    assert answers["words"].tolist() == stored(study)


def test_a_dataset_that_breaks_the_rules_is_seen(tmp_path):
    bundle = bundle_of(exports.Choice(make_answered_study(), ANALYSIS), as_psychds=True)
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, "w") as out:
        for name in bundle.namelist():
            data = bundle.read(name)
            if name.endswith("answers_data.csv"):
                data = data.replace(b"words", b"worts", 1)
            out.writestr(name.replace("study-", "study_") if "looks" in name else name, data)
    found = problems(zipfile.ZipFile(broken))
    assert any("columns" in one for one in found) and any("not named by keywords" in one for one in found)


def test_summaries_have_agreement_at_every_layer_with_intervals_and_the_analysis_that_was_chosen(tmp_path):
    study = make_answered_study()
    exclusions.exclude(study.participants.get(number=3), "a test", None)
    for without, share, h in ((False, 2 / 3, 0.9183), (True, 1.0, 0.0)):
        choice = exports.Choice(study, ANALYSIS, without_excluded=without)
        row = load(unpacked(choice, tmp_path / str(without))).read("summaries.csv").iloc[0]
        assert row["raw_distinct"] == 3 - without and row["mechanical_distinct"] == 2 - without
        assert row["merged_modal_name"] == "wing" and row["merged_modal_share"] == pytest.approx(
            share, abs=1e-4
        )
        assert row["merged_modal_share_low"] < share <= row["merged_modal_share_high"]
        assert row["merged_h"] == pytest.approx(h, abs=1e-4) and row["estimates_missing"] == ""
        assert row["modal_share"] == pytest.approx(share, abs=1e-4)


def test_nobody_without_consent_and_no_preview_is_in_any_file():
    study = make_answered_study()
    sessions.decline(sessions.start(study, "no"))
    stayed_away = sessions.start(study, "not yet")
    preview = make_participant(study, preview=True)
    give_answers(preview, "tail", "tail")
    every = bundle_of(exports.Choice(study, ANALYSIS, identifiable=True))
    gone = [study.participants.get(outcome="no_consent").code, stayed_away.code, preview.code]
    text = b"".join(every.read(name) for name in every.namelist()).decode()
    assert not [code for code in gone if code in text] and "tail" not in text
    assert json.loads(every.read("manifest.json"))["counts"]["consented"] == 3


def test_every_revision_is_a_row_and_the_last_one_is_marked(tmp_path):
    study = make_study(1, revisable=True)
    participant = make_participant(study)
    key = participant.trials.get().key
    for words in ("wing", "beak"):
        sessions.answer(participant, key, kind="name", words=words)
    tables = load(unpacked(exports.Choice(study, ANALYSIS), tmp_path)).read_all()
    revisions = tables["revisions.csv"]
    assert revisions[["words", "revision", "last"]].values.tolist() == [["wing", 1, False], ["beak", 2, True]]
    assert tables["answers.csv"]["words"].tolist() == ["beak"]
    assert tables["participants.csv"]["stimulus_1_words"].tolist() == ["beak"]


def test_profile_answers_have_columns_of_their_own_and_typed_ones_are_identifiable(tmp_path):
    questions = [
        {"key": "sight", "text": "Do you see well?", "choices": ["yes", "no"]},
        {"key": "job", "text": "What do you do?"},
    ]
    study = make_study(1, opened=False, questions=questions)
    publishing.open_study(study)
    participant = sessions.start(study, "one")
    sessions.consent(participant)
    sessions.answer_questions(participant, {"sight": "no", "job": "ornithologist"})
    Recruit.objects.create(study=study, participant=participant, platform="prolific", person="5f00")
    columns = {column.id: column for column in exports.TABLES["participants"].columns(study)}
    assert not columns["profile_sight"].identifiable and columns["profile_job"].identifiable
    shared = unpacked(exports.Choice(study, ANALYSIS), tmp_path / "shared")
    assert load(shared).read("participants.csv")["profile_sight"].tolist() == ["no"]
    assert not [file for file in shared.iterdir() if re.search("ornithologist|5f00", file.read_text())]
    own = unpacked(exports.Choice(study, ANALYSIS, identifiable=True), tmp_path / "own")
    (row,) = load(own).read("participants-identifiable.csv").to_dict("records")
    assert (row["profile_job"], row["recruiter_person"]) == ("ornithologist", "5f00")
    assert pd.notna(row["started"])


@pytest.mark.parametrize("told", [["--psych-ds", "--flavour", "semicolon"], ["--reason", "no folder"]])
def test_what_is_refused_is_no_look_at_the_estimate(told, tmp_path):
    looks = {"measure": "alpha", "layer": "merged", "aim": "precision", "value": 0.1, "at": [1]}
    study = make_study(1, looks=looks)
    give_answers(make_participant(study), "beak")
    with pytest.raises(CommandError):
        call_command("export_study", study.slug, "--out", str(tmp_path / "no" / "x.zip"), *told)
    assert not study.looks_taken.exists()
    call_command("export_study", study.slug, "--out", str(tmp_path / "x.zip"))
    assert study.looks_taken.get().number == 1


def test_what_was_ever_typed_stays_identifiable_when_a_later_version_lets_people_choose():
    study = make_study(1, questions=[{"key": "job", "text": "What do you do?"}])
    participant = sessions.start(study, "one")
    sessions.consent(participant)
    sessions.answer_questions(participant, {"job": "ornithologist"})
    study.questions = [{"key": "job", "text": "What do you do?", "choices": ["birds", "fish"]}]
    study.save()
    publishing.publish_changes(study, None)
    columns = {column.id: column for column in exports.TABLES["participants"].columns(study)}
    assert columns["profile_job"].identifiable and not columns["profile_job"].included
    shared = bundle_of(exports.Choice(study, ANALYSIS))
    assert not [name for name in shared.namelist() if b"ornithologist" in shared.read(name)]


def test_a_full_disk_leaves_no_half_file_and_is_said_in_words(tmp_path, monkeypatch):
    study = make_answered_study()

    def full(*args, **more):
        yield b"half of it"
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("study.exports.bundle.stream", full)
    with pytest.raises(CommandError, match="cannot be written: the disk is full") as caught:
        call_command("export_study", study.slug, "--out", str(tmp_path / "x.zip"))
    assert caught.value.returncode == 2 and not list(tmp_path.iterdir())


def test_whoever_stops_reading_leaves_nothing_open():
    stream = exports.stream(exports.Choice(make_answered_study(), ANALYSIS))
    assert next(stream)
    stream.close()


def test_the_command_names_what_is_identifiable_and_refuses_a_mixed_package(tmp_path):
    study = make_answered_study()
    out = tmp_path / "study.zip"
    call_command("export_study", study.slug, "--out", str(out), "--identifiable", "--without-excluded")
    assert [file.name for file in tmp_path.iterdir()] == ["study-identifiable.zip"]
    with pytest.raises(CommandError, match="exact bytes") as caught:
        call_command("export_study", study.slug, "--out", str(out), "--psych-ds", "--flavour", "semicolon")
    assert caught.value.returncode == 2
