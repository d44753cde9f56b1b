"""`dissect` from its arguments to rows and files, on pictures so small that it takes seconds."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command

from annotations import files
from annotations.models import Concept, Image, ImageSet, LabelledImage, Segment
from annotations.pictures import png, read_rgb
from study import publishing
from summaries import dissections, exhibits
from summaries.engine.dissection import dissect as engine
from summaries.engine.dissection import geometry
from summaries.engine.dissection.layers import pick
from summaries.engine.dissection.quantiles import exact_quantile
from summaries.models import Network, Run, RunImage, Unit, UnitConcept, UnitImage
from summaries.pipeline import dissection, evidence, label_maps
from summaries.pipeline.networks import classifier_of
from tests.summaries import world

pytestmark = pytest.mark.django_db

LAYER = "features.8"
COLOURS = {
    "red": (1, lambda r, g, b: (r > 150) & (g < 90)),
    "blue": (2, lambda r, g, b: (b > 150) & (r < 90)),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    world.write_pictures(folder / "pictures")
    world.write_network(folder / "network")
    return folder


@pytest.fixture(autouse=True)
def tiny(made):
    """The image set, with its colours in a map, discs as objects in another and the class as a scene."""
    call_command("import_images", made / "pictures", name="tiny")
    call_command("add_network", f"--from={made / 'network' / 'tiny.json'}")
    for place in LabelledImage.objects.filter(image_set__name="tiny").select_related("image", "label"):
        mark(place.image, place.label.name)


def mark(image: Image, scene: str) -> None:
    rgb = read_rgb(files.get(image.file)).astype(int)
    values = np.zeros(rgb.shape[:2], np.uint8)
    for value, rule in COLOURS.values():
        values[rule(*rgb.transpose(2, 0, 1))] = value
    y, x = np.mgrid[:64, :64]
    disc = (np.hypot(x - 32, y - 32) < 12).astype(np.uint8)
    for name, (value, _) in COLOURS.items():
        add(image, "colour", name, files.put(png(values), ".png"), value, int((values == value).sum()))
    add(image, "object", "middle", files.put(png(disc), ".png"), 1, int(disc.sum()))
    add(image, "scene", scene, "", 1, 64 * 64)


def add(image: Image, category: str, name: str, file: str, value: int, area: int) -> None:
    concept, _ = Concept.objects.get_or_create(category=category, name=name)
    Segment.objects.get_or_create(
        image=image, concept=concept, file=file, defaults={"value": value, "area": area, "source": "imported"}
    )


def dissect(layer: str = LAYER, **more: object) -> Run:
    call_command("dissect", network="tiny", images="tiny", layer=layer, **{"quantile": 0.05} | more)
    return Run.objects.latest("pk")


def refused(**options: object) -> str:
    before = Run.objects.count()
    with pytest.raises(CommandError) as refusal:
        call_command("dissect", **{"network": "tiny", "images": "tiny", "layer": LAYER} | options)
    assert refusal.value.returncode == 2
    assert Run.objects.count() == before
    return str(refusal.value)


def rows_of(run: Run) -> list[tuple]:
    counts = ("iou", "intersection", "activation", "truth")
    return list(
        UnitConcept.objects.filter(unit__run=run)
        .order_by("unit__layer", "unit__number", "category", "rank")
        .values_list("unit__layer", "unit__number", "unit__threshold", "concept__name", "rank", *counts)
    )


def plain_loop(run: Run) -> tuple[np.ndarray, list[str], np.ndarray]:
    """T, names of the concepts and IoU (U, C), image by image and unit by unit, by the formulas."""
    images = [each for each in RunImage.objects.filter(run_class__run=run).select_related("image")]
    classifier = classifier_of(run.network)
    layer = pick(classifier.module, run.network.input_size, [LAYER])[LAYER]
    maps = [
        engine.read_maps(classifier, {LAYER: engine.Probe(LAYER)}, evidence.tensor_of([each]))[LAYER][0]
        for each in images
    ]
    flat = torch.cat([each.flatten(1).T for each in maps])
    limits = exact_quantile(flat, 0.95)
    side = run.parameters["side"]
    names = [tuple(each) for each in run.parameters["concepts"]]
    both, truth = np.zeros((len(limits), len(names))), np.zeros(len(names))
    active = np.zeros((len(limits), len(names)))
    for image, values in zip(images, maps, strict=True):
        masks = geometry.upsample(values, (side, side), layer.geometry) > limits[:, None, None]
        (labels,) = label_maps.read([image.image], {name: place for place, name in enumerate(names)}, side)
        shown = [
            (labels.maps == place + 1).any(0) if place not in labels.whole else torch.ones(side, side) > 0
            for place in range(len(names))
        ]
        there = {names[place][0] for place, each in enumerate(shown) if each.any()}
        for place, pixels in enumerate(shown):
            truth[place] += int(pixels.sum())
            for unit, mask in enumerate(masks):
                both[unit, place] += int((mask & pixels).sum())
                active[unit, place] += int(mask.sum()) if names[place][0] in there else 0
    return limits.numpy(), [name for _, name in names], both / (active + truth - both + 1e-20)


def test_a_run_finds_what_a_plain_loop_over_images_and_units_finds():
    run = dissect()
    assert run.state == Run.State.FINISHED
    limits, names, iou = plain_loop(run)
    units = list(run.units.select_related("concept"))
    assert len(units) == len(limits) == 48
    np.testing.assert_allclose([unit.threshold for unit in units], limits, rtol=1e-5)
    found = {(each[1], each[3]): each[5] for each in rows_of(run)}
    for (number, name), value in found.items():
        assert value == pytest.approx(iou[number, names.index(name)], abs=1e-6), (number, name)
    for unit in units:
        best = iou[unit.number].max()
        assert (unit.iou or 0) == pytest.approx(best, abs=1e-6)
    assert len(found) == (iou > 0).sum()


def test_top_images_have_masks_of_where_the_unit_is_active():
    run = dissect()
    images = UnitImage.objects.filter(unit__run=run).select_related("unit")
    assert images and all(each.activation > each.unit.threshold for each in images)
    first = images.filter(rank=1).first()
    mask = read_rgb(files.get(first.file))
    assert mask.shape == (world.SIDE, world.SIDE, 3) and set(np.unique(mask)) == {0, 255}
    assert [each.rank for each in first.unit.images.all()] == list(range(1, first.unit.images.count() + 1))


def test_a_second_layer_never_gets_the_result_of_another():
    first, second = dissect("features.8"), dissect("features.5")
    assert first.units.count() == 48 and second.units.count() == 32
    alone = rows_of(second)
    together = dissect("features.5,features.8")
    told = rows_of(together)
    assert [each for each in told if each[0] == "features.5"] == alone
    assert [each for each in told if each[0] == "features.8"] == rows_of(first)
    assert alone != rows_of(first)[: len(alone)]


def test_what_was_counted_is_not_counted_again(monkeypatch):
    first = dissect()
    with monkeypatch.context() as broken:
        broken.setattr(engine, "count", lambda *args, **more: pytest.fail("counted again"))
        broken.setattr(engine, "sketch", lambda *args, **more: pytest.fail("sketched again"))
        again = dissect()
    assert again.pk != first.pk and rows_of(again) == rows_of(first)


@pytest.mark.parametrize("change", [{"quantile": 0.1}, {"seed": 3, "basis": "rotated"}, {"limit": 3}])
def test_what_is_asked_in_another_way_is_counted_anew(change):
    assert rows_of(dissect()) != rows_of(dissect(**change))


def test_what_is_marked_later_counts_in_the_next_run():
    before = dissect()
    image = Image.objects.first()
    add(image, "part", "corner", files.put(png(np.tri(64, dtype=np.uint8)), ".png"), 1, 2080)
    after = dissect()
    assert not before.units.filter(concepts__concept__name="corner").exists()
    assert after.units.filter(concepts__concept__name="corner").exists()


def test_another_network_of_the_same_layers_is_asked_itself(made):
    first = dissect()
    state = Network.objects.get(name="tiny")
    state.pk, state.name, state.preprocessing = None, "wider", state.preprocessing | {"std": [0.5] * 3}
    state.save()
    call_command("dissect", network="wider", images="tiny", layer=LAYER, quantile=0.05)
    assert rows_of(first) != rows_of(Run.objects.latest("pk"))


def test_a_basis_that_is_not_turned_is_the_natural_one():
    assert rows_of(dissect(basis="rotated", alpha=0.0)) == rows_of(dissect())


def test_images_without_a_concept_are_left_out_and_counted(capsys):
    Segment.objects.filter(image=Image.objects.first()).delete()
    run = dissect()
    assert run.parameters["skipped"] == 1
    assert "1 image was left out: no concept is marked in it." in capsys.readouterr().out
    assert RunImage.objects.exclude(skipped="").get().skipped == "no concept is marked in it"


def test_an_image_of_two_classes_counts_once():
    place = LabelledImage.objects.filter(image_set__name="tiny").first()
    other = ImageSet.objects.get(name="tiny").labels.exclude(pk=place.label_id).first()
    LabelledImage.objects.create(image_set=place.image_set, image=place.image, label=other, path="again.png")
    run = dissect()
    assert run.parameters["images"] == Image.objects.count()


def test_files_have_the_published_form_and_say_how_they_were_made(tmp_path):
    run = dissect("features.8,features.5", export=tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "features.8.csv").read_text())))
    assert list(rows[0])[:9] == [
        *("unit", "category", "label", "score", "object-label", "object-truth"),
        *("object-activation", "object-intersect", "object-iou"),
    ]
    assert {"color-iou", "scene-iou"} <= set(rows[0]) and rows[0]["unit"] == "1"
    unit = run.units.get(layer="features.8", number=int(rows[0]["unit"]) - 1)
    assert float(rows[0]["score"]) == (unit.iou or 0)
    told = json.loads((tmp_path / "units.json").read_text())
    assert [each["file"] for each in told["layers"]] == ["features.8.csv", "features.5.csv"]
    first = told["layers"][0]
    assert {each["threshold"] for each in first["detectors"]} == {0.04, 0.1, 0.2, 0.3}
    assert len(first["thresholds"]) == 48 and told["parameters"]["quantile"] == 0.05
    by_top = next(each for each in first["detectors"] if each["counting"] == "top label")
    passed = run.units.filter(layer="features.8", iou__gt=0.04)
    assert by_top["units"] == passed.count()
    assert by_top["unique"] == passed.values("concept").distinct().count()
    assert len(first["chance"]) == len(first["detectors"])


def test_units_are_found_by_concept_category_and_iou():
    run = dissect()
    best = dissections.units_of(run).first()
    assert best.iou == max(unit.iou for unit in run.units.exclude(iou=None))
    for wanted in (
        dissections.Wanted(concept=best.concept.name),
        dissections.Wanted(category=best.concept.category, least=best.iou),
        dissections.Wanted(layer=LAYER),
    ):
        assert best in dissections.units_of(run, wanted)
    assert not dissections.units_of(run, dissections.Wanted(concept="no such thing"))
    assert not dissections.units_of(run, dissections.Wanted(least=1.1))


def test_detectors_come_out_of_the_exhibits_door_with_their_concept_as_a_tag():
    run = dissect()
    shown = list(exhibits.of_run(run))
    assert run in exhibits.finished_runs()
    assert len(shown) == run.units.filter(iou__gt=0.04).count() > 0
    first, best = shown[0], dissections.units_of(run).first()
    assert first.key == f"units/{run.pk}/{LAYER}/{best.number}" and exhibits.run_of(first.key) == run
    assert first.question == "What do these regions have in common?"
    assert read_rgb(files.get(first.pictures[0])).shape[2] == 3
    assert not first.can_decoy and exhibits.summary_of(first.key) is None
    (said,) = exhibits.tags_of([first.key])[first.key]
    assert (said.tagger, said.run, said.tags[0]) == ("dissection", run.pk, (best.concept.name, best.iou))
    assert "middle" in said.vocabulary


def test_a_study_can_be_made_of_units():
    run = dissect()
    study = publishing.create_study(run, "Units of a tiny network")
    assert study.stimuli.count() == run.units.filter(iou__gt=0.04).count()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layer": "featurs.8"}, "did you mean features.8"),
        ({"layer": "classifier"}, "has nothing to dissect"),
        ({"layer": ""}, "Name at least one layer"),
        ({"basis": "sideways"}, "no basis 'sideways'"),
        ({"rule": "guess"}, "no rule 'guess'"),
        ({"quantile": 0.0}, "shares between 0 and 1"),
        ({"limit": 0}, "at least one image"),
        ({"seed": -1}, "The seed is a number"),
        ({"images": "nowhere"}, "no image set called 'nowhere'"),
        ({"network": "nobody"}, "no network called 'nobody'"),
        ({"images": None}, "--images NAME"),
        ({"queue": True, "export": Path("out")}, "leave one out"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(options, words):
    assert words in refused(**options)


def test_a_set_in_which_nothing_is_marked_is_refused():
    Segment.objects.all().delete()
    assert "No concept is marked in any image of 'tiny'" in refused()


def test_layers_are_listed_with_their_shapes(capsys):
    call_command("dissect", network="tiny", layer="list")
    assert "features.8: 48 units, 12 x 12" in capsys.readouterr().out


def test_a_run_that_failed_says_why_and_the_same_command_goes_on_with_it(monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(dissection.score, "iou", lambda *args: 1 / 0)
        with pytest.raises(CommandError):
            dissect()
    failed = Run.objects.latest("pk")
    assert failed.state == Run.State.FAILED and "ZeroDivisionError" in failed.reason
    assert not Unit.objects.exists()
    assert dissect().pk == failed.pk
    failed.refresh_from_db()
    assert failed.state == Run.State.FINISHED and failed.units.count() == 48
