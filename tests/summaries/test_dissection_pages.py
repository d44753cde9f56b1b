"""The pages of network dissection, as staff see them."""

import csv
import io

import pytest
from django.urls import reverse

from summaries.models import Run, UnitImage
from tests.found_runs import make_dissected_run, make_found_run

pytestmark = pytest.mark.django_db


def text(response):
    return " ".join(response.content.decode().replace("&nbsp;", " ").split())


def overview(client, run, **asked):
    return text(client.get(reverse("summaries:units", args=[run.pk]), asked))


def test_the_gallery_leads_to_the_units_of_a_dissection(admin_client):
    run, other = make_dissected_run(units=5), make_found_run()
    listed = text(admin_client.get(reverse("summaries:runs")))
    assert "Units of features.4" in listed and "5 units of 1 layer" in listed
    assert f"Run {other.pk}" in listed
    answer = admin_client.get(reverse("summaries:run", args=[run.pk]))
    assert answer["Location"] == reverse("summaries:units", args=[run.pk])


def test_layers_are_shown_with_detectors_by_category_and_both_countings(admin_client):
    shown = overview(admin_client, make_dissected_run())
    for expected in (
        "4 units, maps of 8 × 8",
        "Counted top label.",
        "Counted per category.",
        '<rect class="count-units" width="3" height="8"/>',
        "By shuffled labels",
        "part · IoU 0.400",
        "4 units, best first",
        "It is never active.",
    ):
        assert expected in shown, expected


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, 4),
        ({"layer": "features.4"}, 4),
        ({"layer": "features.5"}, 0),
        ({"category": "part"}, 3),
        ({"category": "colour"}, 0),
        ({"concept": "HUB"}, 3),
        ({"least": "0.2"}, 2),
        ({"least": "0,2"}, 2),
        ({"least": "nan"}, 4),
        ({"least": "much", "page": "x"}, 4),
    ],
)
def test_units_can_be_filtered(admin_client, asked, count):
    plural = "" if count == 1 else "s"
    assert f"{count} unit{plural}, best first" in overview(admin_client, make_dissected_run(), **asked)


def test_the_filter_stays_on_the_pages_that_follow(admin_client):
    run = make_dissected_run(units=30, images=1)
    shown = overview(admin_client, run, category="part")
    assert "?category=part&amp;page=2" in shown
    assert "Page 2 of 2" in overview(admin_client, run, category="part", page="2")


def test_a_unit_is_shown_with_its_images_and_concepts(admin_client):
    unit = make_dissected_run().units.first()
    shown = text(admin_client.get(reverse("summaries:unit", args=[unit.pk])))
    for expected in ("a detector: IoU 0.400, above 0.04", "Up to 2.00", "hub", "red", "0.020"):
        assert expected in shown, expected
    for top in UnitImage.objects.filter(unit=unit):
        assert reverse("summaries:file", args=[top.file]) in shown
    dead = text(admin_client.get(reverse("summaries:unit", args=[unit.pk + 3])))
    assert "This unit is active in no image." in dead and "it agrees with no concept at all" in dead


def test_a_layer_comes_as_a_file(admin_client):
    run = make_dissected_run()
    answer = admin_client.get(reverse("summaries:units_csv", args=[run.pk]), {"layer": "features.4"})
    assert answer["Content-Disposition"] == f'attachment; filename="run-{run.pk}-features.4.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["label"] for row in rows] == ["hub", "hub", "hub", ""]
    other = reverse("summaries:units_csv", args=[run.pk]) + "?layer=none"
    assert admin_client.get(other).status_code == 404


def test_a_run_without_results_yet_is_shown_with_its_progress(admin_client):
    run = make_dissected_run()
    run.units.all().delete()
    run.jobs.all().delete()
    Run.objects.filter(pk=run.pk).update(state=Run.State.RUNNING, stage="", parameters={"layers": ["a"]})
    shown = overview(admin_client, run)
    assert "Waiting for a worker" in shown and "best first" not in shown
    assert admin_client.get(reverse("summaries:units_csv", args=[run.pk])).status_code == 404


def test_the_overview_asks_the_database_no_more_for_many_units(admin_client, django_assert_max_num_queries):
    run = make_dissected_run(units=24)
    with django_assert_max_num_queries(12):
        overview(admin_client, run)


def test_a_dissection_is_no_run_of_summaries(admin_client):
    assert admin_client.get(reverse("summaries:units", args=[make_found_run().pk])).status_code == 404
