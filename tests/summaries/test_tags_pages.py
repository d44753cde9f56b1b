"""The page of tags, as staff see it and as nobody else does."""

import csv
import io

import pytest
from django.urls import reverse

from summaries import tasks
from summaries.models import Run, Tagging
from tests.found_runs import make_found_run, make_job, tag_summaries

pytestmark = pytest.mark.django_db


@pytest.fixture
def started(monkeypatch):
    """The runs handed to the workers, in order."""
    handed = []
    monkeypatch.setattr(tasks, "start", handed.append)
    return handed


def text(response):
    return " ".join(response.content.decode().replace("&nbsp;", " ").replace("\xa0", " ").split())


def test_tags_stand_beside_their_summary_with_scores_and_chance(admin_client):
    run = make_found_run(classes=2, summaries=4)
    tag_summaries(run)
    shown = text(admin_client.get(reverse("summaries:tags", args=[run.pk])))
    for expected in (
        '<span class="tag">beak</span>',
        '<rect class="bar-score" width="80.0" height="8"/>',
        "Members shuffled",
        "p = 0.008, effect 1.00, n = 8",
        reverse("summaries:tags_csv", args=[run.pk]),
    ):
        assert expected in shown
    assert reverse("summaries:tags", args=[run.pk]) in text(
        admin_client.get(reverse("summaries:run", args=[run.pk]))
    )


def test_what_is_not_defined_is_said_and_not_shown_as_a_number(admin_client):
    run = make_found_run(summaries=1)
    tag_summaries(run)
    undefined = {
        "members": 1,
        "tagged": 1,
        "coherence": None,
        "specificity": None,
        "purity": 1.0,
        "controls": {},
    }
    Tagging.objects.update(scores=undefined)
    shown = text(admin_client.get(reverse("summaries:tags", args=[run.pk])))
    assert (
        "one member only" in shown and "no other summary" in shown and "there is no pair to compare" in shown
    )
    Tagging.objects.update(tags=[], scores=undefined | {"members": 4, "tagged": 0, "purity": None})
    assert "says nothing of any of the 4 members" in text(
        admin_client.get(reverse("summaries:tags", args=[run.pk]))
    )


def test_the_page_asks_the_database_no_more_for_many_summaries(admin_client, django_assert_max_num_queries):
    run = make_found_run(classes=4, summaries=3)
    for tagger in ("segments", "texture-colour", "clip"):
        tag_summaries(run, tagger)
    with django_assert_max_num_queries(14):
        admin_client.get(reverse("summaries:tags", args=[run.pk]))


def test_a_click_hands_the_summaries_to_the_workers(
    admin_client, started, django_capture_on_commit_callbacks
):
    run = make_found_run()
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin_client.post(reverse("summaries:tag", args=[run.pk]), {"tagger": ["texture-colour"]})
    tagging = run.tag_runs.get()
    assert answer.url == reverse("summaries:tags", args=[run.pk]) and started == [tagging.pk]
    assert (tagging.preset, tagging.created_by.is_superuser, tagging.queued) == ("texture-colour", True, True)


def test_what_cannot_start_is_said_and_starts_nothing(admin_client, started):
    run = make_found_run()
    for chosen, said in (
        ([], "Choose at least one"),
        (["clip"], "Choose"),
        (["segments"], "part or concept masks"),
    ):
        answer = admin_client.post(reverse("summaries:tag", args=[run.pk]), {"tagger": chosen}, follow=True)
        assert said in text(answer)
    assert not run.tag_runs.exists() and not started


def test_a_running_tagger_is_in_sight_beside_the_tags_of_others(admin_client):
    run = make_found_run()
    tag_summaries(run)
    page, folded = reverse("summaries:tags", args=[run.pk]), '<details class="card">'
    assert folded in text(admin_client.get(page))
    tag_summaries(run, "clip", state=Run.State.RUNNING)
    assert folded not in text(admin_client.get(page))


def test_a_running_tagger_can_be_cancelled_and_a_failed_one_says_why(admin_client):
    run = make_found_run()
    going, failed = tag_summaries(run, state=Run.State.RUNNING), tag_summaries(run, state=Run.State.FAILED)
    Run.objects.filter(pk=going.pk).update(stage="tag")
    make_job(going, "tag", state="waiting")
    Run.objects.filter(pk=failed.pk).update(reason="The weights are gone.")
    shown = text(admin_client.get(reverse("summaries:tags", args=[run.pk])))
    assert "Asking the tagger about each region: 0 of 1 classes" in shown and "The weights are gone." in shown
    answer = admin_client.post(reverse("summaries:cancel", args=[going.pk]), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("summaries:tags", args=[run.pk])
    assert Run.objects.get(pk=going.pk).state == Run.State.CANCELLED


def test_runs_of_taggers_stand_beside_their_run_and_not_in_the_list(admin_client):
    run = make_found_run()
    tagging = tag_summaries(run)
    listed = text(admin_client.get(reverse("summaries:runs")))
    assert f"Run {run.pk} " in listed and f"Run {tagging.pk} " not in listed
    assert admin_client.get(reverse("summaries:tags", args=[tagging.pk])).status_code == 404


def test_the_table_is_downloaded_whole(admin_client):
    run = make_found_run(summaries=2)
    tag_summaries(run)
    answer = admin_client.get(reverse("summaries:tags_csv", args=[run.pk]))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert answer["Content-Type"].startswith("text/csv") and len(rows) == 2
    assert (rows[0]["tag_1"], rows[0]["score_1"], rows[0]["purity_off_mask"]) == ("beak", "0.8", "0.4")


def test_only_staff_see_tags_and_only_those_who_may_start_runs_start_taggers(
    client, django_user_model, started
):
    run = make_found_run()
    tag_summaries(run)
    pages = [reverse(f"summaries:{name}", args=[run.pk]) for name in ("tags", "tags_csv")]
    for user in (None, django_user_model.objects.create_user("visitor")):
        if user:
            client.force_login(user)
        assert {client.get(address).status_code for address in pages} == {302}
    client.force_login(django_user_model.objects.create_user("colleague", is_staff=True))
    assert "<button" not in text(client.get(pages[0])).split("<main")[1]
    assert client.post(reverse("summaries:tag", args=[run.pk]), {"tagger": "segments"}).status_code == 403
    assert not started
