"""The desk of a study in a real browser: designed, published and undone, on a wide and on a narrow screen."""

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from study import publishing, stimuli
from tests.axe import check
from tests.found_runs import make_found_run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def check_desk(page):
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        check(page, within=".desk")


def log_in(page, live_server):
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": django_settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )


def make_draft():
    study = publishing.create_study(make_found_run(summaries=3), "Parts of a quokkafish")
    stimuli.add_condition(study, make_found_run(summaries=2))
    return study


def test_a_study_is_designed_published_and_changed_on_its_desk(page, live_server):
    log_in(page, live_server)
    study = make_draft()
    page.goto(live_server.url + reverse("admin:study_study_change", args=[study.pk]))
    check_desk(page)
    group = page.locator(".desk-group").first
    group.get_by_role("button", name="Add decoys").click()
    page.get_by_text("Decoys were added: 3.").first.wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone: Decoys were added: 3.").wait_for()
    assert study.stimuli.count() == 5
    group.get_by_text("Gold").first.click()
    group.get_by_label("Names that are right").first.fill("beak|bill")
    group.get_by_role("button", name="Save").first.click()
    page.get_by_text("beak | bill").wait_for()
    check_desk(page)
    page.get_by_role("button", name="Publish study").click()
    page.get_by_text("takes part in version 1").first.wait_for()
    page.get_by_label("Analysis plan").fill("Count the names.")
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_text("Unpublished changes: analysis plan").wait_for()
    check_desk(page)
    page.get_by_role("button", name="Publish as a new version").click()
    page.get_by_text("Version 2 is what newcomers take part in").wait_for()
    page.get_by_role("link", name="its SHA-256").first.click()
    page.locator("code:focus").wait_for()
    check_desk(page)
