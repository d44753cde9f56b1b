"""The pages of network dissection in a real browser: wide and narrow."""

import pytest
from django.urls import reverse

from tests.axe import check
from tests.found_runs import make_dissected_run
from tests.summaries.test_gallery_browser import staff  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_units_can_be_read_by_everybody_at_any_width(staff, live_server):  # noqa: F811
    run = make_dissected_run()
    pages = {
        reverse("summaries:units", args=[run.pk]): "Units",
        reverse("summaries:unit", args=[run.units.first().pk]): "Where it is most active",
    }
    for width in (1280, 320):
        staff.set_viewport_size({"width": width, "height": 900})
        for address, heading in pages.items():
            staff.goto(live_server.url + address)
            staff.get_by_role("heading", name=heading, exact=True).wait_for()
            check(staff)
            assert staff.evaluate("document.documentElement.scrollWidth") <= width
