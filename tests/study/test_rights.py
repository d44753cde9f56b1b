"""What participants may ask for: the receipt, the download, and being erased for good."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as site
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.forms import model_to_dict
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from study import cookies, naming, recruitment, results, rights, sessions, tasks, tombstones
from study.models import Answer, Exclusion, NameEvent, Outcome, Participant, Recruit, Study, Tombstone, Trial
from tests.axe import check
from tests.factories import CLASS_NAME, FILE_NAME, NETWORK_NAME, make_study

pytestmark = pytest.mark.django_db(transaction=True)

PERSON, SUBMISSION, PROJECT = (
    "5f3c0a7be81d4c2a9b6e0d11",
    "64aa0a7be81d4c2a9b6e0d22",
    "77bb0a7be81d4c2a9b6e0d33",
)
TOKEN = "token-of-the-person-who-withdraws-0123456789"
WORDS, FEEDBACK, TOLD = "zygomatic flukelet", "rather lengthy thought", "left-eyed mostly"


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path
    return tmp_path


def make_person(study, *, token=TOKEN, person=PERSON, submission=SUBMISSION, words=WORDS, finished=False):
    """Somebody from Prolific with a row in every table that a participant can have rows in."""
    arrival = recruitment.Arrival("prolific", person=person, submission=submission, project=PROJECT)
    participant = sessions.start(study, token, arrival=arrival)
    sessions.consent(participant)
    sessions.finish_instructions(participant)
    sessions.finish_practice(participant)
    keys = participant.trials.order_by("position").values_list("key", flat=True)
    for key in keys if finished else keys[:1]:
        sessions.answer(participant, key, kind="name", words=words)
    participant.events.create(kind="focus", detail={"words": words})
    participant.events.create(kind="check", detail={"chosen": [1]})
    participant.exclusions.create(rule="by hand", reason="careless", by=None)
    Participant.objects.filter(pk=participant.pk).update(profile={"sight": TOLD}, feedback=FEEDBACK)
    if finished:
        sessions.finish(participant)
    participant.refresh_from_db()
    return participant


def decide_about(study):
    """What coders and findings tell of the words that the person alone typed."""
    ann = get_user_model().objects.create_superuser("ann")
    naming.merge(study, [WORDS], f"the {WORDS}s", by=ann, reason=f"{WORDS.title()} is what it is")
    naming.code(study, [WORDS], WORDS, by=ann)
    study.snapshots.create(stamp="0" * 64, content={"names": [[WORDS, 1]]})


def log_about(participant):
    """What the site's log tells when researchers touched these rows."""
    user = get_user_model().objects.create_superuser("researcher")
    for row, message in (
        (participant, ""),
        (participant.recruit, ""),
        (participant.study, f"excluded {participant.code}, known as {PERSON}"),
    ):
        LogEntry.objects.create(
            user=user,
            content_type=ContentType.objects.get_for_model(row),
            object_id=row.pk,
            object_repr=str(row),
            action_flag=CHANGE,
            change_message=message,
        )


def everything():
    """Every value of every table as one text, sessions decoded, whatever tables there are."""
    cells = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor, include_views=True):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            cells += [str(cell) for row in cursor.fetchall() for cell in row]
    cells += [json.dumps(session.get_decoded()) for session in Session.objects.all()]
    return "\n".join(cells)


def secrets_of(participant):
    return {PERSON, SUBMISSION, TOKEN, WORDS, FEEDBACK, TOLD, participant.code, participant.receipt_key}


def receipt_of(participant):
    return reverse("study:receipt", args=[participant.receipt_key])


def press_withdraw(client, participant, **sent):
    return client.post(reverse("study:withdraw", args=[participant.receipt_key]), sent or {"sure": "on"})


def keep_rows(participant):
    """All rows of a participant, to put them back as a restored copy of the database would."""
    rows = [participant, *Recruit.objects.filter(participant=participant), *participant.trials.all()]
    rows += Answer.objects.filter(trial__participant=participant)
    return [*rows, *participant.events.all(), *participant.exclusions.all()]


def restore(rows):
    Tombstone.objects.all().delete()
    for row in rows:
        type(row).objects.bulk_create([row])  # no default and no clock: as it was


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


def test_the_receipt_tells_what_is_stored_and_nothing_of_what_was_shown(client):
    study = make_study(2)
    participant = make_person(study)
    response = client.get(receipt_of(participant))
    page = response.content.decode()
    for said in (PERSON, SUBMISSION, PROJECT, WORDS, FEEDBACK, TOLD, participant.code):
        assert said in page
    assert participant.consent_sha256 in page and "Not yet." in page
    for act in ("Leaving", "Skipping a picture", "Withdrawing"):
        assert act in page
    taken = client.get(receipt_of(participant) + "download.json")
    assert "attachment" in taken["Content-Disposition"]
    for text in (page, taken.content.decode()):
        hidden = [CLASS_NAME, NETWORK_NAME, FILE_NAME, "decoy", "gold", "by hand", TOKEN, study.title]
        assert not [word for word in [*hidden, *stimuli_of(study)] if word in text]
    for answer in (response, taken):
        assert "no-store" in answer["Cache-Control"] and "noindex" in answer["X-Robots-Tag"]
        assert answer["Referrer-Policy"] in ("same-origin", "no-referrer")


