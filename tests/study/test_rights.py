"""What participants may ask for: being erased for good, at any moment, and that it stays so."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as site
from django.core.management import call_command
from django.db import connection
from django.forms import model_to_dict
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from study import cookies, results, rights, sessions, tasks, tombstones
from study.models import Answer, Exclusion, NameEvent, Outcome, Participant, Recruit, Tombstone, Trial
from tests.factories import make_study
from tests.study.person import (
    PERSON,
    TOKEN,
    WORDS,
    decide_about,
    everything,
    keep_rows,
    log_about,
    make_person,
    press_withdraw,
    receipt_of,
    restore,
    secrets_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path
    return tmp_path


def test_withdrawing_leaves_no_trace_in_any_table_nor_in_the_bytes_of_the_database(client, home):
    study = make_study(2)
    participant = make_person(study)
    log_about(participant)
    decide_about(study)
    client.get(receipt_of(participant))
    before = everything()
    assert all(secret in before for secret in secrets_of(participant))
    assert press_withdraw(client, participant).status_code == 302
    after = everything()
    assert not [secret for secret in secrets_of(participant) if secret in after]
    for model in (Participant, Trial, Answer, Recruit, Exclusion):
        assert not model.objects.exists()
    assert Tombstone.objects.count() == 1
    assert NameEvent.objects.count() == 2 and not study.snapshots.exists()
    assert "excluded withdrew, known as withdrew" in after
    files = [path for path in [*home.rglob("*"), *(site.FILES_FOLDER).rglob("*")] if path.is_file()]
    kept = b"".join(path.read_bytes() for path in files)
    assert not [secret for secret in secrets_of(participant) if secret.encode() in kept]


def test_the_file_of_the_embedded_database_keeps_no_deleted_words():
    if connection.vendor != "sqlite":
        pytest.skip("only the embedded database is a file of ours")
    participant = make_person(make_study(1))
    path = Path(connection.settings_dict["NAME"])
    assert WORDS.encode() in bytes_of(path)
    rights.withdraw(participant)
    left = bytes_of(path)
    assert not [secret for secret in secrets_of(participant) if secret.encode() in left]


def bytes_of(path):
    """Of the embedded database, all that was written lately in its place."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


def test_others_keep_all_of_theirs_and_the_numbers_are_counted_without_the_one():
    study = make_study(1)
    make_person(study, finished=True)
    other = make_person(
        study, token="another", person="a" * 24, submission="b" * 24, words="fin", finished=True
    )
    kept = [model_to_dict(row) for row in keep_rows(other)]
    assert results.counts(study).answers == 2
    rights.withdraw(Participant.objects.get(token=TOKEN))
    assert [model_to_dict(row) for row in keep_rows(other)] == kept
    assert results.counts(study).answers == 1
    assert Tombstone.objects.get().digest != tombstones.digest_of(other.code)


@pytest.mark.parametrize("by", ["command", "clock"])
def test_after_a_restore_they_are_erased_again_and_others_stay(by, home, capsys):
    study = make_study(1)
    participant = make_person(study)
    other = make_person(study, token="another", person="a" * 24, submission="b" * 24, words="fin")
    code, rows = participant.code, keep_rows(participant)
    rights.withdraw(participant)
    restore(rows)
    assert Participant.objects.filter(code=code).exists() and WORDS in everything()
    if by == "command":
        call_command("reapply_withdrawals")
        assert "1 withdrawals known, 1 erased again." in capsys.readouterr().out
    else:
        tasks.keep_promises()
    after = everything()
    assert code not in after and WORDS not in after and PERSON not in after
    assert Participant.objects.get() == other and Tombstone.objects.count() == 1
    assert rights.reapply(tombstones.known()) == 0


def test_a_tombstone_says_nobody_survives_a_cut_line_and_a_new_key(home, settings):
    study = make_study(1)
    participant = make_person(study)
    code, rows = participant.code, keep_rows(participant)
    file = home / "tombstones" / f"{study.slug}.txt"
    file.parent.mkdir()
    file.write_text("0123abc")  # cut off by a crash
    rights.withdraw(participant)
    written = file.read_text()
    assert code not in written and len(tombstones.read(file)) == 1
    tombstones.note(study)
    assert file.read_text() == written
    restore(rows)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "a new one" * 9
    assert rights.reapply(tombstones.known()) == 1


def test_a_withdrawal_does_not_fail_where_the_file_cannot_be_written_and_it_is_written_later(home):
    participant = make_person(make_study(1))
    (home / "tombstones").write_text("a file in the folder's place")
    rights.withdraw(participant)
    assert not Participant.objects.exists()
    (home / "tombstones").unlink()
    tasks.keep_promises()
    assert tombstones.known() == set(Tombstone.objects.values_list("digest", flat=True)) != set()


