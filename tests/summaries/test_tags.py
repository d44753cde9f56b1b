"""`tag` from its arguments to rows and files, over regions whose parts are known."""

import csv
import io
import json
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from annotations import files
from annotations.models import Concept, Image, Segment
from annotations.pictures import png
from summaries import exhibits, runs, taggers
from summaries.engine.images import resize_square
from summaries.models import Member, Run, RunImage, Tagging
from summaries.pipeline import crops
from summaries.taggers import segments, texture_colour
from tests.factories import make_run
from tests.found_runs import make_found_run, make_scene

pytestmark = pytest.mark.django_db


def name_the_disc(run: Run, name: str = "hub") -> None:
    """A part mask of the disc in every image of the run, which is where its evidence lies; an object too."""
    part, _ = Concept.objects.get_or_create(name=name, category=Concept.Category.PART)
    thing, _ = Concept.objects.get_or_create(name="wheel", category=Concept.Category.OBJECT)
    for each in RunImage.objects.filter(run_class__run=run).select_related("run_class", "image"):
        _, disc = make_scene(100 * each.run_class.position + each.position, each.image.width)
        for concept, pixels in ((part, disc), (thing, disc)):
            Segment.objects.create(
                image=each.image,
                concept=concept,
                file=files.put(png(pixels.astype(np.uint8)), ".png"),
                value=1,
                area=int(pixels.sum()),
                source=Segment.Source.GENERATED,
            )


@pytest.fixture
def found(db) -> Run:
    """Two classes with two summaries each, whose regions all lie on a disc that has a name."""
    run = make_found_run(classes=2, summaries=2, recipe=Run.Recipe.PARTS)
    for each in run.classes.all():
        run.image_set.labelled_images.bulk_create(
            run.image_set.labelled_images.model(
                image_set=run.image_set, image=one.image, label=each.label, path=one.file
            )
            for one in each.images.all()
        )
    name_the_disc(run)
    return run


def tag(run: Run, tagger: str = "segments", **more: object) -> Run:
    call_command("tag", run=run.pk, tagger=tagger, **{"draws": 1} | more)
    return run.tag_runs.latest("pk")


def refused(**options: object) -> str:
    before = Run.objects.count()
    with pytest.raises(CommandError) as refusal:
        call_command("tag", **options)
    assert refusal.value.returncode == 2
    assert Run.objects.count() == before
    return str(refusal.value)


def test_tags_are_ranked_scored_and_set_against_chance(found):
    tagging = tag(found, draws=4)
    assert (tagging.state, tagging.method, tagging.of) == (Run.State.FINISHED, Run.Method.TAGS, found)
    assert tagging.parameters["version"] == "1" and tagging.parameters["vocabulary"] == ["hub", "wheel"]
    rows = list(Tagging.objects.filter(run=tagging))
    assert len(rows) == 4
    for row in rows:
        assert [tag for tag, _ in row.tags] == ["hub", "wheel"], "the part first, although both cover all"
        assert row.tags[0][1] == 1.0
        shown = row.summary.cluster.members.filter(shown=True).order_by("position")
        assert [each["member"] for each in row.members] == [each.pk for each in shown]
        scores, chance = row.scores, row.scores["controls"]
        assert (scores["coherence"], scores["purity"], scores["tagged"]) == (1.0, 1.0, len(shown))
        assert scores["specificity"] == 0, "all summaries are of the disc"
        assert chance["on_mask"]["purity"] == 1 and chance["off_mask"]["coherence"] < 1
        assert chance["shuffled"]["coherence"] == 1


def test_tags_come_out_of_the_exhibits_door(found):
    tagging = tag(found)
    key = next(exhibits.of_run(found)).key
    (said,) = exhibits.tags_of([key])[key]
    assert (said.tagger, said.run, said.tags[0]) == ("segments", tagging.pk, ("hub", 1.0))
    assert said.scores["coherence"] == 1.0


def test_files_hold_every_summary_and_tagger(found, tmp_path):
    tag(found, "segments,texture-colour", export=tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "tags.csv").read_text())))
    assert [(row["summary"], row["tagger"]) for row in rows[:3]] == [
        ("1", "segments"),
        ("1", "texture-colour"),
        ("2", "segments"),
    ]
    assert len(rows) == 8 and rows[0]["tag_1"] == "hub" and rows[0]["coherence_shuffled"] == "1.0"
    told = json.loads((tmp_path / "tags.json").read_text())
    assert [each["tagger"] for each in told["taggers"]] == ["segments", "texture-colour"]
    assert len(told["taggers"][0]["summaries"][0]["members"]) == 4