def stimuli_of(study):
    return [key for stimulus in study.stimuli.all() for key in [stimulus.exhibit, *stimulus.pictures]]


def test_the_download_holds_every_row_of_theirs(client):
    participant = make_person(make_study(2))
    told = client.get(receipt_of(participant) + "download.json").json()
    assert told["participant"]["code"] == participant.code and told["participant"]["feedback"] == FEEDBACK
    assert told["recruiter"][0]["person"] == PERSON
    assert "surplus" not in told["answers"][0]  # no check is ever surplus, so it would tell which were checks
    assert [(answer["position"], answer["words"]) for answer in told["answers"]] == [(1, WORDS)]
    assert [event["kind"] for event in told["events"]] == ["focus", "check"] and len(told["exclusions"]) == 1
    assert told["events"][1]["detail"] == {"chosen": [1]} and WORDS not in str(told["events"])
    assert told["consent"] and told["study"] == participant.study.slug


def test_reading_the_receipt_changes_nothing_and_a_get_withdraws_nobody(client):
    participant = make_person(make_study(1))
    client.get(receipt_of(participant))  # content types are made at the first look
    before = everything()
    client.get(receipt_of(participant))
    client.get(receipt_of(participant) + "download.json")
    assert client.get(receipt_of(participant) + "withdraw/").status_code == 405
    assert everything() == before


def test_without_the_tick_or_without_the_token_against_forgery_nothing_is_erased():
    participant = make_person(make_study(1))
    page = press_withdraw(Client(), participant, other="x")
    assert page.status_code == 200 and "please tick the box" in page.content.decode()
    assert press_withdraw(Client(enforce_csrf_checks=True), participant).status_code == 403
    assert Participant.objects.exists()


def test_withdrawing_ends_at_the_stated_moment_and_a_sentence_says_so(client):
    participant = make_person(make_study(1), finished=True)
    days = participant.version.setting("withdraw_days")
    Participant.objects.update(finished_at=timezone.now() - timedelta(days=days, minutes=-1))
    assert 'name="sure"' in client.get(receipt_of(participant)).content.decode()
    Participant.objects.update(finished_at=timezone.now() - timedelta(days=days, minutes=1))
    page = client.get(receipt_of(participant)).content.decode()
    assert 'name="sure"' not in page and "You could withdraw until" in page
    assert press_withdraw(client, participant).status_code == 403
    assert Participant.objects.exists()


def test_a_participant_keeps_the_days_that_their_version_promised(client):
    participant = make_person(make_study(1), finished=True)
    Study.objects.update(withdraw_days=0)
    assert rights.may_withdraw(rights.find(participant.receipt_key))


def test_nobody_finds_a_receipt_by_guessing(client):
    make_person(make_study(1))
    for key in ("x", "withdraw", TOKEN, "A" * 43):
        for more in ("", "download.json"):
            assert client.get(f"/r/{key}/{more}").status_code == 404
        assert client.post(f"/r/{key}/withdraw/", {"sure": "on"}).status_code == 404


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


OPEN = """async (change) => {
    const { openOutbox } = await import("/static/study/outbox.js");
    const outbox = await openOutbox();
    if (change) await outbox.add(change, { kind: "name", words: "never sent" });
    return (await outbox.entries()).map((entry) => entry.trial);
}"""


@pytest.mark.browser
def test_somebody_withdraws_by_keyboard_on_a_narrow_screen_and_their_browser_forgets_too(page, live_server):
    participant = make_person(make_study(2))
    mine, others = str(participant.trials.last().key), "6a0d3a4e-5f0b-4c1e-9d52-0d6a6f1c2b3a"
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(live_server.url + receipt_of(participant))
    check(page)
    page.evaluate(OPEN, mine)
    assert set(page.evaluate(OPEN, others)) == {mine, others}
    page.get_by_role("button", name="Withdraw and erase").press("Enter")
    page.get_by_role("alert").wait_for()
    assert page.get_by_role("checkbox").evaluate("box => box === document.activeElement")
    check(page)
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="You have withdrawn").wait_for()
    check(page)
    assert not Participant.objects.exists()
    page.wait_for_function(f"async () => (await ({OPEN})(null)).length === 1")
    assert page.evaluate(OPEN, None) == [others]
    assert all(url.startswith(live_server.url) for url in asked)
