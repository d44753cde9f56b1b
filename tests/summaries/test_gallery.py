"""The gallery's pages in every state, as staff see them and as nobody else does."""

import subprocess
import sys
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.urls import reverse
from django.utils import timezone

from annotations import files
from summaries import gallery, progress, tasks, words
from summaries.models import Job, Member, Region, Run, RunClass, RunImage, Summary
from tests.factories import make_run
from tests.found_runs import make_found_run, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def started(monkeypatch):
    """The runs handed to the workers, in order."""
    handed = []
    monkeypatch.setattr(tasks, "start", handed.append)
    return handed


def page(client, name, *arguments):
    return client.get(reverse(f"summaries:{name}", args=arguments))


def text(response):
    return " ".join(response.content.decode().replace("\xa0", " ").split())


def set_state(run, state, **columns):
    Run.objects.filter(pk=run.pk).update(state=state, **columns)
    return Run.objects.get(pk=run.pk)


def make_running(stage="masks", done=2, claimed=1, waiting=3, seconds=10.0):
    run = set_state(make_run(summaries=0), Run.State.RUNNING, stage=stage)
    states = [Job.State.DONE] * done + [Job.State.CLAIMED] * claimed + [Job.State.WAITING] * waiting
    for number, state in enumerate(states):
        make_job(run, stage, str(number), state, seconds)
    return run


def test_nobody_but_staff_gets_in(client, django_user_model):
    run = make_found_run()
    addresses = [
        reverse("summaries:runs"),
        reverse("summaries:run", args=[run.pk]),
        reverse("summaries:progress", args=[run.pk]),
        reverse("summaries:summary", args=[Summary.objects.first().pk]),
        reverse("summaries:image", args=[RunImage.objects.first().pk]),
        reverse("summaries:photograph", args=[RunImage.objects.first().pk]),
        reverse("summaries:file", args=[Summary.objects.first().picture]),
    ]
    for user in (None, django_user_model.objects.create_user("visitor")):
        if user:
            client.force_login(user)
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code == 302
            assert answer.url.startswith(reverse("admin:login"))


def test_an_empty_gallery_says_what_to_do(admin_client):
    shown = text(page(admin_client, "runs"))
    assert "manage.py summarise --network NAME --images photos --classes all" in shown
    assert reverse("admin:summaries_run_add") in shown


def test_the_list_tells_each_run_s_state_in_words(admin_client):
    make_found_run(classes=2)
    make_running(done=2, claimed=1, waiting=3)
    set_state(make_run(summaries=0), Run.State.FAILED, reason="The disk is full.")
    set_state(make_run(summaries=0), Run.State.RUNNING)
    shown = text(page(admin_client, "runs"))
    for expected in (
        "2 summaries of 2 classes",
        "Finding the network&#x27;s evidence: 2 of 6",
        "The disk is full.",
        "Waiting for a worker",
        "preset paper",
    ):
        assert expected in shown


def test_the_list_asks_the_database_no_more_for_many_runs_than_for_one(
    admin_client, django_assert_max_num_queries
):
    for _ in range(5):
        make_found_run(images=3)
    with django_assert_max_num_queries(7):
        page(admin_client, "runs")


def test_a_running_run_shows_its_stages_and_the_time_left(admin_client):
    run = make_running(done=2, claimed=2, waiting=2, seconds=30)
    shown = text(page(admin_client, "run", run.pk))
    assert "about 1 min left in this stage" in shown, "four jobs of 30 s, two at a time"
    assert "2 of 6" in shown
    assert reverse("summaries:cancel", args=[run.pk]) in shown
    assert 'aria-current="step"' in shown
    assert "Nobody is working" not in shown


def test_the_changing_part_can_be_had_alone_and_names_the_state(admin_client):
    run = make_running()
    alone = page(admin_client, "progress", run.pk)
    assert alone.content.decode().strip().startswith('<div data-state="running">')
    assert "no-store" in alone["Cache-Control"]


