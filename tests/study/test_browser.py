"""The participant's way in a real browser: by keyboard, double click, back, reload, without scripts."""

import csv
import io
import itertools
import json
from urllib.parse import urlsplit

import pytest

from study import exports
from study.models import Answer, Participant, Stimulus
from tests.axe import check
from tests.factories import CLASS_NAME, FILE_NAME, NETWORK_NAME, make_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WHERE = "location.href + document.title"


def go_to_first_trial(page, url, checked=lambda page: None):
    """Through all pages before the trials, with the keyboard's Enter for the last one."""
    page.goto(url)
    checked(page)
    page.get_by_role("button", name="Start").click()
    page.get_by_label("I have read this").wait_for()
    checked(page)
    page.get_by_label("I am at least").check()
    page.get_by_label("I have read this").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Try one page").wait_for()
    checked(page)
    page.get_by_role("button", name="Try one page").click()
    page.get_by_label("Your answer").fill("wheel")
    checked(page)
    page.get_by_label("Your answer").press("Enter")
    page.get_by_text("Well done").wait_for()
    checked(page)
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("1 of ").wait_for()
    checked(page)


def finish(page, checked=lambda page: None):
    """The completion code."""
    page.get_by_role("heading", name="All your answers are saved").wait_for()
    checked(page)
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    checked(page)
    return page.locator("#code").inner_text()


def rows_of(study):
    return list(csv.DictReader(io.StringIO("".join(exports.answer_lines(study)))))


def traffic(archive):
    """All that went over the line, the pixels of pictures left out, and the hosts that it went to."""
    entries = json.loads(archive.read_text())["log"]["entries"]
    for entry in entries:
        if entry["response"]["content"].get("mimeType") == "image/png":
            entry["response"]["content"].pop("text", None)
    addresses = [entry["request"]["url"].removeprefix("blob:") for entry in entries]
    return json.dumps(entries).lower(), {urlsplit(address).netloc for address in addresses}


def test_a_participant_goes_from_start_to_thanks_and_nothing_leaks(browser, live_server, tmp_path):
    study = make_study(3)
    study.stimuli.filter(position=1).update(kind=Stimulus.Kind.GOLD, accepted=["goldenword"])
    study.stimuli.filter(position=2).update(kind=Stimulus.Kind.DECOY)
    context = browser.new_context(
        viewport={"width": 320, "height": 640}, record_har_path=tmp_path / "har", record_har_content="embed"
    )
    page = context.new_page()
    go_to_first_trial(page, live_server.url + study.get_absolute_url(), check)
    page.get_by_label("Your answer").press("Enter")
    page.get_by_text("Please type a name").wait_for()
    check(page)
    page.get_by_label("Your answer").fill("The Wing")
    page.get_by_label("Your answer").press("Enter")
    page.get_by_text("2 of 3").wait_for()
    check(page)
    page.get_by_role("button", name="Nothing in common").click()
    page.get_by_text("3 of 3").wait_for()
    page.get_by_role("button", name="Skip this one").click()
    code = finish(page, check)
    page.reload()
    assert page.locator("#code").inner_text() == code == Participant.objects.get().completion_code
    rows = rows_of(study)
    assert [row["words"] or row["kind"] for row in rows] == ["The Wing", "nothing_in_common", "skipped"]
    assert all(0 <= float(row["seconds"]) < 60 and row["shown"] <= row["received"] for row in rows)
    context.close()
    told, hosts = traffic(tmp_path / "har")
    assert hosts == {urlsplit(live_server.url).netloc} and "the wing" in told
    secrets = [CLASS_NAME, NETWORK_NAME, FILE_NAME, "gold", "decoy", "condition"]
    files = [key for stimulus in study.stimuli.all() for key in stimulus.pictures]
    assert not [word for word in secrets + files if word.lower() in told]


@pytest.mark.parametrize(
    "language, width", [("en", 640), ("zh-hans", 320)], ids=["at 200 percent", "in Chinese"]
)
def test_every_page_is_accessible_and_works_by_keys(page, live_server, language, width):
    """Half of 1280 pixels is what a zoom of 200 percent leaves. Nothing may break the content policy."""
    errors = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    asked = [{"key": "a", "text": "?", "choices": ["1", "2"]}, {"key": "b", "text": "??"}]
    known = [{"text": "???", "choices": ["1", "2"], "right": 0}]
    study = make_study(2, language=language, questions=asked, comprehension=known, revisable=True)
    page.set_viewport_size({"width": width, "height": 500})
    page.goto(live_server.url + study.get_absolute_url())
    seen = []
    while page.locator("#code").count() == 0:
        seen.append(urlsplit(page.url).path.split("/")[3])
        check(page)
        for box in page.locator("input[type=checkbox]").all():
            box.press("Space")
        if page.locator("input[type=radio]").count():
            page.locator("input[type=radio]").first.press("Space")
        here = page.evaluate(WHERE)
        unsure = page.locator("[value=cannot_tell]")
        (unsure if unsure.count() else page.locator("form button").first).press("Enter")
        page.wait_for_function(f"here => {WHERE} !== here", arg=here)
    check(page)
    way = ["", "consent", "questions", "instructions", "practice", "check", "trial", "trial", "feedback"]
    assert not errors
    assert [name for name, _ in itertools.groupby(seen)] == [name for name, _ in itertools.groupby(way)]


@pytest.mark.parametrize("state", ["draft", "paused", "closed"])
def test_a_shut_door_is_accessible_too(page, live_server, state):
    page.goto(live_server.url + make_study(1, opened=False, state=state).get_absolute_url())
    check(page)


def test_double_click_back_button_and_reload_store_one_answer_each(page, live_server):
    study = make_study(3)
    go_to_first_trial(page, live_server.url + study.get_absolute_url())
    page.get_by_label("Your answer").fill("wing")
    page.get_by_role("button", name="Next").dblclick()
    page.get_by_text("2 of 3").wait_for()
    page.go_back()
    page.get_by_text("2 of 3").wait_for()
    page.reload()
    page.get_by_text("2 of 3").wait_for()
    page.get_by_text("Saved", exact=True).wait_for()
    assert list(Answer.objects.values_list("words", flat=True)) == ["wing"]
    assert Participant.objects.count() == 1


def test_without_scripts_the_whole_way_is_open(browser, live_server):
    study = make_study(1)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    go_to_first_trial(page, live_server.url + study.get_absolute_url())
    page.get_by_label("Your answer").fill("wing")
    page.get_by_label("Your answer").press("Enter")
    assert finish(page) == Participant.objects.get().completion_code
    assert Answer.objects.get().seconds is None
    context.close()


def test_a_researcher_opens_a_study_and_sees_its_names(page, live_server, admin_user):
    study = make_study(2, opened=False)
    page.goto(f"{live_server.url}/admin/study/study/{study.pk}/change/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Publish study").click()
    page.get_by_text("takes part in version 1").first.wait_for()
    check(page)
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Preview").click()
    opened.value.get_by_text("Preview: nothing here counts").wait_for()
    assert not Participant.objects.filter(preview=False).exists()
