"""The researchers' page in a real browser: it keeps itself fresh, stays calm, and waits when told to."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from study import exclusions
from tests.axe import check
from tests.factories import give_answers, make_participant, make_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AT_ONCE = "setTimeout = ((wait) => (act, time) => wait(act, Math.min(time, 200)))(setTimeout)"
"""No test waits for seconds."""


@pytest.fixture
def researcher(page, client, live_server):
    client.force_login(User.objects.create_superuser("researcher"))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    return page


def test_counts_change_by_themselves_survive_a_lost_connection_and_wait_when_paused(researcher, live_server):
    page, study = researcher, make_study(1)
    page.add_init_script(AT_ONCE)
    page.goto(f"{live_server.url}/desk/{study.slug}/")
    completed = page.locator("#counts div", has_text="completed").locator("dd")
    assert completed.inner_text() == "0"
    give_answers(make_participant(study), "wing")
    page.locator("#chart rect").wait_for()
    expect(completed).to_have_text("1")  # the page may have come anew between the answer and the end
    page.context.set_offline(True)
    page.get_by_text("the numbers below are old").wait_for()
    page.context.set_offline(False)
    expect(page.locator("[data-trouble]")).to_have_text("")
    page.get_by_role("button", name="Pause the updates").click()
    with page.expect_response("**/fragment/**"):
        page.get_by_role("button", name="Go on with the updates").click()


def test_every_page_passes_axe_wide_and_narrow(researcher, live_server):
    page, study = researcher, make_study(2)
    people = [make_participant(study), make_participant(study, simulated=True)]
    give_answers(people[0], "wing", "fin")
    exclusions.exclude(people[0], "told us that it was a test", None)
    desk = f"{live_server.url}/desk/{study.slug}/"
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        for address in ("", "?who=simulated", "people/", f"people/{people[0].code}/"):
            page.goto(desk + address)
            check(page)


def test_an_exclusion_is_made_and_lifted_by_hand_with_a_reason(researcher, live_server):
    page, study = researcher, make_study(1)
    participant = make_participant(study)
    page.goto(f"{live_server.url}/desk/{study.slug}/people/{participant.code}/")
    page.get_by_text("Exclude by hand").click()
    page.get_by_label("Reason").fill("told us that it was a test")
    page.get_by_role("button", name="Exclude this participant").click()
    page.get_by_label("Why it is lifted").fill("it was another")
    page.get_by_role("button", name="Lift the exclusion").click()
    page.get_by_text("None stands").wait_for()
    told = page.locator(".timeline").inner_text()
    assert "Excluded: by hand" in told and "it was another" in told
