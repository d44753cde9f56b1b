"""From a recruiter's link through the pages: kept once, stripped, and one participant for each person."""

import html
import re

import pytest
from django.test import Client
from django.urls import reverse

from study import recruitment
from study.models import Participant, Recruit, Study
from tests.factories import make_study

PERSON = "5e9088a8a4b6ed018b45ba7b"
FIRST, SECOND = "671b8e95b17f88050648883e", "671b8e95b17f880506488840"

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    study = make_study(2)
    study.recruiter = "prolific"
    study.save()
    return study


def link(study, submission=FIRST, person=PERSON):
    query = f"?PROLIFIC_PID={person}&STUDY_ID=671b8ae84509b9a624b95e13&SESSION_ID={submission}"
    return reverse("study:start", args=[study.slug]) + query


def open_link(client, address):
    """The page to which the link leads, without what it said."""
    stripped = client.get(address)
    assert stripped.status_code == 303 and "?" not in stripped["Location"]
    return client.get(stripped["Location"], follow=True)


def press_start(client, page):
    ticket = html.unescape(re.search(r'name="ticket" value="([^"]+)"', page.content.decode())[1])
    return client.post(page.request["PATH_INFO"], {"ticket": ticket}, follow=True)


def arrive(client, address):
    return press_start(client, open_link(client, address))


def test_the_link_is_kept_at_start_and_not_before(client, study):
    page = open_link(client, link(study) + "&email=a@b.example")
    assert PERSON not in page.content.decode()
    assert not Participant.objects.exists() and not Recruit.objects.exists()
    press_start(client, page)
    recruit = Recruit.objects.get()
    assert (recruit.platform, recruit.person, recruit.submission) == ("prolific", PERSON, FIRST)
    assert recruit.participant == Participant.objects.get()


def test_the_same_submission_on_another_device_goes_on_where_it_was(client, study):
    arrive(client, link(study))
    client.post(reverse("study:consent", args=[study.slug]), {"agree": "on", "of_age": "on"})
    participant = Participant.objects.get()
    elsewhere = arrive(Client(), link(study))
    assert Participant.objects.count() == Recruit.objects.count() == 1
    assert [event.kind for event in participant.events.all()] == ["takeover"]
    assert elsewhere.redirect_chain[-1][0] != reverse("study:consent", args=[study.slug])
    here = client.get(reverse("study:start", args=[study.slug]), follow=True)
    assert here.redirect_chain[-1][0] == elsewhere.redirect_chain[-1][0], "the first device is not put out"


@pytest.mark.parametrize("state", [Study.State.CLOSED, Study.State.PAUSED])
def test_who_has_begun_finds_back_from_another_device_though_nobody_new_may_begin(client, study, state):
    arrive(client, link(study))
    client.post(reverse("study:consent", args=[study.slug]), {"agree": "on", "of_age": "on"})
    Study.objects.filter(pk=study.pk).update(state=state)
    assert arrive(Client(), link(study)).status_code == 200
    assert open_link(Client(), link(study, SECOND, "5e9088a8a4b6ed018b45ba7c")).status_code == 403


def test_another_submission_of_the_same_person_is_told_kindly(client, study):
    arrive(client, link(study))
    for browser in (client, Client()):
        page = arrive(browser, link(study, SECOND))
        assert page.status_code == 403 and "You took part already" in page.content.decode()
    assert Participant.objects.count() == Recruit.objects.count() == 1


def test_another_person_at_the_same_browser_is_another_participant(client, study):
    arrive(client, link(study))
    arrive(client, link(study, SECOND, "5e9088a8a4b6ed018b45ba7c"))
    assert Participant.objects.count() == 2


def test_a_forged_arrival_is_nobodys(client, study):
    page = open_link(client, reverse("study:start", args=[study.slug]) + "?label=poster")
    client.cookies["arrival"] = "forged:by:hand"
    press_start(client, page)
    assert Participant.objects.count() == 1 and not Recruit.objects.exists()


def test_a_code_is_nowhere_before_the_end(client, study):
    codes = [recruitment.code_for(study, outcome) for outcome in ("completed", "no_consent")]
    page = open_link(client, link(study))
    consent = press_start(client, page)
    assert not any(code in shown.content.decode() for code in codes for shown in (page, consent))
    end = client.post(reverse("study:consent", args=[study.slug]), {"decline": "on"}, follow=True)
    text = html.unescape(end.content.decode())
    assert codes[1] in text and codes[0] not in text
    assert f"https://app.prolific.com/submissions/complete?cc={codes[1]}" in text


def test_who_comes_back_by_a_survey_code_alone_may_finish_but_is_shown_no_receipt_link(client):
    """Such codes are short numbers: anybody can try the next one."""
    study = make_study(1, recruiter="sona")
    address = reverse("study:start", args=[study.slug]) + "?survey_code=10452"
    arrive(client, address)
    agreed = {"of_age": "on", "agree": "on"}
    page = client.post(reverse("study:consent", args=[study.slug]), agreed, follow=True)
    receipt = reverse("study:receipt", args=[Participant.objects.get().receipt_key])
    assert receipt in page.content.decode()
    page = arrive(Client(), address)
    assert page.request["PATH_INFO"] == reverse("study:instructions", args=[study.slug])
    assert receipt not in page.content.decode() and Participant.objects.count() == 1
