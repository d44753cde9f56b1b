"""What participants may see: the receipt, the download, and the way to withdraw, also in a real browser."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from study import rights
from study.models import Participant, Study
from tests.axe import check
from tests.factories import CLASS_NAME, FILE_NAME, NETWORK_NAME, make_study
from tests.study.person import (
    FEEDBACK,
    PERSON,
    PROJECT,
    SUBMISSION,
    TOKEN,
    TOLD,
    WORDS,
    everything,
    make_person,
    press_withdraw,
    receipt_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path
    return tmp_path


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
