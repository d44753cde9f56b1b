"""The gallery in a real browser: by keyboard, on a phone, light and dark, and while a run goes on."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from summaries.models import Run, RunImage, Summary
from tests.axe import check
from tests.factories import make_run
from tests.found_runs import make_found_run, make_job

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a-word-for-tests"


@pytest.fixture
def staff(page, live_server, django_user_model):
    """A page of somebody who has logged in on the way to the gallery."""
    django_user_model.objects.create_superuser("ada", password=PASSWORD)
    page.goto(live_server.url + reverse("summaries:runs"))
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Gallery", level=1).wait_for()
    return page


def addresses():
    run = make_found_run(classes=2, summaries=2)
    failed = make_run(summaries=0, state=Run.State.FAILED)
    Run.objects.filter(pk=failed.pk).update(reason="The disk is full.", stage="masks")
    running = make_run(summaries=0, state=Run.State.RUNNING)
    return [
        reverse("summaries:runs"),
        *(reverse("summaries:run", args=[each.pk]) for each in (run, failed, running)),
        reverse("summaries:summary", args=[Summary.objects.first().pk]),
        reverse("summaries:image", args=[RunImage.objects.first().pk]),
        reverse("summaries:image", args=[RunImage.objects.exclude(skipped="").first().pk]),
        reverse("admin:index"),
        reverse("admin:summaries_run_add"),
        reverse("admin:summaries_run_changelist"),
    ]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_every_page_is_sound_on_desk_and_phone(staff, live_server, width, scheme):
    staff.set_viewport_size({"width": width, "height": 800})
    staff.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    check(staff)
    for address in addresses():
        staff.goto(live_server.url + address)
        staff.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        check(staff)


def test_layers_are_switched_off_by_keyboard(staff, live_server):
    make_found_run()
    staff.goto(live_server.url + reverse("summaries:summary", args=[Summary.objects.get().pk]))
    for switch, layer in (("Dim the context", ".dim"), ("Hull", ".hull"), ("Outline", ".outline")):
        drawn = staff.locator(f".member-view {layer}").first
        expect(drawn).to_be_visible()
        staff.get_by_label(switch).press("Space")
        expect(drawn).to_be_hidden()
        staff.get_by_label(switch).press("Space")
        expect(drawn).to_be_visible()


def test_the_page_of_a_run_follows_it_to_its_end_without_a_hand(staff, live_server):
    run = make_run(summaries=1, state=Run.State.RUNNING)
    Run.objects.filter(pk=run.pk).update(stage="masks")
    job = make_job(run, "masks", state="claimed")
    staff.goto(live_server.url + reverse("summaries:run", args=[run.pk]))
    staff.get_by_text("0 of 1").wait_for()
    job.state = "done"
    job.save()
    staff.get_by_text("1 of 1").wait_for()
    Run.objects.filter(pk=run.pk).update(state=Run.State.FINISHED)
    staff.get_by_role("link", name="Create a study from this run").wait_for()


def test_a_run_is_cancelled_and_resumed_by_its_buttons(staff, live_server, monkeypatch):
    monkeypatch.setattr("summaries.tasks.start", lambda run_pk: None)
    run = make_run(summaries=0, state=Run.State.RUNNING)
    staff.goto(live_server.url + reverse("summaries:run", args=[run.pk]))
    staff.get_by_role("button", name="Cancel").press("Enter")
    staff.get_by_text("The run was cancelled.").wait_for()
    staff.get_by_role("button", name="Resume").press("Enter")
    staff.get_by_text("The run goes on where it stood.").wait_for()
