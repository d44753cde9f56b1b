"""The bundle to deposit: complete, in plain words, and the same bytes for the same version."""

import csv
import io
import json
from hashlib import sha256
from zipfile import ZipFile

import pytest

from annotations import Refusal, files
from study import preregistration, versions
from tests.factories import make_design

pytestmark = pytest.mark.django_db


def bundle_of(version):
    out = io.BytesIO()
    digest = preregistration.write_zip(version, out)
    return out.getvalue(), digest


def test_the_bundle_holds_the_design_the_words_and_every_picture_under_its_hash():
    study = make_design(plan="Count the names.", exclusion={"gold_missed": 2})
    version = versions.latest(study)
    data, _ = bundle_of(version)
    with ZipFile(io.BytesIO(data)) as bundle:
        design = json.loads(bundle.read("design.json"))
        readme = bundle.read("README.txt").decode()
        rows = list(csv.DictReader(io.StringIO(bundle.read("stimuli.csv").decode())))
        pictures = {row["picture"]: bundle.read(row["picture"]) for row in rows}
        assert len(bundle.namelist()) == 3 + len(pictures)
        for name in ("design.json", "stimuli.csv"):
            assert sha256(bundle.read(name)).hexdigest() in readme
    assert design == version.content and versions.hash_of(design) == version.sha256
    assert len(rows) == study.stimuli.count()
    assert all(sha256(pictures[row["picture"]]).hexdigest() == row["sha256"] for row in rows)
    for words in (version.sha256, study.consent, "Count the names.", "seed 7", "2 times or more"):
        assert words in readme


def test_the_same_version_gives_the_same_bytes_and_another_one_others():
    study = make_design()
    first = versions.latest(study)
    data, digest = bundle_of(first)
    assert sha256(data).hexdigest() == digest
    study.plan = "another plan"
    study.save()
    second = versions.publish(study)
    first.refresh_from_db()
    assert bundle_of(first) == (data, digest) and bundle_of(second)[1] != digest


def test_versions_of_older_studies_that_know_less_have_a_bundle_too():
    version = versions.latest(make_design())
    old = {name: version.content[name] for name in ("consent", "instructions", "thanks", "seed")}
    entries = [
        {name: each[name] for name in ("position", "exhibit", "pictures")}
        for each in version.content["stimuli"]
    ]
    version.content = old | {"stimuli": entries}
    assert "Stimuli: 8 (summary 8)" in preregistration.readme(version)
    assert bundle_of(version)[1]


def test_a_missing_or_damaged_picture_is_refused_in_words(monkeypatch):
    version = versions.latest(make_design())
    monkeypatch.setattr(files, "get", lambda key: b"other bytes")
    with pytest.raises(Refusal, match="is damaged"):
        bundle_of(version)
    version.content["stimuli"][0]["pictures"] = ["content/00/nothing.png"]
    monkeypatch.undo()
    with pytest.raises(Refusal, match="nothing.png is missing"):
        bundle_of(version)
