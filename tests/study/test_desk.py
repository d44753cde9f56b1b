"""The researchers' pages, walked through with Django's client."""

import csv
import io

import pytest
from django.urls import reverse

from study.models import Participant, Study
from tests.factories import CLASS_NAME, give_answers, make_participant, make_run, make_study

pytestmark = pytest.mark.django_db


def page_of(study):
    return reverse("admin:study_study_change", args=[study.pk])


def press(client, name, study):
    return client.post(reverse(f"admin:study_{name}", args=[study.pk]), follow=True)


def texts_of(page):
    form = page.context["adminform"].form
    return {name: form[name].value() or "" for name in form.fields}


def test_a_study_is_made_from_a_run_previewed_and_opened(admin_client, client):
    run = make_run(2)
    address = reverse("admin:study_study_add")
    filled = texts_of(admin_client.get(address)) | {"run": run.pk, "title": "First study"}
    made = admin_client.post(address, filled, follow=True)
    study = Study.objects.get()
    assert study.stimuli.count() == 2 and study.created_by.username == "admin"
    assert (
        "The study shows 2 summaries" in made.content.decode() and "No answers yet" in made.content.decode()
    )
    preview = press(admin_client, "preview", study)
    assert preview.redirect_chain[-1][0] == reverse("study:consent", args=[study.slug])
    assert "Preview: nothing here counts" in preview.content.decode()
    opened = press(admin_client, "open", study).content.decode()
    assert "The study is now open" in opened and f"http://testserver/s/{study.slug}/" in opened
    assert client.get(study.get_absolute_url()).status_code == 200


def test_a_run_without_summaries_is_refused_at_its_field(admin_client):
    address = reverse("admin:study_study_add")
    filled = texts_of(admin_client.get(address)) | {"run": make_run(0).pk, "title": "Empty"}
    assert "there is nothing to show" in admin_client.post(address, filled).content.decode()
    assert not Study.objects.exists()


def test_the_page_tells_counts_and_the_most_given_name(admin_client):
    study = make_study(1)
    for name in ("Wing", "the wing", "fin"):
        give_answers(make_participant(study), name)
    page = admin_client.get(page_of(study)).content.decode()
    assert "<strong>wing</strong>" in page and "67 %" in page and "<dd>3</dd>" in page


def test_once_opened_the_words_are_frozen(admin_client):
    study = make_study(1)
    admin_client.post(page_of(study), {"title": "New title", "consent": "other", "slug": "other"})
    study.refresh_from_db()
    assert study.title == "New title" and study.consent != "other" and study.slug != "other"


def test_downloads_hold_the_answers(admin_client):
    study = make_study(1)
    give_answers(make_participant(study), "wing")
    response = admin_client.get(reverse("admin:study_answers", args=[study.pk]))
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert [row["words"] for row in rows] == ["wing"] and "attachment" in response["Content-Disposition"]
    response = admin_client.get(reverse("admin:study_summaries", args=[study.pk]))
    assert b"modal_name" in b"".join(response.streaming_content)


def test_opening_warns_when_participants_can_read_the_class(admin_client):
    study = make_study(1, opened=False)
    Study.objects.update(instructions=f"Look at the {CLASS_NAME}s.")
    page = press(admin_client, "open", study).content.decode()
    assert f"Participants can read the name of what they are shown: {CLASS_NAME}." in page


def test_a_second_press_on_open_is_refused_in_words(admin_client):
    assert "The study is open already." in press(admin_client, "open", make_study(1)).content.decode()


def test_a_study_with_answers_cannot_be_deleted_one_without_can(admin_client):
    kept, gone = make_study(1), make_study(1)
    give_answers(make_participant(kept), "wing")
    give_answers(make_participant(gone, preview=True), "wing")
    for study in (kept, gone):
        admin_client.post(reverse("admin:study_study_delete", args=[study.pk]), {"post": "yes"})
    assert list(Study.objects.all()) == [kept]


@pytest.mark.parametrize("name", ["open", "close", "preview", "answers", "summaries"])
def test_strangers_and_participants_get_nothing_from_the_desk(client, name):
    study = make_study(1)
    address = reverse(f"admin:study_{name}", args=[study.pk])
    for response in (client.get(address), client.post(address)):
        assert response.status_code in (302, 405) and "login" in response.get("Location", "login")
    study.refresh_from_db()
    assert study.state == Study.State.OPEN and not Participant.objects.exists()


def test_the_list_of_studies_takes_few_queries_however_many_there_are(
    admin_client, django_assert_max_num_queries
):
    for _ in range(5):
        make_participant(make_study(1))
    with django_assert_max_num_queries(8):
        admin_client.get(reverse("admin:study_study_changelist"))
