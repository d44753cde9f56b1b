"""The researchers' pages ask the database as often beside many answers as beside few."""

import pytest

from benchmarks import pages

pytestmark = pytest.mark.django_db


def test_no_page_asks_more_often_where_there_are_more_people_and_answers(admin_client):
    few, many = pages.make_study(0, 12), pages.make_study(1, 120)
    for look in (pages.watch, pages.read):
        first, then = look(admin_client, few), look(admin_client, many)
        queries = {name: (page["queries"], then[name]["queries"]) for name, page in first.items()}
        assert all(0 < later <= before for before, later in queries.values()), queries


def test_the_first_of_many_studies_has_half_of_all_answers():
    study = pages.fill(3, 400)
    assert study.participants.count() == 10 and type(study).objects.count() == 3
