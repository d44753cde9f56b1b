"""The page of tags in a real browser: wide and narrow."""

import pytest
from django.urls import reverse

from summaries.models import Run
from tests.axe import check
from tests.found_runs import make_found_run, tag_summaries
from tests.summaries.test_gallery_browser import staff  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_tags_can_be_read_by_everybody_at_any_width(staff, live_server):  # noqa: F811
    run = make_found_run(classes=2, summaries=2)
    tag_summaries(run)
    tag_summaries(run, "texture-colour")
    tag_summaries(run, "clip", state=Run.State.FAILED)
    for width in (1280, 320):
        staff.set_viewport_size({"width": width, "height": 900})
        staff.goto(live_server.url + reverse("summaries:tags", args=[run.pk]))
        staff.get_by_role("heading", name="Against chance").wait_for()
        staff.get_by_text("3 runs of taggers").click()
        staff.get_by_role("button", name="Retry clip").wait_for()
        check(staff)
        assert staff.evaluate("document.documentElement.scrollWidth") <= width
