"""Between looks no researcher's page and no file tells an estimate; after a look they do, and tell of it."""

import csv
import io
from collections.abc import Iterator
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver, reverse

from study import looks as study_looks
from study.agreement import looks
from study.findings import snapshot
from study.models import Study
from tests.factories import give_answers, make_participant, make_study

pytestmark = pytest.mark.django_db

GIVEN = [("beak", 7), ("tail", 2)]
"""Names of the first summary, by how many gave them."""
PEOPLE = 9


@pytest.fixture
def study() -> Study:
    """Masked: nine people took part, and the first look is due."""
    plan = looks.Declaration("alpha", "mechanical", looks.BOUND, 0.1, (PEOPLE, 20), 0.05, looks.BONFERRONI)
    study = make_study(3, looks=looks.written(plan))
    named = [name for name, count in GIVEN for _ in range(count)]
    for number in range(PEOPLE):
        participant = make_participant(study)
        order = [trial.stimulus.position for trial in participant.trials.order_by("position")]
        others = {2: "wing", 3: f"part {number % 4}"}
        own = {1: named[number]} | others
        give_answers(participant, *(own[place] for place in order))
    return study


@pytest.fixture
def keeper(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def test_no_page_and_no_file_tells_an_estimate_between_looks_and_all_do_after_one(study, keeper):
    secret = estimates(study)
    told = dict(texts(keeper, study))
    assert not {f"{where}: {number}" for where, text in told.items() for number in secret if number in text}
    assert "beak" not in told["result"] + told["results"] + told["report"]
    assert "The estimate is masked" in told["results"] and "Estimates are masked" in told["report"]
    assert {"results", "report", "export", "admin:study_summaries"} <= set(told)
    look = study_looks.take(study, "keeper", "results")
    assert look.number == 1 and look.decision in (looks.GO_ON, looks.REACHED)
    told = dict(texts(keeper, study))
    assert any(number in told["report"] for number in secret)
    assert "beak" in told["result"]
    assert f"{7 / 9:.4f}" in told["admin:study_summaries"]
    assert "Declared look 1" in told["results"] and "Declared look 1" in told["report"]


def test_how_many_saw_nothing_in_common_is_as_hidden_as_names_are(study, keeper):
    give_answers(make_participant(study), "nothing_in_common", "nothing_in_common", "nothing_in_common")
    told = dict(texts(keeper, study))
    assert "90 %" not in told["monitor"] + told["monitor_fragment"] + told["results"]
    rows = list(csv.DictReader(told["admin:study_summaries"].splitlines()))
    assert [(row["answers"], row["names"]) for row in rows] == [("10", "")] * 3
    study_looks.take(study, "keeper", "results")
    told = dict(texts(keeper, study))
    assert "90 %" in told["monitor"]
    assert "9" in {row["names"] for row in csv.DictReader(told["admin:study_summaries"].splitlines())}


def estimates(study: Study) -> set[str]:
    """Alpha and the modal names' shares at every layer, as pages and files would write them."""
    content = snapshot.renew(study).content["analyses"]["main"]
    values = [layer[name]["value"] for layer in content["overall"].values() for name in ("alpha", "ac1")]
    values += [row["layers"]["merged"]["share"]["value"] for row in content["stimuli"]]
    return {f"{value:.{digits}f}" for value in values if 0 < value < 1 for digits in (3, 4)}


def texts(client: Client, study: Study) -> Iterator[tuple[str, str]]:
    """What each researcher's address of this study answers, by its name."""
    for name in sorted(addresses()):
        for where, address in filled(name, study):
            response = client.get(address, follow=True)
            if response.status_code != 405:  # it takes what is sent, and nothing is
                yield where, text_of(response)
                assert response.status_code in (200, 403), where


def addresses() -> Iterator[str]:
    (ours,) = (each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "study")
    yield from (f"study:{each.name}" for each in ours.url_patterns if "desk/" in str(each.pattern))
    yield "admin:study_study_change"
    yield from (f"admin:study_{name}" for name in ("answers", "summaries", "bundle", "reconcile"))


def filled(name: str, study: Study) -> Iterator[tuple[str, str]]:
    """The address with what stands in it."""
    person, first = study.participants.first(), study.stimuli.first()
    where = name.removeprefix("study:")
    if name.startswith("admin"):
        yield name, reverse(name, args=[study.pk, 1] if "bundle" in name else [study.pk])
    elif where == "figure":
        for figure in ("forest", "names", "layers", "times"):
            yield f"figure {figure}", reverse(name, args=[study.slug, figure, "svg"])
    elif where == "names_used":
        yield where, reverse(name, args=[study.slug]) + "?name=beak"
    else:
        of_person = {"person": [person.code], "exclude": [person.code], "lift": [person.code, 1]}
        more = {"result": [first.pk]} | of_person
        yield where, reverse(name, args=[study.slug, *more.get(where, [])])


def text_of(response: HttpResponse) -> str:
    data = response.getvalue() if response.streaming else response.content
    if data[:2] == b"PK":
        with ZipFile(io.BytesIO(data)) as bundle:
            texts = [name for name in bundle.namelist() if not name.endswith((".pdf", ".png"))]
            return "\n".join(bundle.read(name).decode() for name in texts)
    return data.decode()