def test_who_withdraws_on_the_way_gets_the_code_for_it_and_a_reload_shows_it_again(client):
    study = make_study(2)
    participant = make_person(study)
    gone = press_withdraw(client, participant)
    assert gone.url == reverse("study:withdrawn")
    code = study.codes.get(outcome=Outcome.WITHDREW).code
    for _ in range(2):
        page = client.get(gone.url)
        assert code in page.content.decode() and f"cc={code}" in page.content.decode()
    assert Client().get(gone.url).status_code == 404
    assert client.get(receipt_of(participant)).status_code == 404
    assert press_withdraw(client, participant).status_code == 404


def test_who_withdraws_after_the_end_keeps_the_code_that_they_have(client):
    study = make_study(1)
    participant = make_person(study, finished=True)
    page = client.get(press_withdraw(client, participant).url).content.decode()
    assert study.codes.get(outcome=Outcome.COMPLETED).code in page


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_in_flight_goes_with_the_participant_or_finds_nobody(seed):
    study = make_study(6)
    participant = make_person(study)
    keys = list(participant.trials.order_by("position").values_list("key", flat=True))[1:]
    acts = [lambda key=key: sessions.answer(participant, key, kind="name", words=WORDS) for key in keys]
    acts.insert(seed * 2, lambda: rights.withdraw(participant))

    def alone(act):
        try:
            return act()
        except Participant.DoesNotExist:
            return "nobody"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        done = list(threads.map(alone, acts))
    assert sum(isinstance(each, rights.Farewell) for each in done) == 1
    assert all(each == "nobody" or isinstance(each, rights.Farewell | sessions.Stored) for each in done)
    assert not Answer.objects.exists() and not Trial.objects.exists() and WORDS not in everything()


@pytest.mark.parametrize("by_script", [False, True])
@pytest.mark.parametrize("on_its_way", [False, True])
def test_an_answer_of_somebody_who_withdrew_is_stored_nowhere(client, monkeypatch, by_script, on_its_way):
    study = make_study(2)
    participant = make_person(study)
    key = participant.trials.order_by("position")[1].key
    response = HttpResponse()
    cookies.keep_participant(response, participant)
    client.cookies = response.cookies
    store = sessions.answer

    def withdraw_first(*place, **answer):
        rights.withdraw(participant)
        return store(*place, **answer)

    if not on_its_way:
        rights.withdraw(participant)
    monkeypatch.setattr(sessions, "answer", withdraw_first)
    body, start = {"kind": "name", "words": WORDS}, f"/s/{study.slug}/"
    if by_script:
        response = client.put(f"{start}answers/{key}/", body, content_type="application/json")
        assert response.status_code == 403 and "problem" in response.json()
    else:
        response = client.post(f"{start}trial/{key}/", body)
        assert response.status_code == 302 and response.url == start
    assert not Answer.objects.exists() and not Participant.objects.exists()


def test_who_withdraws_waits_for_nobody_who_arrives():
    """Their own row is held, and no other: with the study's as well they deadlocked with arrivals."""
    participant = make_person(make_study(1))
    with CaptureQueriesContext(connection) as told:
        rights.withdraw(participant)
    holding = next(query["sql"] for query in told if 'FROM "study_participant"' in query["sql"])
    assert "JOIN" not in holding


def test_withdrawing_twice_at_once_erases_once():
    participant = make_person(make_study(1))

    def alone(number):
        try:
            return rights.withdraw(participant)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(alone, range(4)))
    assert sum(each is not None for each in done) == 1 and Tombstone.objects.count() == 1


def test_no_table_that_refers_to_a_participant_is_left_unnamed():
    """A new table about participants has to be thought of: what the receipt tells of it, who erases it."""
    near = {Participant, Trial}
    referring = {
        field.model
        for model in apps.get_app_config("study").get_models()
        for field in model._meta.get_fields()
        if field.concrete and field.related_model in near
    }
    assert referring | {Participant} == set(rights.TOLD)
    hidden = {
        "id",
        "token",
        "receipt_key",
        "study",
        "version",
        "condition",
        "participant",
        "stimulus",
        "trial",
    }
    hidden |= {"rule", "reason", "by", "detail", "simulated", "pseudonymised_at", "surplus"}
    for model, names in rights.TOLD.items():
        fields = {field.name for field in model._meta.concrete_fields}
        assert fields - hidden == set(names) and re.fullmatch("[a-z0-9_ ]+", " ".join(names))
