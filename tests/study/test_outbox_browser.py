"""Answers under bad conditions, in a real browser: offline, killed, two tabs, refused, no database."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from study import sessions, views
from study.models import Answer, Outcome, Participant
from tests.axe import check
from tests.factories import make_participant, make_study, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def walk_to_first_trial(page, url, *, by_script=True):
    page.goto(url)
    page.get_by_role("button", name="Start").click()
    page.get_by_label("I am at least").check()
    page.get_by_label("I have read this").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Try one page").click()
    page.get_by_role("button", name="I can’t tell").click()
    with page.expect_response("**/work/") if by_script else nullcontext():  # the scripts have taken over
        page.get_by_role("button", name="Go on").click()
    page.get_by_text("1 of ").wait_for()
    page.wait_for_load_state("networkidle")  # and fetched what comes next


def give(page, words, then):
    page.get_by_label("Your answer").fill(words)
    page.get_by_label("Your answer").press("Enter")
    page.get_by_text(then, exact=True).wait_for()


def finish(page):
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("heading", name="Thank you").wait_for()


def stored():
    return list(Answer.objects.order_by("trial__position").values_list("words", flat=True))


def test_offline_the_study_goes_on_and_every_answer_arrives_once_when_the_connection_is_back(
    page, live_server
):
    study = make_study(7)
    walk_to_first_trial(page, live_server.url + study.get_absolute_url())
    page.context.set_offline(True)
    for position, words in enumerate("abcd", start=1):
        give(page, words, f"{position + 1} of 7")
    page.get_by_text("4 waiting to be sent").wait_for()
    page.get_by_label("Your answer").fill("e")
    page.get_by_label("Your answer").press("Enter")
    page.get_by_role("heading", name="Waiting for the connection").wait_for()
    check(page)
    assert stored() == []
    page.context.set_offline(False)
    page.get_by_text("6 of 7").wait_for()
    give(page, "f", "7 of 7")
    page.get_by_role("button", name="Nothing in common").click()
    finish(page)
    assert stored() == [*"abcdef", ""]
    assert Answer.objects.filter(evidence__offline=True).count() >= 4
    assert Participant.objects.get().outcome == Outcome.COMPLETED


def test_a_browser_killed_with_answers_waiting_sends_them_when_it_is_opened_again(page, live_server):
    study = make_study(3)
    address = live_server.url + study.get_absolute_url()
    walk_to_first_trial(page, address)
    page.route("**/answers/**", lambda route: route.abort())
    give(page, "wing", "2 of 3")
    page.get_by_text("1 waiting to be sent").wait_for()
    page.close()
    again = page.context.new_page()
    again.goto(address)
    again.get_by_text("2 of 3", exact=True).wait_for()
    again.get_by_text("Saved", exact=True).wait_for()
    assert stored() == ["wing"]


def test_lost_responses_and_two_tabs_leave_one_row_each_and_the_first_answer_stands(page, live_server):
    study = make_study(2)
    address = live_server.url + study.get_absolute_url()
    walk_to_first_trial(page, address)
    other = page.context.new_page()
    with other.expect_response("**/work/"):
        other.goto(address)
    other.wait_for_load_state("networkidle")
    lost = []

    def lose_first_response(route):
        response = route.fetch()
        if lost:
            route.fulfill(response=response)
        else:
            lost.append(response)
            route.abort()

    page.route("**/answers/**", lose_first_response)
    give(page, "wing", "2 of 2")
    page.reload()
    page.get_by_text("2 of 2", exact=True).wait_for()
    page.get_by_text("Saved", exact=True).wait_for()
    give(other, "beak", "2 of 2")
    other.get_by_text("An earlier answer to this page was saved already").wait_for()
    page.get_by_role("button", name="I can’t tell").click()
    finish(page)
    assert stored() == ["wing", ""] and lost[0].status == 201
    other.reload()
    assert other.locator("#code").inner_text() == page.locator("#code").inner_text()


def test_the_same_answer_sent_twenty_times_at_once_is_one_row_with_one_receipt(page, live_server):
    study = make_study(1)
    walk_to_first_trial(page, live_server.url + study.get_absolute_url())
    responses = page.evaluate(
        """async () => {
          const { start, key } = document.getElementById("trial").dataset;
          const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
          const put = () => fetch(`${start}answers/${key}/`, {
            method: "PUT",
            headers: { "Content-Type": "application/json", "X-CSRFToken": token },
            body: JSON.stringify({ kind: "name", words: "wing" }),
          }).then(async (response) => [response.status, (await response.json()).receipt]);
          return Promise.all(Array.from({ length: 20 }, put));
        }"""
    )
    assert stored() == ["wing"]
    assert sorted(status for status, _ in responses) == [200] * 19 + [201]
    assert len({receipt for _, receipt in responses}) == 1


def test_what_the_server_refuses_is_shown_again_with_its_words(page, live_server):
    study = make_study(2)
    walk_to_first_trial(page, live_server.url + study.get_absolute_url())
    page.route(
        "**/answers/**", lambda route: route.fulfill(status=422, json={"problem": "Not like this."}), times=1
    )
    page.get_by_label("Your answer").fill("wing")
    page.get_by_label("Your answer").press("Enter")
    page.get_by_text("2 of 2", exact=True).wait_for()
    page.get_by_role("button", name="I can’t tell").click()
    page.get_by_text("Not like this.").wait_for()
    assert page.get_by_label("Your answer").input_value() == "wing"
    page.get_by_label("Your answer").fill("beak")
    page.get_by_label("Your answer").press("Enter")
    finish(page)
    assert stored() == ["beak", ""]


@pytest.mark.parametrize(
    ("link", "heading"),
    [
        ("?PROLIFIC_PID=ab12", "Please open the link once more"),
        ("", "This browser is not recognised any more"),
    ],
)
def test_a_forgotten_browser_keeps_its_answers_and_is_told_what_can_be_done(page, live_server, link, heading):
    """A personal link leads back to the participant; a plain one leads to nobody any more."""
    study = make_study(2, recruiter="prolific" if link else "plain")
    walk_to_first_trial(page, live_server.url + study.get_absolute_url() + link)
    page.context.clear_cookies()
    give(page, "wing", "2 of 2")
    page.locator("#notice", has_text="This browser is not recognised any more").wait_for()
    page.get_by_text("1 waiting to be sent").wait_for()
    page.get_by_role("button", name="Skip this one").click()
    page.get_by_role("heading", name=heading).wait_for()
    assert stored() == []


def test_without_a_database_in_the_browser_plain_forms_do_the_work(page, live_server):
    page.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
    study = make_study(2)
    walk_to_first_trial(page, live_server.url + study.get_absolute_url(), by_script=False)
    give(page, "wing", "2 of 2")
    page.go_back()
    page.get_by_text("2 of 2", exact=True).wait_for()
    page.get_by_role("button", name="Skip this one").click()
    finish(page)
    assert stored() == ["wing", ""]
    assert Answer.objects.get(words="wing").seconds > 0


def test_a_page_reloaded_while_its_answer_arrives_is_no_page_to_change_it(monkeypatch):
    """The answer is stored just after the page was found to be the next one, and before it is drawn."""
    participant = make_participant(make_study(2))
    here, browser = sessions.place_of(participant), signed_in(participant)

    def place_of(participant):
        sessions.answer(participant, here.trial.key, kind="name", words="wing", seconds=None)
        return here

    monkeypatch.setattr(views, "sessions", SimpleNamespace(**vars(sessions) | {"place_of": place_of}))
    page = browser.get(views.address_of(participant.study, here)).content.decode()
    assert stored() == ["wing"] and "data-revisited" not in page and "1 of 2" in page


def test_a_reload_leads_on_though_answers_may_be_changed_and_the_receipt_is_not_there(page, live_server):
    study = make_study(3, revisable=True)
    walk_to_first_trial(page, live_server.url + study.get_absolute_url())
    first = page.url
    page.route("**/answers/**", lambda route: route.abort())
    give(page, "wing", "2 of 3")
    assert page.url != first
    sessions.answer(Participant.objects.get(), first.split("/")[-2], kind="name", words="wing")
    page.reload()
    page.get_by_text("2 of 3", exact=True).wait_for()
    page.goto(first)  # where the server leads who comes before the answer does
    page.get_by_text("2 of 3", exact=True).wait_for()
    page.unroute("**/answers/**")
    page.reload()
    page.get_by_text("Saved", exact=True).wait_for()
    page.get_by_role("link", name="Change the answer before").click()
    page.get_by_text("1 of 3", exact=True).wait_for()
    assert stored() == ["wing"]