@pytest.mark.parametrize("recipe", Run.Recipe.values[:2])
@pytest.mark.parametrize("view", runs.VIEWS)
def test_every_view_of_every_recipe_passes_through(recipe, view):
    run = make_found_run(recipe=recipe)
    assert tag(run, "texture-colour", view=view).parameters["view"] == view


def test_nothing_that_has_been_asked_is_asked_again(found, monkeypatch):
    first = tag(found)
    monkeypatch.setattr(segments, "_tags", lambda region: pytest.fail("asked again"))
    again = tag(found)
    assert again.pk != first.pk
    told = [list(run.taggings.order_by("summary").values("tags", "scores")) for run in (first, again)]
    assert told[0] == told[1]


@pytest.mark.parametrize("change", [{"seed": 52}, {"draws": 2}, {"view": "crop"}, {"top": 3}])
def test_what_is_asked_in_another_way_is_another_run_and_asked_anew(found, monkeypatch, change):
    first, asked, answer = tag(found, seed=51), [], segments._tags
    monkeypatch.setattr(segments, "_tags", lambda region: asked.append(region) or answer(region))
    second = tag(found, **{"seed": 51} | change)
    assert second.pk != first.pk and asked


def test_a_run_that_failed_says_why_and_the_same_command_goes_on_with_it(found, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(segments, "_tags", lambda region: [][0])
        with pytest.raises(CommandError) as refusal:
            tag(found, seed=41)
    failed = found.tag_runs.get()
    assert refusal.value.returncode == 2 and "IndexError" in str(refusal.value)
    assert failed.state == Run.State.FAILED
    assert tag(found, seed=41) == failed
    assert found.tag_runs.get().state == Run.State.FINISHED


def test_a_command_that_asks_something_else_leaves_the_failed_run_alone(found, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(segments, "_tags", lambda region: [][0])
        with pytest.raises(CommandError):
            tag(found, seed=42)
    tag(found, seed=42, view="crop")
    assert list(found.tag_runs.order_by("pk").values_list("state", flat=True)) == ["failed", "finished"]


def test_what_cannot_be_tagged_is_refused_in_words_before_anything_begins(found):
    bare = make_run(1)
    assert refused(run=999, tagger="segments") == "There is no run 999."
    assert "There is no tagger 'sergeants'; there is segments, texture-colour, clip" in refused(
        run=found.pk, tagger="segments,sergeants"
    )
    assert "no view 'upside down'" in refused(run=found.pk, tagger="segments", view="upside down")
    assert "from 1 to 50" in refused(run=found.pk, tagger="segments", top=0)
    assert "found no summaries" in refused(run=make_run(0).pk, tagger="segments")
    assert "no finished run" in refused(run=make_run(1, Run.State.CANCELLED).pk, tagger="segments")
    assert "leave one out" in refused(run=bare.pk, tagger="segments", queue=True, export=Path("/nowhere"))
    assert "No such file" in refused(run=bare.pk, tagger="clip", vocabulary=Path("/nowhere/words.txt"))
    Segment.objects.all().delete()
    assert "needs part or concept masks" in refused(run=found.pk, tagger="segments")


def test_tags_of_tags_are_refused(found):
    assert "no finished run of visual summaries" in refused(run=tag(found).pk, tagger="segments")


def test_a_plug_in_is_found_by_its_entry_point(found, monkeypatch):
    loud = EntryPoint("loud", "tests.summaries.plug_in:make", taggers.GROUP)
    monkeypatch.setattr(taggers, "entry_points", lambda group: [loud] if group == taggers.GROUP else [])
    tagging = tag(found, "loud")
    assert (tagging.preset, tagging.parameters["version"]) == ("loud", "0.3")
    assert tagging.parameters["vocabulary"] == ["bright", "dim"]
    assert {row.tags[0][0] for row in tagging.taggings.all()} <= {"bright", "dim"}


def test_a_plug_in_that_cannot_be_loaded_fails_its_run_in_words(found, monkeypatch):
    gone = EntryPoint("gone", "no_such_package:make", taggers.GROUP)
    monkeypatch.setattr(taggers, "entry_points", lambda group: [gone])
    with pytest.raises(CommandError, match="The tagger 'gone' cannot be loaded"):
        tag(found, "gone")


# Regions as taggers see them.


def test_label_maps_lie_where_the_stretched_picture_shows_them():
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 2, (5, 9)), np.ones((17, 13))).astype(np.uint8)
    picture = resize_square(np.repeat((labels * 200)[..., None], 3, 2), 64)[..., 0]
    stretched = crops.stretch(labels, 64)
    pure = (picture == 0) | (picture == 200)
    assert pure.mean() > 0.7
    assert np.array_equal(stretched[pure] == 1, picture[pure] == 200)


