import json
import time

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotations import Refusal, outlines
from annotations.importers import long_json
from annotations.models import LabelledImage, Segment
from tests.annotations.annotated import describe, findings, forget, known, picture, png, store, terms

__all__ = ["store"]
CATEGORIES = [
    {"id": 1, "name": "person", "supercategory": "person"},
    {"id": 18, "name": "dog", "supercategory": "animal", "synonyms": ["hound"]},
    {"id": 90, "name": "Bürste", "supercategory": "part"},
]
SQUARE = [2, 2, 12, 2, 12, 12, 2, 12]


def instance(number, category, segmentation, image=1, **fields):
    return {"id": number, "image_id": image, "category_id": category, "segmentation": segmentation, **fields}


def runs_of(mask):
    return {"size": list(mask.shape), "counts": outlines.to_runs(mask)}


@pytest.fixture
def coco(tmp_path):
    """Two pictures of 48 x 40, and a function that writes a JSON file of annotations of them."""
    root = tmp_path / "coco"
    for folder in ("annotations", "val2017"):
        (root / folder).mkdir(parents=True)
    for seed in (1, 2):
        (root / "val2017" / f"{seed}.png").write_bytes(picture(seed))

    def write(annotations, name="instances_val2017.json", **lists):
        images = [{"id": each, "file_name": f"{each}.png", "width": 48, "height": 40} for each in (1, 2)]
        content = {"info": {"é": [1]}, "images": images, "annotations": annotations, "categories": CATEGORIES}
        text = json.dumps(content | lists, ensure_ascii=False)
        (root / "annotations" / name).write_text(text, encoding="utf-8")
        return root

    return write


def imported(path, capsys, name="coco"):
    call_command("import_images", str(path), "--name", name, "--format", "coco")
    return capsys.readouterr()


@pytest.mark.django_db
def test_polygons_and_run_lengths_become_one_segment_for_each_concept(coco, capsys):
    crowd = np.zeros((40, 48), bool)
    crowd[:, 40:] = True
    bristles = np.zeros((40, 48), bool)
    bristles[5:9, 5:9] = True
    text = {"size": [40, 48], "counts": outlines.to_text(outlines.to_runs(bristles))}
    path = coco(
        [
            instance(1, 1, [SQUARE, [20, 20, 30, 20, 30, 30]]),
            instance(2, 1, runs_of(crowd), iscrowd=1),
            instance(3, 90, text),
            instance(4, 18, [[0, 0, 48, 0, 48, 40, 0, 40]], image=2),
        ]
    )
    assert "2 imported, 0 already there, 0 refused" in imported(path, capsys).out
    assert terms() == {("object", "person"), ("object", "dog", "hound"), ("part", "Bürste")}
    assert dict(Segment.objects.values_list("concept__name", "area")) == {
        "person": 100 + 55 + 320,  # of a triangle of 50; ten centres are on its slant
        "Bürste": 16,
        "dog": 1920,
    }
    assert "0 imported, 2 already there" in imported(path, capsys).out
    assert Segment.objects.count() == 3


@pytest.mark.django_db
def test_panoptic_maps_hold_ids_of_24_bits(coco, capsys):
    ids = np.zeros((40, 48), int)
    ids[:10], ids[10:20], ids[20:22] = 7, 3_000_017, 66_000
    path = coco([], "panoptic_val2017.json")
    maps = path / "annotations" / "panoptic_val2017"
    maps.mkdir()
    (maps / "1.png").write_bytes(png(np.stack([ids & 255, ids >> 8 & 255, ids >> 16], -1).astype(np.uint8)))
    segments = [
        {"id": 7, "category_id": 1},
        {"id": 3_000_017, "category_id": 18},
        {"id": 66_000, "category_id": 1},
    ]
    coco([{"image_id": 1, "file_name": "1.png", "segments_info": segments}], "panoptic_val2017.json")
    imported(path, capsys)
    assert dict(Segment.objects.values_list("concept__name", "area")) == {"person": 576, "dog": 480}


