import csv
import time

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings

from annotations.importers import broden
from annotations.importers.annotated import Findings
from annotations.models import Concept, Segment
from annotations.terms import Term
from tests.annotations.annotated import describe, findings, forget, known, picture, png, store, terms

__all__ = ["store"]
LABELS = """number,name,category,frequency,coverage,syns
0,-,,0,0,
1,sky,object(2),2,0.5,heavens;firmament
2,wood,material(36);object(3),39,1,
300,street-s,scene(1),1,1,
301,dotted,texture(1),1,1,
302,red-c,color(1),1,1,
"""
TABLES = {
    "category.csv": "name,first,last,count,frequency\nmaterial,2,2,1,1\nobject,1,2,2,1\nscene,300,300,1,1\n"
    "texture,301,301,1,1\ncolor,302,302,1,1\n",
    "c_object.csv": "code,number,name,frequency,coverage\n0,0,-,0,0\n1,1,sky,2,0.5\n2,2,wood,3,0.75\n",
    "c_material.csv": "code,number,name,frequency,coverage\n1,2,wood,36,0.75\n",
    "c_scene.csv": "code,number,name,frequency,coverage\n1,300,street-s,1,1\n",
    "c_texture.csv": "code,number,name,frequency,coverage\n1,301,dotted,1,1\n",
    "c_color.csv": "code,number,name,frequency,coverage\n1,302,red-c,1,1\n",
}
INDEX = """image,split,ih,iw,sh,sw,color,object,material,scene,texture
a/1.png,train,40,48,20,24,a/1_c.png,a/1_o.png;a/1_p.png,2,300,301
a/2.png,val,40,48,20,24,,a/2_o.png,,300;301,
"""