def test_a_region_is_shown_dimmed_without_lines_or_as_its_bare_crop(found):
    member = Member.objects.filter(shown=True).first()
    run_image, own = member.region.run_image, crops.pixels_of(member.region)
    picture, _ = make_scene(run_image.position, 64)
    dimmed = crops.seen(run_image, own, "dimmed")
    assert np.array_equal(dimmed.picture[own], picture[own]) and np.array_equal(dimmed.own, own)
    assert (dimmed.picture[:4, :4] == 64).all(), "grey, and no red line anywhere"
    assert not ((dimmed.picture[..., 0] > 200) & (dimmed.picture[..., 1] < 60)).any()
    crop = crops.seen(run_image, own, "crop")
    box = member.region.box
    assert np.array_equal(crop.picture, picture[box[1] : box[3], box[0] : box[2]]) and crop.own.all()
    for shown in (dimmed, crop):
        hub = next(each for each in shown.concepts() if each.name == "hub")
        assert hub.pixels.shape == shown.own.shape
    assert dimmed.concepts()[0].pixels[own].all()


def region(own, *concepts, picture=None):
    known = [taggers.Concept(name, category, np.array(pixels, bool)) for name, category, pixels in concepts]
    own = np.array(own, bool)
    return taggers.Region(
        picture if picture is not None else np.zeros((*own.shape, 3), np.uint8), own, lambda: known
    )


def test_parts_come_before_objects_and_the_plain_name_before_the_narrow_one():
    own = [[1, 1, 1, 1, 0]]
    tagger = segments.make(taggers.Setup(concepts=("tail",)))
    said = tagger.tag(
        [
            region(
                own,
                ("grawk", "object", [[1, 1, 1, 1, 1]]),
                ("spiral tail", "part", [[1, 1, 0, 0, 0]]),
                ("tail", "part", [[1, 1, 0, 0, 0]]),
                ("wing", "part", [[0, 0, 1, 0, 0]]),
                ("wing", "part", [[0, 0, 0, 1, 1]]),
                ("leg", "part", [[0, 0, 0, 0, 1]]),
                ("forest", "scene", [[1, 1, 1, 1, 1]]),
            ),
            region([[0, 0, 0, 0, 0]], ("grawk", "object", [[1, 1, 1, 1, 1]])),
        ]
    )
    assert said == [[("tail", 0.5), ("wing", 0.5), ("spiral tail", 0.5), ("grawk", 1.0)], []]


def test_colours_and_pattern_are_those_of_the_region_alone():
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[..., 0] = 220
    picture[:, 20:] = (20, 60, 200)
    own = np.zeros((40, 40), bool)
    own[4:36, :20] = True
    (said,) = texture_colour.make(taggers.Setup()).tag([region(own, picture=picture)])
    assert dict(said) == pytest.approx({"red": 1.0, "plain": 1.0})
    assert set(dict(said)) <= set(texture_colour.TextureColour.vocabulary)


def test_an_image_is_read_once_for_all_its_regions(found, django_assert_num_queries):
    member = Member.objects.filter(shown=True).select_related("region__run_image__image").first()
    run_image, own = member.region.run_image, crops.pixels_of(member.region)
    run_image.run_class.run.network  # noqa: B018  (read beforehand)
    crops.seen(run_image, own, "dimmed").concepts()
    with django_assert_num_queries(0):
        crops.seen(run_image, own, "crop").concepts()
    assert Image.objects.exists()
