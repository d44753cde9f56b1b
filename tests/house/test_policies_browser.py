"""The admin and the gallery work under the content policy: Chromium has nothing to complain of."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from study import views
from study.models import Answer
from tests.factories import give_answers, make_participant, make_study
from tests.found_runs import make_found_run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct horse battery"


@pytest.fixture
def complaints(page):
    """What Chromium says while pages load: refused scripts and styles, errors of scripts."""
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def test_staff_work_under_the_policy(live_server, page, complaints):
    User.objects.create_superuser("keeper", password=PASSWORD)
    run, study = make_found_run(), make_study(2)
    participant = make_participant(study)
    give_answers(participant, "wing")
    page.goto(live_server.url + "/admin/login/")
    page.fill("#id_username", "keeper")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_selector("#site-name")
    for address in (
        reverse("admin:index"),
        reverse("admin:study_study_changelist"),
        reverse("admin:study_study_add"),
        reverse("admin:study_study_change", args=[study.pk]),
        reverse("admin:study_reconcile", args=[study.pk]),
        reverse("study:monitor", args=[study.slug]),
        reverse("study:people", args=[study.slug]),
        reverse("study:person", args=[study.slug, participant.code]),
        reverse("study:receipt", args=[participant.receipt_key]),
        reverse("admin:auth_user_changelist"),
        reverse("admin:auth_user_change", args=[User.objects.get().pk]),
        reverse("admin:auth_group_add"),
        reverse("admin:password_change"),
        reverse("summaries:runs"),
        reverse("summaries:run", args=[run.pk]),
        reverse("summaries:summary", args=[run.classes.first().summaries.first().pk]),
    ):
        assert page.goto(live_server.url + address).status == 200, address
    assert complaints == []


def test_participants_work_under_the_policy(live_server, page, complaints):
    study = make_study(3)
    participant = make_participant(study)
    start = live_server.url + study.get_absolute_url()
    page.goto(start)
    cookie = views.enter(study, participant).cookies["participant"].value
    page.context.add_cookies([{"name": "participant", "value": cookie, "url": start}])
    page.goto(start)
    for place in range(1, 4):
        page.get_by_text(f"{place} of 3").wait_for()
        page.get_by_label("Your answer").fill("wing")
        page.get_by_label("Your answer").press("Enter")
    page.get_by_role("button", name="Finish").click()
    page.locator("#code").wait_for()
    assert Answer.objects.count() == 3
    assert complaints == []


def test_a_script_that_got_into_a_page_does_not_run(live_server, page, complaints):
    page.goto(live_server.url + "/admin/login/")
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.hurt = true";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", '<img src="x" onerror="window.hurt = true">');
        }"""
    )
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.hurt") is None
    assert any("Content Security Policy" in said for said in complaints)
