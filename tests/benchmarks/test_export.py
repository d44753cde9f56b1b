"""What `benchmarks/export.py` fills and measures, in small."""

import pytest
from django.db import connection

from benchmarks import export
from benchmarks.load.studies import make_study
from study.models import Answer


@pytest.mark.django_db
def test_every_answer_that_was_filled_in_leaves_in_pieces():
    if connection.vendor != "sqlite":
        pytest.skip("the rows are made by SQLite")
    export.add_people(make_study("small", 3), 40)
    with connection.cursor() as cursor:
        cursor.execute(export.FILL_TRIALS)
        cursor.execute(export.FILL_ANSWERS.format(names=5, now="'2026-01-05 12:00:00'"))
    assert Answer.objects.count() == 120
    parts = {name: export.measure(name) for name in (*export.TABLES, "zip")}
    assert [parts[name]["rows"] for name in export.TABLES] == [120, 40, 3]
    told = export.report(parts)
    assert told["rows"] == 120 and told["peak_mb"] > 0 and parts["zip"]["first_byte_ms"] < 5000