def test_stages_behind_are_done_and_stages_ahead_are_not():
    found = progress.progress_of(make_running(stage="proposals"))
    assert [stage.state for stage in found.stages[:4]] == ["done", "done", "now", "later"]


def test_no_time_is_promised_before_a_job_is_finished():
    assert progress.progress_of(make_running(done=0)).now.left is None


@pytest.mark.parametrize(
    ("queued", "said"), [(True, "Is a worker running?"), (False, "The command that started this run")]
)
def test_a_run_that_nobody_works_on_says_so(admin_client, queued, said):
    run = make_running(claimed=0)
    long_ago = timezone.now() - timedelta(minutes=5)
    set_state(run, Run.State.RUNNING, created=long_ago, queued=queued)
    run.jobs.filter(state=Job.State.DONE).update(finished=long_ago)
    assert said in text(page(admin_client, "run", run.pk))


def test_a_failed_run_says_why_and_offers_to_retry(admin_client):
    run = set_state(make_run(summaries=0), Run.State.FAILED, reason="A picture is gone.")
    shown = text(page(admin_client, "run", run.pk))
    assert "<strong>This run failed.</strong> A picture is gone." in shown
    assert "<button>Retry</button>" in shown


def test_a_cancelled_run_offers_to_resume(admin_client):
    run = set_state(make_run(summaries=0), Run.State.CANCELLED)
    assert "<button>Resume</button>" in text(page(admin_client, "run", run.pk))


def test_a_finished_run_shows_what_it_found_and_what_it_left_out(admin_client):
    run = make_found_run(images=5, skipped=2, summaries=2)
    shown = text(page(admin_client, "run", run.pk))
    for expected in (
        "5 images used, 2 skipped",
        "the network says &#x27;borzoi&#x27; (0.41)",
        'common <span class="soft">80 %</span>',
        'strong <span class="soft">62 %</span>',
        "fewer than three members are alike",
        f"{reverse('admin:study_study_add')}?run={run.pk}",
        "two stages",
    ):
        assert expected in shown
    for summary in Summary.objects.all():
        assert reverse("summaries:file", args=[summary.picture]) in shown


def test_a_class_without_summaries_says_why(admin_client):
    run = make_found_run(summaries=0)
    assert "no group of regions was coherent enough" in text(page(admin_client, "run", run.pk))
    Run.objects.update(recipe=Run.Recipe.PARTS)
    assert "no group of regions is worth enough" in text(page(admin_client, "run", run.pk))
    RunImage.objects.update(skipped="too dark")
    assert "no image could be used" in text(page(admin_client, "run", run.pk))


def test_a_run_of_many_classes_is_paged_and_asks_the_database_little(
    admin_client, django_assert_max_num_queries
):
    run = make_found_run(images=2, classes=12)
    with django_assert_max_num_queries(12):
        shown = text(page(admin_client, "run", run.pk))
    assert "Page 1 of 2" in shown
    second = RunClass.objects.order_by("position").last()
    assert f"class-{second.pk}" in text(admin_client.get(reverse("summaries:run", args=[run.pk]) + "?page=2"))


def test_cancel_and_resume_only_by_post(admin_client, started, django_capture_on_commit_callbacks):
    run = make_running()
    for move in ("cancel", "resume"):
        assert page(admin_client, move, run.pk).status_code == 405
    assert Run.objects.get().state == Run.State.RUNNING

    admin_client.post(reverse("summaries:cancel", args=[run.pk]))
    assert Run.objects.get().state == Run.State.CANCELLED
    set_state(run, Run.State.CANCELLED, queued=False)
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin_client.post(reverse("summaries:resume", args=[run.pk]), follow=True)
    assert "The run goes on where it stood." in text(answer)
    assert (Run.objects.get().state, Run.objects.get().queued) == (Run.State.RUNNING, True)
    assert started == [run.pk]


def test_staff_without_the_permission_look_but_do_not_steer(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("looker", is_staff=True))
    run = make_running()
    assert "Cancel" not in text(page(client, "run", run.pk))
    assert client.post(reverse("summaries:cancel", args=[run.pk])).status_code == 403
    assert Run.objects.get().state == Run.State.RUNNING


