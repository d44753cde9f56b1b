"""The participant's way in a real browser: by keyboard, double click, back, reload, without scripts."""

import csv
import io

import pytest
from axe_playwright_python.sync_playwright import Axe

from study import exports
from study.models import Answer, Participant
from tests.factories import CLASS_NAME, FILE_NAME, NETWORK_NAME, make_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def check(page):
    """No finding of axe, and nothing to scroll sideways."""
    findings = Axe().run(page, options=RULES).response["violations"]
    assert not findings, [(finding["id"], finding["nodes"][0]["html"]) for finding in findings]
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def go_to_first_trial(page, url, checked=lambda page: None):
    page.goto(url)
    checked(page)
    page.get_by_role("button", name="Start").click()
    page.get_by_label("I have read this").wait_for()
    checked(page)
    page.get_by_label("I have read this").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Begin").wait_for()
    checked(page)
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("1 of ").wait_for()
    checked(page)


def rows_of(study):
    return list(csv.DictReader(io.StringIO("".join(exports.answer_lines(study)))))


def test_a_participant_goes_from_consent_to_thanks_and_nothing_leaks(page, live_server):
    study = make_study(3)
    exchanged = []
    page.on(
        "request", lambda request: exchanged.append(f"{request.url} {request.headers} {request.post_data}")
    )
    page.on("response", lambda response: exchanged.append(f"{response.url} {response.headers}"))
    page.set_viewport_size({"width": 320, "height": 640})
    go_to_first_trial(page, live_server.url + study.get_absolute_url(), check)
    exchanged.append(page.content())
    page.get_by_label("Your answer").press("Enter")
    page.get_by_text("Please type a name").wait_for()
    check(page)
    page.get_by_label("Your answer").fill("The Wing")
    page.get_by_label("Your answer").press("Enter")
    page.get_by_text("2 of 3").wait_for()
    page.get_by_role("button", name="Nothing in common").click()
    page.get_by_text("3 of 3").wait_for()
    page.get_by_role("button", name="I can’t tell").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    check(page)
    code = page.locator("#code").inner_text()
    page.reload()
    assert page.locator("#code").inner_text() == code == Participant.objects.get().completion_code
    rows = rows_of(study)
    assert [row["words"] or row["kind"] for row in rows] == ["The Wing", "nothing_in_common", "cannot_tell"]
    assert all(0 <= float(row["seconds"]) < 60 and row["shown"] <= row["received"] for row in rows)
    assert all(entry.startswith((live_server.url, "<")) for entry in exchanged)
    seen = "\n".join(exchanged).lower()
    assert not [secret for secret in (CLASS_NAME, NETWORK_NAME, FILE_NAME) if secret.lower() in seen]


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
    assert list(Answer.objects.values_list("words", flat=True)) == ["wing"]
    assert Participant.objects.count() == 1


def test_without_scripts_the_whole_way_is_open(browser, live_server):
    study = make_study(1)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    go_to_first_trial(page, live_server.url + study.get_absolute_url())
    page.get_by_label("Your answer").fill("wing")
    page.get_by_label("Your answer").press("Enter")
    page.get_by_role("heading", name="Thank you").wait_for()
    assert Answer.objects.get().seconds is None
    context.close()


def test_a_researcher_opens_a_study_and_sees_its_names(page, live_server, admin_user):
    study = make_study(2, opened=False)
    page.goto(f"{live_server.url}/admin/study/study/{study.pk}/change/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Open study").click()
    page.get_by_text("The study is now open").wait_for()
    check(page)
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Preview as participant").click()
    opened.value.get_by_text("Preview: nothing here counts").wait_for()
    assert not Participant.objects.filter(preview=False).exists()