@pytest.mark.django_db
def test_bad_annotations_are_named_and_the_rest_is_imported(coco, capsys):
    images = [
        {"id": 1, "file_name": "1.png", "width": 48, "height": 40},
        {"id": 2, "file_name": "2.png", "width": 50, "height": 40},
        {"id": 3, "file_name": "gone.png", "width": 48, "height": 40},
        {"id": 4, "file_name": "../../../secret.png"},
    ]
    path = coco(
        [
            instance(1, 1, [SQUARE]),
            instance(2, 77, [SQUARE]),
            instance(3, 1, {"size": [40, 48], "counts": [1, 2, 3]}),
            instance(4, 1, [SQUARE], image=99),
            instance(5, 1, []),
        ],
        images=images,
        categories=[*CATEGORIES, {"id": 5}],
    )
    captions = {"images": images, "annotations": [{"image_id": 1, "caption": "noise"}]}
    (path / "annotations" / "captions.json").write_text(json.dumps(captions))
    (path / "annotations" / "cut.json").write_text('{"images": [{"id": 1}')
    (path / "annotations" / "list.json").write_text("[1, 2]")
    (path / "annotations" / "odd.json").write_bytes(b'{"images": ["\xff\xfe"]}')
    said = imported(path, capsys)
    for line in (
        "1.png: annotation 2: the category 77 is unknown (and 2 more annotations)",
        "val2017/2.png: annotations/instances_val2017.json says 50 x 40 px, but the picture has 48 x 40",
        "gone.png: the file is not there",
        "annotations/instances_val2017.json: '../../../secret.png' lies outside the folder",
        "annotations/instances_val2017.json: category 5: it has no name",
        "annotations/instances_val2017.json: 1 annotations are of images that the file does not list",
        "annotations/captions.json: the file is not COCO's: it lists no categories",
        "annotations/cut.json: the file is no JSON object, or breaks off",
        "annotations/list.json: the file is no JSON object",
        "annotations/odd.json: the file is not in UTF-8",
    ):
        assert line in said.err, line
    assert "1 imported, 0 already there, 10 refused" in said.out


@pytest.mark.django_db
@pytest.mark.parametrize("text", [None, "", "{}", "[" * 100_000, '{"images": 3}', '{"images": [{}]}', "no"])
def test_a_folder_without_any_coco_is_refused_with_one_sentence(tmp_path, capsys, text):
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    with pytest.raises(CommandError) as refusal:
        imported(tmp_path, capsys)
    assert refusal.value.returncode == 2 and "\n" not in str(refusal.value)
    assert not LabelledImage.objects.exists()


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(findings())
def test_nothing_is_lost_on_the_way_to_coco_and_back(tmp_path, capsys, described):
    forget()
    folder = tmp_path / str(time.monotonic_ns())
    describe(folder, "any", described)
    before, concepts = known("any"), terms()
    call_command("export_images", "--name", "any", "--format", "coco", "--out", str(folder / "out"))
    forget()
    imported(folder / "out", capsys, "any")
    assert known("any") == before and terms() == concepts
    assert LabelledImage.objects.count() == len(described)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=3), JSON, max_size=4),
    st.sampled_from([None, 0, 3]),
    st.booleans(),
    st.integers(1, 9),
)
def test_long_json_is_read_as_json_is(tmp_path_factory, content, indent, ascii, chunk):
    file = tmp_path_factory.mktemp("json") / "a.json"
    text = json.dumps(content, indent=indent, ensure_ascii=ascii)
    file.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_json, "CHUNK", chunk)
        found = list(long_json.entries(file))
    lists = {name: value for name, value in content.items() if isinstance(value, list)}
    assert [(each.name, each.value) for each in found] == [
        (name, each) for name, value in lists.items() for each in value
    ]
    assert long_json.read_again(file, [(each.start, each.length) for each in found]) == [
        each.value for each in found
    ]


@given(st.binary(max_size=40) | st.text('{}[]",:1 ', max_size=20).map(str.encode))
def test_what_is_no_json_is_refused(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("json") / "a.json"
    file.write_bytes(data)
    try:
        list(long_json.entries(file))
    except Refusal:
        return
    assert isinstance(json.loads(data), dict)