def test_a_summary_shows_its_members_in_layers_that_can_be_switched_off(
    admin_client, django_assert_max_num_queries
):
    make_found_run(images=5)
    summary = Summary.objects.get()
    with django_assert_max_num_queries(9):
        shown = text(page(admin_client, "summary", summary.pk))
    layers = Member.objects.filter(cluster=summary.cluster, shown=True).first().layers
    for key in (layers["picture"], layers["dim"], summary.picture):
        assert reverse("summaries:file", args=[key]) in shown
    assert shown.count('class="hull"') == 4
    assert shown.count('<rect class="box"') == 1, "the member that was never drawn"
    assert shown.index("Exemplar") < shown.index("Similarity 0.80") < shown.index("Similarity 0.70")
    assert "Less alike than most" in shown
    for switch in ("show-dim", "show-hull", "show-outline"):
        assert f'id="{switch}" checked' in shown


def test_summaries_of_a_class_lead_to_each_other(admin_client):
    make_found_run(summaries=3)
    first, second, third = Summary.objects.order_by("rank")
    shown = text(page(admin_client, "summary", second.pk))
    assert f'rel="prev" href="{reverse("summaries:summary", args=[first.pk])}"' in shown
    assert f'rel="next" href="{reverse("summaries:summary", args=[third.pk])}"' in shown


def test_an_image_shows_its_evidence_in_words_and_pictures(admin_client, django_assert_max_num_queries):
    make_found_run()
    run_image = RunImage.objects.filter(skipped="").order_by("position")[1]
    with django_assert_max_num_queries(8):
        shown = text(page(admin_client, "image", run_image.pk))
    assert "says “quokkafish” with 81 %" in shown
    assert "leaves 3 %" in shown
    assert "under 1 %" in shown
    assert reverse("summaries:file", args=[run_image.mask.file]) in shown
    assert shown.count("<rect") == run_image.regions.count() == 2
    assert 'rel="prev"' in shown and 'rel="next"' in shown


def test_what_was_found_by_parts_is_shown_by_its_own_pixels_and_read_in_its_own_words(admin_client):
    make_found_run(recipe=Run.Recipe.PARTS)
    summary = Summary.objects.get()
    shown = text(page(admin_client, "summary", summary.pk))
    assert "How alike the regions are to the network" in shown
    assert "very alike" in shown
    assert "show-outline" not in shown
    assert shown.count('class="hull"') == 4
    assert shown.count("<mask") == 1 and '<rect class="box' not in shown, "the member that was never drawn"
    run_image = RunImage.objects.filter(skipped="").order_by("position")[1]
    shown = text(page(admin_client, "image", run_image.pk))
    assert shown.count("<mask") == run_image.regions.count() == 2
    assert shown.count('class="pixels faint"') == 1, "the region without a summary"
    for region in run_image.regions.all():
        assert reverse("summaries:file", args=[region.file]) in shown
    assert "of the evidence for the class" in shown


def test_a_region_that_was_not_hidden_yet_has_no_known_drop(admin_client):
    make_found_run(recipe=Run.Recipe.PARTS)
    Region.objects.update(drop=None)
    run_image = RunImage.objects.filter(skipped="").first()
    assert "not known" in text(page(admin_client, "image", run_image.pk))


def test_a_skipped_image_shows_why(admin_client):
    make_found_run()
    shown = text(page(admin_client, "image", RunImage.objects.exclude(skipped="").get().pk))
    assert "<strong>Skipped:</strong> the network says &#x27;borzoi&#x27; (0.41)" in shown
    assert "What the network believes" not in shown


def test_regions_say_what_became_of_them():
    make_found_run()
    run_image = RunImage.objects.filter(skipped="").order_by("position").last()
    lone = Region.objects.create(
        run_image=run_image, proposal=99, x0=0, y0=0, x1=5, y1=5, quality=0, component=0, drop=0
    )
    found = gallery.regions_of(run_image)
    assert [each.place for each in found] == [
        "less alike than most",
        "fewer than three members are alike",
        "not grouped",
    ]
    assert found[-1] == lone


