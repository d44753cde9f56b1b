"""The report and its figures in a real browser."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from tests.axe import check
from tests.factories import give_answers, make_design, make_participant

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def researcher(page, client, live_server):
    client.force_login(User.objects.create_superuser("researcher"))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    return page


@pytest.fixture
def study(db):
    made = make_design(conditions=2, summaries=2)
    for words in ("wing", "beak"), ("wings", "翅膀"), ("fin", "cannot_tell"), ("wing", "nothing_in_common"):
        give_answers(make_participant(made), *words)
    return made


def test_the_report_passes_axe_wide_and_narrow(researcher, study, live_server):
    page = researcher
    page.route("**/figures/**", lambda route: route.abort())  # no drawing is under way when the test ends
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{live_server.url}/desk/{study.slug}/report/")
        expect(page.get_by_role("heading", name="Limitations")).to_be_visible()
        check(page)


def test_a_figure_opened_by_itself_keeps_its_colours_and_its_words(researcher, study, live_server):
    page = researcher
    page.goto(f"{live_server.url}/desk/{study.slug}/results/figures/forest.svg")
    expect(page.locator("svg text", has_text="wing").first).to_be_visible()
    assert "rgb(0, 114, 178)" in page.evaluate(
        "[...document.querySelectorAll('path')].map((path) => getComputedStyle(path).stroke).join(' ')"
    )
