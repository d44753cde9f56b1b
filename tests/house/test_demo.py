"""`./run demo` on a small scale, twice: the whole wiring, and that a second call keeps what is there."""

import re
from io import StringIO

import pytest
from django.core.management import call_command

from study.models import Study
from studyproject.management.commands import demo
from summaries.models import Run


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(demo, "CLASSES", ("plimbo",))
    monkeypatch.setattr(demo, "IMAGES_MADE", 4)
    monkeypatch.setattr(demo, "IMAGES_PER_CLASS", 4)


def _demo() -> str:
    out = StringIO()
    call_command("demo", no_serve=True, stdout=out)
    return out.getvalue()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_demo_ends_with_a_login_and_a_link_that_work_and_a_second_one_keeps_them(small, client):
    first = _demo()
    link, password = re.findall(r"http://127.0.0.1:8000(/s/\S+)|password (\S+) \(", first)
    assert client.get(link[0], follow=True).status_code == 200
    assert client.login(username="admin", password=password[1])
    assert client.get("/gallery/").status_code == 200

    second = _demo()
    assert link[0] in second
    assert "changepassword admin" in second
    assert client.login(username="admin", password=password[1])
    assert (Run.objects.count(), Study.objects.count()) == (1, 1)
