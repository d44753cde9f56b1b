"""The box of looks in a real browser: an undeclared look is warned of, a declared one is a press."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from study.agreement import looks
from tests.axe import check
from tests.factories import give_answers, make_participant, make_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def researcher(page, client, live_server):
    client.force_login(User.objects.create_superuser("researcher"))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    return page


def test_a_look_is_taken_with_a_reason_or_when_it_is_due(researcher, live_server):
    plan = looks.Declaration("alpha", "mechanical", looks.BOUND, 0.667, (2, 4))
    page, study = researcher, make_study(2, looks=looks.written(plan) | {"stopping": {"lead": 0.99}})
    give_answers(make_participant(study), "wing", "fin")
    page.goto(f"{live_server.url}/desk/{study.slug}/results/")
    box = page.get_by_role("region", name="Looks at the estimate", exact=True)
    box.get_by_text("Look before that all the same").click()
    expect(box.get_by_text("Whoever looks often")).to_be_visible()
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        check(page)
    box.get_by_label("Why you look now").fill("a funder asks")
    box.get_by_role("button", name="Look and write it down").click()
    expect(box.get_by_role("row", name="a funder asks")).to_be_visible()
    give_answers(make_participant(study), "wing", "fin")
    page.reload()
    box.get_by_role("button", name="Take look 1").click()
    expect(box.get_by_role("row", name="Declared look 1 at 2 participants")).to_be_visible()
    check(page)