def test_the_photograph_comes_in_the_network_s_square(admin_client):
    make_found_run(side=48)
    answer = page(admin_client, "photograph", RunImage.objects.first().pk)
    assert answer["Content-Type"] == "image/png"
    assert int.from_bytes(answer.content[16:20], "big") == int.from_bytes(answer.content[20:24], "big") == 48


def test_a_photograph_that_is_gone_is_not_found(admin_client):
    make_run(summaries=1)
    assert page(admin_client, "photograph", RunImage.objects.get().pk).status_code == 404


def test_stored_pictures_are_streamed_and_kept_privately(admin_client):
    make_found_run()
    key = Summary.objects.get().picture
    answer = page(admin_client, "file", key)
    assert b"".join(answer.streaming_content) == files.get(key)
    assert answer["Content-Type"] == "image/png"
    assert {part.strip() for part in answer["Cache-Control"].split(",")} == {
        "private",
        "max-age=31536000",
        "immutable",
    }


@pytest.mark.parametrize(
    "key",
    [
        f"content/ab/{'0' * 64}.png",
        "content/ab/nothing.png",
        "../secret-key",
        "../../x.png",
        "/etc/x.png",
        "%00.png",
        f"{'a' * 5000}.png",
        "weights.safetensors",
    ],
)
def test_nothing_else_of_the_store_gets_out(admin_client, key):
    files.put_as("weights.safetensors", b"weights")
    assert admin_client.get(f"/gallery/file/{key}").status_code == 404


def test_every_stage_of_the_pipeline_has_words():
    from summaries.pipeline.stages import METHODS

    named = {
        method: {recipe: [each.name for each in stages] for recipe, stages in recipes.items()}
        for method, recipes in METHODS.items()
    }
    assert named == {
        method: {recipe: list(words) for recipe, words in recipes.items()}
        for method, recipes in progress.STAGES.items()
    }


def test_the_web_process_loads_no_numerics():
    script = (
        "import sys, django; django.setup(); import studyproject.wsgi; from django.urls import get_resolver; "
        "get_resolver().url_patterns; from django.urls import reverse; reverse('summaries:runs');"
        "print(','.join(sorted({'torch', 'cv2', 'sklearn'} & set(sys.modules))))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_a_run_that_found_nothing_offers_no_study(admin_client):
    run = make_found_run(summaries=0)
    assert "Create a study" not in text(page(admin_client, "run", run.pk))


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0 %"), (0.004, "under 1 %"), (0.813, "81 %"), (1, "100 %"), (-0.003, "0 %"), (-0.06, "−6 %")],
)
def test_shares_are_said_in_percent(share, said):
    assert words.percent(share).replace("\xa0", " ") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "under a second"), (48, "48 s"), (725, "12 min"), (11_100, "3 h 05 min"), (187_200, "2 days 4 h")],
)
def test_times_are_said_in_the_unit_that_fits(seconds, said):
    assert words.duration(seconds) == said


class Outline(HTMLParser):
    """Collects what every page must have."""

    def __init__(self):
        super().__init__()
        self.ids, self.headings, self.without_alt = [], [], 0

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        self.headings += [tag] if tag == "h1" else []
        self.without_alt += tag == "img" and "alt" not in given


def test_every_page_has_one_heading_unique_ids_and_described_pictures(admin_client):
    run = make_found_run(classes=2, summaries=2)
    for address in (
        reverse("summaries:runs"),
        reverse("summaries:run", args=[run.pk]),
        reverse("summaries:summary", args=[Summary.objects.first().pk]),
        reverse("summaries:image", args=[RunImage.objects.first().pk]),
    ):
        seen = Outline()
        seen.feed(admin_client.get(address).content.decode())
        assert seen.headings == ["h1"]
        assert len(seen.ids) == len(set(seen.ids))
        assert seen.without_alt == 0