def coded(labels):
    """Numbers as Broden has them in pixels."""
    return png(np.stack([labels % 256, labels // 256, 0 * labels], -1).astype(np.uint8))


@pytest.fixture
def small(tmp_path):
    """Two images of 48 x 40 with maps of half that size."""
    root = tmp_path / "broden"
    (root / "images" / "a").mkdir(parents=True)
    for name, text in {**TABLES, "label.csv": LABELS, "index.csv": INDEX}.items():
        (root / name).write_text(text)
    sky, wood = np.zeros((20, 24), int), np.zeros((20, 24), int)
    sky[:5], wood[4:10] = 1, 2
    for seed in (1, 2):
        (root / "images" / "a" / f"{seed}.png").write_bytes(picture(seed))
        (root / "images" / "a" / f"{seed}_o.png").write_bytes(coded(sky))
    (root / "images" / "a" / "1_p.png").write_bytes(coded(wood))
    (root / "images" / "a" / "1_c.png").write_bytes(coded(np.full((20, 24), 302)))
    return root


def imported(path, capsys, name="broden"):
    call_command("import_images", str(path), "--name", name, "--format", "broden")
    return capsys.readouterr()


@pytest.mark.django_db
def test_broden_becomes_concepts_of_their_primary_category(small, capsys):
    assert "2 imported, 0 already there, 0 refused" in imported(small, capsys).out
    assert {(row.category, row.name, *row.synonyms) for row in Concept.objects.all()} == {
        ("object", "sky", "firmament", "heavens"),
        ("object", "wood"),  # of equal coverage: the later category
        ("scene", "street"),
        ("texture", "dotted"),
        ("colour", "red"),
    }
    first = Segment.objects.filter(image__labelled_images__path="images/a/1.png")
    assert set(first.values_list("concept__name", "area")) == {
        ("sky", 10 * 48),
        ("wood", 12 * 48),  # in a layer of its own, over the sky
        ("wood", 1920),  # of the whole image
        ("street", 1920),
        ("dotted", 1920),
        ("red", 1920),
    }
    assert set(first.filter(file="").values_list("concept__name", "value")) == {
        ("wood", 1),
        ("street", 1),
        ("dotted", 1),
    }
    before = known("broden")
    assert "0 imported, 2 already there, 0 refused" in imported(small, capsys).out
    assert known("broden") == before and len(before) == Segment.objects.count() == 9


@pytest.mark.django_db
def test_without_the_tables_of_categories_the_greatest_count_decides(small, capsys):
    for name in TABLES:
        (small / name).unlink()
    imported(small, capsys)
    assert Concept.objects.get(name="wood").category == "material"


@pytest.mark.django_db
def test_bad_files_are_named_and_the_rest_is_imported(small, capsys):
    images = small / "images" / "a"
    for seed in (3, 4, 5, 6):
        (images / f"{seed}.png").write_bytes(picture(seed))
    (images / "cut.png").write_bytes((images / "1_o.png").read_bytes()[:60])
    (images / "unknown.png").write_bytes(coded(np.full((20, 24), 777)))
    with (small / "index.csv").open("a") as index:
        index.write("a/3.png,val,40,48,20,24,,a/cut.png;a/1_o.png;a/gone.png,,,\n")
        index.write("a/4.png,val,40,48,40,48,,a/1_o.png,,,\n")
        index.write("a/5.png,val,80,48,20,24,,a/1_o.png,,,\n")
        index.write("a/6.png,val,40,48,20,24,,a/unknown.png,,999;300,\n")
        index.write("a/7.png,val,40,48,20,24,,,,300,\n")
        index.write("../../secret.png,val,40,48,20,24,,,,300,\n")
    (small / "label.csv").write_text(LABELS + "303,gloomy,mood(1),1,1,\n")
    said = imported(small, capsys)
    for line in (
        "images/a/cut.png: the picture is truncated or damaged",
        "images/a/gone.png: the file is not there",
        "images/a/1_o.png: the map has 24 x 20 px where 48 x 40 are due",
        "images/a/5.png: index.csv says 48 x 80 px, but the picture has 48 x 40",
        "images/a/unknown.png: label.csv lacks the label 777",
        "images/a/6.png: label.csv lacks the label 999",
        "images/a/7.png: the file is not there",
        "index.csv: '../../secret.png' lies outside the folder",
        "label.csv: 303 (gloomy): the category 'mood' is unknown",
    ):
        assert line in said.err, line
    assert "4 imported, 0 already there, 9 refused" in said.out


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("index.csv", "image,split\na.png,train\n"),
        ("index.csv", "image,ih,iw,sh,sw,object\n"),
        ("index.csv", "\0\xff"),
        ("label.csv", "name\nsky\n"),
        ("c_object.csv", "number,coverage\n1,much\n"),
        ("index.csv", None),
        ("label.csv", None),
    ],
)
def test_what_is_no_broden_is_refused_with_one_sentence(small, capsys, file, text):
    (small / file).unlink()
    if text is not None:
        (small / file).write_text(text, encoding="latin-1")
    with pytest.raises(CommandError) as refusal:
        imported(small, capsys)
    assert refusal.value.returncode == 2 and "\n" not in str(refusal.value)
    assert not Segment.objects.exists()


def exported(name, out, capsys, *options):
    call_command("export_images", "--name", name, "--format", "broden", "--out", str(out), *options)
    return capsys.readouterr().out


@pytest.mark.django_db
def test_what_was_imported_at_half_the_size_leaves_at_half_the_size(small, capsys, tmp_path):
    imported(small, capsys)
    before = known("broden")
    assert "2 images written" in exported("broden", tmp_path / "out", capsys, "--scale", "2")
    rows = list(csv.DictReader((tmp_path / "out" / "index.csv").open()))
    assert [(row["ih"], row["iw"], row["sh"], row["sw"]) for row in rows] == [("40", "48", "20", "24")] * 2
    forget()
    imported(tmp_path / "out", capsys)
    assert known("broden") == before


@pytest.mark.django_db
def test_three_hundred_labels_on_one_image_come_back(tmp_path, capsys):
    masks = {
        Term("part", f"hair {number}"): np.arange(1920).reshape(40, 48) == number for number in range(300)
    }
    describe(tmp_path / "in", "hairy", [Findings(masks, {Term("scene", "barber-s"), Term("object", "x-c")})])
    before = known("hairy")
    exported("hairy", tmp_path / "out", capsys)
    assert max(int(row["number"]) for row in csv.DictReader((tmp_path / "out" / "label.csv").open())) == 302
    forget()
    imported(tmp_path / "out", capsys, "hairy")
    assert known("hairy") == before and len(before) == 302


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(findings())
def test_nothing_is_lost_on_the_way_to_broden_and_back(tmp_path, capsys, described):
    forget()
    folder = tmp_path / str(time.monotonic_ns())
    describe(folder, "any", described)
    before, concepts = known("any"), terms()
    exported("any", folder / "out", capsys)
    forget()
    imported(folder / "out", capsys, "any")
    assert known("any") == before
    assert terms() == concepts


@pytest.mark.django_db
def test_an_export_into_a_folder_with_something_in_it_is_refused(small, capsys, tmp_path):
    imported(small, capsys)
    with pytest.raises(CommandError, match="is not empty"):
        exported("broden", small, capsys)
    with pytest.raises(CommandError, match="no image set called 'other'"):
        exported("other", tmp_path / "out", capsys)


def test_counts_of_categories_decide_by_the_greatest_and_then_the_later():
    assert broden._most_counted("material(36);object(3)") == "material"
    assert broden._most_counted("material(3);object(3)") == "object"
    assert broden._most_counted("") == ""
