"""The page of names in a real browser: by keyboard alone, wide and narrow, with a thousand names."""

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from study import naming
from study.models import NameEvent
from tests.axe import check
from tests.factories import give_names, make_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ann(page, live_server):
    """Has logged in."""
    user, client = User.objects.create_superuser("ann"), Client()
    client.force_login(user)
    name = django_settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    return user


def make_named():
    study = make_study(2)
    give_names(study, ["Beak", "tail"], ["beaks", "tail"], ["beek", "tail"], ["bill", "the tail"])
    return study


def go(page, live_server, name, study):
    page.goto(live_server.url + reverse(f"study:{name}", args=[study.slug]))


def check_widths(page):
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        check(page)


def test_names_are_merged_coded_and_undone_by_keyboard_alone(page, live_server, ann):
    study = make_named()
    go(page, live_server, "names", study)
    expect(page.locator(".name")).to_have_count(4)
    check_widths(page)
    page.keyboard.press("/")
    page.keyboard.type("bee")
    expect(page.locator(".name:visible")).to_have_count(1)
    expect(page.get_by_text("1 of 4 shown")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".name:visible")).to_have_count(4)
    page.keyboard.press("Enter")  # on to the list
    expect(page.get_by_label("tail", exact=True)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Space")
    page.keyboard.press("j")
    page.keyboard.press("Space")
    expect(page.get_by_text("2 marked: “beak”, “beek”")).to_be_visible()
    page.keyboard.press("m")
    expect(page.locator("dialog").get_by_role("button", name="Merge", exact=True)).to_be_focused()
    check_widths(page)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Merged into “beak”: “beak”, “beek”.")).to_be_visible()
    expect(page.locator(".name")).to_have_count(3)
    expect(page.locator("input[name=name][value=beak]")).to_be_focused()
    check_widths(page)
    page.keyboard.press("Space")
    page.keyboard.press("c")
    expect(page.locator("dialog").get_by_label("Code")).to_be_focused()
    page.keyboard.type("head")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Coded “head”: “beak”.")).to_be_visible()
    expect(page.locator("input[name=name][value=beak]")).to_be_focused()  # the page's script has run
    page.keyboard.press("u")
    expect(page.locator("dialog").get_by_role("button", name="Undo", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Undone: the decision on “beak”.")).to_be_visible()
    assert naming.layers(study).merged("beek") == "beak" and not naming.layers(study).lexicon.codes
    assert [event.kind for event in NameEvent.objects.all()] == ["merge", "code", "undo"]


def test_keys_of_one_letter_can_be_switched_off_and_stay_off(page, live_server, ann):
    study = make_named()
    go(page, live_server, "names", study)
    page.get_by_label("Keys").uncheck()
    page.reload()
    expect(page.get_by_label("Keys")).not_to_be_checked()
    page.get_by_label("tail", exact=True).check()
    page.keyboard.press("j")
    expect(page.get_by_label("tail", exact=True)).to_be_focused()
    page.keyboard.press("m")
    page.keyboard.press("ArrowDown")  # no letter, so it works
    expect(page.get_by_label("beak", exact=True)).to_be_focused()
    expect(page.locator("dialog")).to_be_hidden()


def test_a_proposal_is_weighed_and_may_be_left(page, live_server, ann):
    study = make_named()
    go(page, live_server, "names", study)
    page.get_by_role("list", name="Perhaps the same as beek").get_by_role("button", name="beak").click()
    expect(page.locator("dialog").get_by_text("Merged, after this")).to_be_visible()
    expect(page.locator("dialog").get_by_label("Call them")).to_have_value("beak")
    page.locator("dialog").get_by_role("link", name="Cancel").click()
    expect(page.locator("dialog")).to_be_hidden()
    assert not NameEvent.objects.exists()


def test_without_scripts_plain_forms_do_the_same(browser, live_server, ann, page):
    study = make_named()
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(page.context.cookies())
    plain = context.new_page()
    go(plain, live_server, "names", study)
    plain.get_by_label("beak", exact=True).check()
    plain.get_by_label("bill", exact=True).check()
    plain.get_by_role("button", name="Merge").click()
    expect(plain.get_by_role("heading", name="Merge these names?")).to_be_visible()
    plain.get_by_label("Why").fill("another word for it")
    plain.get_by_role("button", name="Merge", exact=True).click()
    expect(plain.get_by_text("Merged into “beak”: “beak”, “bill”.")).to_be_visible()
    plain.get_by_label("Search").fill("beek")
    plain.get_by_role("search").get_by_role("button").click()
    expect(plain.locator(".name:visible")).to_have_count(1)
    context.close()
    assert NameEvent.objects.get().reason == "another word for it"


def test_the_pages_around_the_list_are_for_everybody(page, live_server, ann):
    study = make_named()
    naming.merge(study, ["beek"], "beak", by=ann)
    naming.merge(study, ["bill"], "beak", by=User.objects.create_superuser("bob"))
    naming.open_comparison(study, ann, "the deadline")
    for name, words in (("names_log", "ann, "), ("coders", "Where they differ")):
        go(page, live_server, name, study)
        expect(page.get_by_text(words)).to_be_visible()
        check_widths(page)
    go(page, live_server, "names", study)
    page.locator(".name", has_text="beek").get_by_role("link", name="pictures").click()
    expect(page.get_by_role("img").first).to_be_visible()
    check_widths(page)


def test_a_thousand_names_are_searched_as_one_types(page, live_server, ann):
    study = make_study(20, target=100)
    give_names(study, *[[f"name {who} {place}" for place in range(20)] for who in range(50)])
    go(page, live_server, "names", study)
    expect(page.locator(".name")).to_have_count(1000)
    page.get_by_label("Search").fill("name 49 1")
    expect(page.locator(".name:visible")).to_have_count(11)
    expect(page.get_by_text("11 of 1000 shown")).to_be_visible()
