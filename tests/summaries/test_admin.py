"""Starting and steering runs from the admin, and looking at networks and jobs."""

import pytest
from django.urls import reverse

from annotations.models import LabelledImage
from summaries import tasks
from summaries.models import Job, Network, Run, RunImage
from tests.factories import CLASS_NAME, make_run
from tests.found_runs import make_found_run, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def started(monkeypatch):
    """The runs handed to the workers, in order."""
    handed = []
    monkeypatch.setattr(tasks, "start", handed.append)
    return handed


@pytest.fixture
def form(db):
    """What to send to start a run on three images."""
    made = make_found_run(images=3, skipped=0)
    network, image_set = made.network, made.image_set
    for each in RunImage.objects.select_related("run_class__label"):
        LabelledImage.objects.create(
            image_set=image_set, label=each.run_class.label, image_id=each.image_id, path=each.file
        )
    made.delete()
    given = {"network": network.pk, "image_set": image_set.pk, "classes": "all"}
    return given | {"preset": "paper", "limit": "", "seed": "7"}


START = "/admin/summaries/run/add/"


def test_a_run_is_planned_and_handed_to_the_workers(
    admin_client, admin_user, form, started, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin_client.post(START, form)
    run = Run.objects.get()
    assert answer.url == reverse("summaries:run", args=[run.pk])
    assert (run.seed, run.queued, run.created_by, run.state) == (7, True, admin_user, Run.State.RUNNING)
    assert RunImage.objects.filter(run_class__run=run).count() == 3
    assert started == [run.pk]


def test_a_refusal_is_shown_in_the_form_and_nothing_is_planned(admin_client, form, started):
    answer = admin_client.post(START, form | {"classes": f"{CLASS_NAME}, unicorn"})
    assert "The image set has no class &#x27;unicorn&#x27;" in answer.content.decode()
    assert f"{CLASS_NAME}, unicorn" in answer.content.decode(), "what was typed stays"
    assert not Run.objects.exists()
    assert started == []


def test_a_field_that_does_not_parse_is_named(admin_client, form):
    answer = admin_client.post(START, form | {"limit": "1", "seed": "-1", "network": ""})
    assert answer.content.decode().count("errorlist") == 3
    assert not Run.objects.exists()


def test_looking_at_the_form_changes_nothing(admin_client, form):
    assert admin_client.get(START).status_code == 200
    assert not Run.objects.exists()


def test_who_may_not_add_runs_cannot_start_one(client, django_user_model, form):
    client.force_login(django_user_model.objects.create_user("looker", is_staff=True))
    assert client.post(START, form).status_code == 403
    assert not Run.objects.exists()


def test_runs_are_cancelled_and_resumed_from_the_list(
    admin_client, started, django_capture_on_commit_callbacks
):
    run = make_run(summaries=0, state=Run.State.RUNNING)
    address = reverse("admin:summaries_run_changelist")
    admin_client.post(address, {"action": "cancel_runs", "_selected_action": [run.pk]})
    assert Run.objects.get().state == Run.State.CANCELLED
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(address, {"action": "go_on_with_runs", "_selected_action": [run.pk]})
    assert Run.objects.get().state == Run.State.RUNNING
    assert started == [run.pk]
    again = {"action": "go_on_with_runs", "_selected_action": [run.pk]}
    shown = admin_client.post(address, again, follow=True).content.decode()
    assert "None of these runs is failed or cancelled." in shown


def test_the_list_of_runs_asks_the_database_no_more_for_many(admin_client, django_assert_max_num_queries):
    for _ in range(5):
        make_found_run(images=2)
    with django_assert_max_num_queries(14):
        shown = admin_client.get(reverse("admin:summaries_run_changelist")).content.decode()
    assert "Open run" in shown


def test_a_run_is_read_not_edited(admin_client):
    run = make_found_run()
    shown = admin_client.get(reverse("admin:summaries_run_change", args=[run.pk])).content.decode()
    assert 'name="_save"' not in shown
    assert reverse("summaries:run", args=[run.pk]) in shown


def test_a_run_is_deleted_with_all_that_it_found(admin_client):
    run = make_found_run()
    admin_client.post(reverse("admin:summaries_run_delete", args=[run.pk]), {"post": "yes"})
    assert not Run.objects.exists()
    assert not RunImage.objects.exists()


def test_only_the_notes_on_a_network_are_edited(admin_client):
    network = make_run(summaries=0).network
    address = reverse("admin:summaries_network_change", args=[network.pk])
    admin_client.post(address, {"licence": "CC0", "source": "here", "name": "other", "weights": "x"})
    kept = Network.objects.get()
    assert (kept.licence, kept.source) == ("CC0", "here")
    assert (kept.name, kept.weights) == (network.name, network.weights)
    assert admin_client.get(reverse("admin:summaries_network_add")).status_code == 403


def test_the_list_of_networks_tells_how_each_was_checked(admin_client):
    network = make_run(summaries=0).network
    address = reverse("admin:summaries_network_changelist")
    assert "not checked" in admin_client.get(address).content.decode()
    network.check_result = {"top1": 0.9, "images": 40, "images_per_second": 31.2, "image_set": "menagerie"}
    network.save()
    shown = admin_client.get(address).content.decode()
    assert "top-1 90\xa0% on 40 images, 31 images per second" in shown


def test_jobs_are_read_with_their_reason(admin_client):
    run = make_run(summaries=0)
    job = make_job(run, "masks", state=Job.State.FAILED)
    Job.objects.update(reason="The disk is full.")
    assert "The disk is full." in admin_client.get(reverse("admin:summaries_job_changelist")).content.decode()
    address = reverse("admin:summaries_job_change", args=[job.pk])
    assert 'name="_save"' not in admin_client.get(address).content.decode()
    assert admin_client.post(reverse("admin:summaries_job_delete", args=[job.pk])).status_code == 403


def test_the_front_page_bears_the_product_s_name_and_leads_on(admin_client):
    shown = admin_client.get(reverse("admin:index")).content.decode()
    assert "Meronym" in shown
    assert "Django administration" not in shown
    for address in (reverse("summaries:runs"), START, reverse("admin:study_study_changelist")):
        assert f'href="{address}"' in shown
