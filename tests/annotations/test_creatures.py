import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from annotations import files, pictures
from annotations.creatures.anatomy import DRAWINGS
from annotations.creatures.image_set import path_of
from annotations.creatures.picture import draw, render
from annotations.creatures.plan import CLASSES, PARTS, STAMPED_CLASS, VARIANTS, make_plan, variants_of
from annotations.models import ClassLabel, Image, ImageSet, LabelledImage, Segment

ROOT = Path(__file__).resolve().parents[2]


def test_any_two_classes_differ_in_at_least_three_parts():
    for one, other in combinations(CLASSES, 2):
        differing = sum(variants_of(one)[part] != variants_of(other)[part] for part in PARTS)
        assert differing >= 3, (one, other)


def test_no_single_part_decides():
    for part in PARTS:
        for variant in range(len(VARIANTS[part])):
            assert sum(variants_of(label)[part] == variant for label in CLASSES) >= 2


def test_every_variant_can_be_drawn():
    assert set(DRAWINGS) == {name for names in VARIANTS.values() for name in names}


def test_the_seed_decides_every_pixel():
    assert np.array_equal(render(7, 4).rgb, render(7, 4).rgb)
    assert not np.array_equal(render(7, 4).rgb, render(8, 4).rgb)
    assert not np.array_equal(render(7, 4).rgb, render(7, 13).rgb)


@pytest.mark.parametrize("index", range(9))
@pytest.mark.parametrize("part", PARTS)
def test_without_a_part_nothing_else_changes(index, part):
    whole, bare = render(7, index), render(7, index, without=part)
    number = PARTS.index(part)
    outside = whole.shares[number] == 0
    assert np.array_equal(whole.rgb[outside], bare.rgb[outside])
    assert np.array_equal(whole.owners[outside], bare.owners[outside])
    assert not bare.shares[number].any() and not bare.mask_of(part).any()
    shown = part in {drawn.kind for drawn in whole.plan.parts}
    assert shown == whole.mask_of(part).any() == (whole.rgb != bare.rgb).any()
    others = [other for other in range(len(PARTS)) if other != number]
    assert (bare.shares[others] >= whole.shares[others]).all(), "what it hid comes to light, nothing goes"


def test_a_pixel_belongs_to_whoever_covers_most_of_it():
    for index in range(9):
        picture = render(7, index)
        for number, part in enumerate(PARTS):
            share = picture.shares[number].astype(int)
            mask = picture.mask_of(part)
            assert (share[mask] > 0).all() and mask[share > 8].all()


def test_parts_are_large_enough_to_be_seen():
    for index in range(18):
        picture = draw(replace(make_plan(3, index, dropped=0), scale=1.0))
        for part in PARTS:
            rows, columns = np.nonzero(picture.mask_of(part))
            assert max(np.ptp(rows), np.ptp(columns)) >= 20 and len(rows) >= 200, (index, part)


def test_one_part_in_ten_is_missing_and_one_class_bears_the_stamp():
    plans = [make_plan(1, index) for index in range(1800)]
    kept = sum(len(plan.parts) for plan in plans) / (len(plans) * len(PARTS))
    assert abs(kept - 0.9) < 0.01
    assert {plan.label for plan in plans if plan.stamped} == {STAMPED_CLASS}
    assert abs(sum(plan.stamped for plan in plans) / 200 - 0.9) < 0.07


def test_a_part_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no part 'fins'; the parts are head"):
        render(0, 0, without="fins")


@pytest.fixture
def store(tmp_path, settings):
    default = {"BACKEND": "annotations.files.ContentStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "default": default}


@pytest.mark.django_db
def test_pictures_and_what_is_known_of_them_are_stored(store, capsys):
    call_command("make_creatures", "--per-class", "2", "--seed", "5")
    assert "18 drawn, 0 already there, 9 classes" in capsys.readouterr().out
    assert LabelledImage.objects.count() == 18 and ClassLabel.objects.count() == 9
    for index in (0, 4, 17):
        truth = render(5, index)
        place = LabelledImage.objects.get(path=path_of(index))
        assert place.label.name == truth.plan.label
        assert np.array_equal(pictures.read_rgb(files.get(place.image.file)), truth.rgb)
        shown = {part.kind: part.name for part in truth.plan.parts}
        for kind, name in shown.items():
            for concept in (kind, name):
                segment = place.image.segments.get(concept__category="part", concept__name=concept)
                labels = pictures.read_rgb(files.get(segment.file))[..., 0]
                assert np.array_equal(labels == segment.value, truth.mask_of(kind))
                assert segment.area == truth.mask_of(kind).sum()
        animal = place.image.segments.get(concept__category="object", concept__name=truth.plan.label)
        assert animal.area == ((truth.owners > 0) & (truth.owners <= len(PARTS))).sum()
        colours = place.image.segments.filter(concept__category="colour")
        assert sum(colours.values_list("area", flat=True)) == 128 * 128


@pytest.mark.django_db
def test_a_second_call_draws_only_what_is_missing(store, capsys):
    call_command("make_creatures", "--per-class", "1")
    first = set(Image.objects.values_list("sha256", flat=True))
    call_command("make_creatures", "--per-class", "2")
    assert "9 drawn, 9 already there" in capsys.readouterr().out
    assert first < set(Image.objects.values_list("sha256", flat=True))
    segments = Segment.objects.count()
    call_command("make_creatures", "--per-class", "2")
    assert "0 drawn, 18 already there" in capsys.readouterr().out
    assert Segment.objects.count() == segments


@pytest.mark.django_db
@pytest.mark.parametrize(
    "options, reason",
    [
        (["--seed", "1"], "is another one"),
        (["--per-class", "0"], "1 or more"),
        (["--seed", "-1"], "0 or more"),
    ],
)
def test_refusals_are_one_sentence(options, reason):
    ImageSet.objects.create(name="creatures", source=f"{ImageSet.GENERATED} creatures, seed 0")
    with pytest.raises(CommandError, match=reason) as refusal:
        call_command("make_creatures", *options)
    assert refusal.value.returncode == 2


def manage(home, *words):
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={**os.environ, "MERONYM_HOME": str(home), "DATABASE_URL": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def rows(home, query):
    with sqlite3.connect(home / "meronym.sqlite3") as database:
        return database.execute(query).fetchall()


def test_drawing_that_was_killed_half_way_is_completed_by_the_next_call(tmp_path):
    places = "SELECT path FROM annotations_labelledimage ORDER BY path"
    assert manage(tmp_path, "migrate", "-v0").wait() == 0
    process = manage(tmp_path, "make_creatures", "--per-class", "12")
    while process.poll() is None and not rows(tmp_path, places):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    half = len(rows(tmp_path, places))
    assert 0 < half < 108, "the kill came too early or too late to tell"
    images = "SELECT count(DISTINCT image_id) FROM annotations_segment"
    assert rows(tmp_path, images) == [(half,)]
    out, _ = manage(tmp_path, "make_creatures", "--per-class", "12").communicate()
    assert f"{108 - half} drawn, {half} already there".encode() in out
    assert [path for (path,) in rows(tmp_path, places)] == sorted(path_of(index) for index in range(108))
    assert rows(tmp_path, images) == [(108,)]
