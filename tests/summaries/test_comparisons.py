"""Dissections side by side: intervals over seeds, the page, its CSV."""

import copy
import csv
import io

import pytest
from django.urls import reverse
from scipy import stats

from summaries import comparisons
from summaries.models import Job, Run
from tests.axe import check
from tests.found_runs import make_dissected_run
from tests.summaries.test_gallery_browser import staff  # noqa: F401  (a fixture)

SEEDS = (5, 8, 12)
HIGH = 100_000
"""Of the runs' numbers, as of a home that has made many: the page must hold them on a narrow screen too."""


def make_seeds(unique: tuple[int, ...] = SEEDS) -> list[Run]:
    """Runs of one network in a turned basis that differ in their seed and in what they found."""
    first = make_dissected_run()
    runs = [first]
    for seed in range(1, len(unique)):
        run = copy.copy(first)
        run.pk, run.seed = HIGH + seed, seed
        run.save()
        told = first.jobs.get(stage="units")
        Job.objects.create(run=run, stage="units", key="all", state=told.state, payload=told.payload)
        runs.append(run)
    for run, count in zip(runs, unique, strict=True):
        run.parameters = run.parameters | {"basis": "rotated", "alpha": 1.0}
        run.save()
        job = run.jobs.get(stage="units")
        for told in job.payload["found"]:
            told["unique"] = told["unique_by_category"]["part"] = count
        job.save()
    return runs


def test_the_interval_over_seeds_is_students():
    found = comparisons.estimate(SEEDS)
    low, high = stats.t.interval(0.95, 2, loc=25 / 3, scale=stats.sem(SEEDS))
    assert (found.mean, found.high) == (pytest.approx(25 / 3), pytest.approx(high))
    assert found.low == max(low, 0.0) == 0.0
    assert comparisons.estimate([4]) == comparisons.Estimate(4)
    assert comparisons.estimate([4, 4, 4]) == comparisons.Estimate(4, 4, 4)


@pytest.mark.django_db
def test_runs_that_differ_in_the_seed_alone_make_one_line_and_others_their_own():
    runs = make_seeds()
    natural = make_dissected_run()
    (line,) = comparisons.compare(runs).lines
    assert line.seeds == [0, 1, 2] and line.found("top label", 0.04).unique.mean == pytest.approx(25 / 3)
    assert line.found("top label", 0.04).unique_by_chance == comparisons.Estimate(1, 1, 1)
    both = comparisons.compare([natural, *runs])
    assert [each.basis for each in both.lines] == ["natural", "rotated, α = 1"]
    limited = runs[0]
    Run.objects.filter(pk=limited.pk).update(limit=3)
    limited.refresh_from_db()
    assert len(comparisons.compare([limited, runs[1]]).lines) == 2


@pytest.mark.django_db
def test_networks_of_one_architecture_are_initialisations_only_where_one_says_so():
    one, other = make_dissected_run(), make_dissected_run()
    network = copy.copy(one.network)
    network.pk, network.name = None, "another start"
    network.save()
    Run.objects.filter(pk=other.pk).update(network=network)
    runs = [comparisons.finished().get(pk=each.pk) for each in (one, other)]
    assert len(comparisons.compare(runs).lines) == 2
    (line,) = comparisons.compare(runs, initialisations=True).lines
    assert line.network == f"{one.network.name}, another start"


@pytest.mark.django_db
def test_the_csv_has_every_threshold_counting_and_category_with_chance(admin_client):
    runs = make_seeds()
    answer = admin_client.get(
        reverse("summaries:compare_csv"), {"runs": ",".join(str(run.pk) for run in runs)}
    )
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == 2 * 2 * 3  # thresholds, ways of counting; all, part and colour
    first = rows[0]
    assert (first["category"], first["seeds"], first["units"]) == ("all", "0 1 2", "4")
    assert float(first["unique"]) == pytest.approx(25 / 3) and float(first["unique by chance"]) == 1
    assert float(first["unique low"]) <= float(first["unique"]) <= float(first["unique high"])


@pytest.mark.django_db
def test_the_page_says_what_it_left_out_and_what_else_differs(admin_client):
    one, other = make_dissected_run(), make_dissected_run()
    Run.objects.filter(pk=other.pk).update(parameters=other.parameters | {"rule": "lite"})
    asked = {"runs": [str(one.pk), str(other.pk), "987", "seven", "²"], "threshold": "0.1"}
    shown = admin_client.get(reverse("summaries:compare"), asked).content.decode()
    assert "no finished dissection has this number: 987, seven, ²." in shown
    assert "in their rules of counting" in shown and "IoU above 0.1, counted top label" in shown
    empty = admin_client.get(reverse("summaries:compare"), {"threshold": "x", "counting": "y"})
    assert empty.status_code == 200 and "Unique detectors" not in empty.content.decode()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_dissections_are_chosen_and_compared_wide_and_narrow(staff, live_server):  # noqa: F811
    runs = make_seeds()
    staff.goto(live_server.url + reverse("summaries:compare"))
    for run in runs:
        staff.get_by_role("checkbox", name=f"Run {run.pk}:").check()
    staff.get_by_role("button", name="Compare").click()
    staff.get_by_role("heading", name="Unique detectors by category").wait_for()
    for width in (1280, 320):
        staff.set_viewport_size({"width": width, "height": 900})
        check(staff)
        assert staff.evaluate("document.documentElement.scrollWidth") <= width
