"""`summarise` from its arguments to the exported files, on pictures so small that it takes seconds."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from PIL import Image as Pillow

from annotations.models import ImageSet
from summaries import runs, tasks
from summaries.engine import activations
from summaries.engine.visual import descriptors, flow, masks, proposals, segments, warp
from summaries.models import Network, Run
from summaries.pipeline import pieces, presets, work
from tests.summaries import world
from tests.summaries.rows import rows_of

pytestmark = pytest.mark.django_db

TOP = {"engine_version", "network", "image_set", "preset", "seed", "seconds", "classes"}
CLASS = {"label", "index", "images", "skipped", "summaries"}
IMAGE = {"file", "sha256", "p", "p_blurred", "p_masked", "area", "passes", "mask"}
SUMMARY = {"rank", "picture", "coverage", "strength", "coherence", "members"}
MEMBER = {"file", "box", "mask", "similarity", "drop", "shown"}
IMAGE_TO_COME = 50
ENGINE = {
    "tiny": [
        (descriptors, "estimate_background"),
        (masks, "find_masks"),
        (proposals, "propose"),
        (flow, "match_many"),
        (warp, "dense_flow"),
    ],
    "tiny-parts": [
        (activations, "estimate_statistics"),
        (masks, "find_masks"),
        (segments, "describe"),
    ],
}
"""What is dear, by preset: a second run finds it done."""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    world.write_pictures(folder / "pictures")
    world.write_network(folder / "network")
    return folder


@pytest.fixture(autouse=True)
def tiny(made, monkeypatch):
    """The presets, the image set and the network, all called tiny."""
    monkeypatch.setattr(presets, "VISUAL", dict(presets.VISUAL))
    monkeypatch.setattr(runs, "PRESETS", dict(runs.PRESETS))
    world.add_presets()
    call_command("import_images", str(made / "pictures"), name="tiny")
    call_command("add_network", form=str(made / "network" / "tiny.json"))


@pytest.fixture(autouse=True)
def sent(monkeypatch) -> list:
    """What goes to the queue."""
    sent = []
    monkeypatch.setattr(tasks.begin, "apply_async", lambda arguments, **_: sent.append(arguments))
    return sent


def summarise(capsys, **options) -> tuple[str, str]:
    """What the command printed and what it said on stderr."""
    capsys.readouterr()
    given = {"network": "tiny", "images": "tiny", "classes": "all", "preset": "tiny"} | options
    call_command("summarise", **given)
    return capsys.readouterr()


def refusal(**options) -> str:
    given = {"network": "tiny", "images": "tiny", "classes": "all", "preset": "tiny"} | options
    with pytest.raises(CommandError) as refused:
        call_command("summarise", **given)
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
    assert not Run.objects.exists()
    return str(refused.value)


@pytest.mark.parametrize("preset", ["tiny", "tiny-parts"])
def test_a_run_is_exported_with_all_that_it_found_and_a_second_one_computes_nothing_again(
    capsys, tmp_path, monkeypatch, preset
):
    out, err = summarise(capsys, export=tmp_path / "first", preset=preset)
    assert "Grouping" in err and "Drawing the summaries" in err
    assert "wheel/stranger.png: the network says 'flag' (0." in out
    first = _check_export(tmp_path / "first", preset)

    called = []
    for module, name in ENGINE[preset]:
        monkeypatch.setattr(module, name, lambda *_, name=name, **__: called.append(name))
    summarise(capsys, export=tmp_path / "second", preset=preset)
    second = _check_export(tmp_path / "second", preset)
    assert called == []
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert Run.objects.filter(state=Run.State.FINISHED).count() == 2


def _check_export(folder: Path, preset: str) -> dict:
    """The file's form and the consistency of its values; returns its content."""
    content = json.loads((folder / "summaries.json").read_text())
    assert content.keys() == TOP
    assert content["network"].keys() == {"name", "sha256"}
    assert (content["image_set"], content["preset"], content["seed"]) == ("tiny", preset, 0)
    made_with = json.loads((folder / "run.json").read_text())
    assert made_with.keys() == {"geometry", "parameters", "libraries"}
    assert made_with["geometry"].startswith("each picture stretched to 48 x 48 px")
    assert [each["label"] for each in content["classes"]] == ["flag", "wheel"]
    assert [len(each["skipped"]) for each in content["classes"]] == [0, 1]
    for each in content["classes"]:
        assert each.keys() == CLASS
        assert each["summaries"], "a test that finds no summary proves little"
        _check_images(each, folder)
        for rank, summary in enumerate(each["summaries"], start=1):
            _check_summary(summary, rank, each, folder)
            if preset == "tiny":
                _check_boxes(summary, each, folder)
            else:
                _check_parts(summary, each, folder)
    return content


def _check_images(each: dict, folder: Path) -> None:
    assert each["index"] == world.CLASSES.index(each["label"])
    assert len(each["images"]) == world.IMAGES
    for image in each["images"]:
        assert image.keys() == IMAGE
        mask = _mask(folder / image["mask"])
        assert image["area"] == pytest.approx((mask > 128).mean())
        assert all(0 <= image[name] <= 1 for name in ("p", "p_blurred", "p_masked"))
        assert image["passes"] == 18


def _check_summary(summary: dict, rank: int, of_class: dict, folder: Path) -> None:
    assert summary.keys() == SUMMARY
    assert summary["rank"] == rank
    shown = [member for member in summary["members"] if member["shown"]]
    assert len({member["file"] for member in shown}) == len(shown) >= 3
    with Pillow.open(folder / summary["picture"]) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
    for member in summary["members"]:
        assert member.keys() == MEMBER
        x0, y0, x1, y1 = member["box"]
        assert 0 <= x0 < x1 <= world.SIDE and 0 <= y0 < y1 <= world.SIDE


def _check_boxes(summary: dict, of_class: dict, folder: Path) -> None:
    """What members are shown counts, and a region is the evidence inside its box."""
    masks_of = {image["file"]: _mask(folder / image["mask"]) for image in of_class["images"]}
    shown = [member for member in summary["members"] if member["shown"]]
    assert summary["coverage"] == pytest.approx(len(shown) / len(masks_of))
    assert summary["strength"] == pytest.approx(np.mean([member["drop"] for member in shown]))
    for member in summary["members"]:
        x0, y0, x1, y1 = member["box"]
        expected = np.zeros((world.SIDE, world.SIDE), bool)
        expected[y0:y1, x0:x1] = masks_of[member["file"]][y0:y1, x0:x1] > 128
        assert np.array_equal(_mask(folder / member["mask"]), expected * 255)


def _check_parts(summary: dict, of_class: dict, folder: Path) -> None:
    """All members count, one an image, and a region has pixels of its own with their bounding box."""
    members = summary["members"]
    assert summary["coverage"] == pytest.approx(len(members) / len(of_class["images"]))
    assert summary["strength"] == pytest.approx(np.mean([member["drop"] for member in members]))
    assert summary["coherence"] == pytest.approx(np.mean([member["similarity"] for member in members]))
    assert len({member["file"] for member in members}) == len(members)
    assert sum(member["shown"] for member in members) <= world.TINY_PARTS.topk
    for member in members:
        y, x = np.nonzero(_mask(folder / member["mask"]) == 255)
        assert member["box"] == [x.min(), y.min(), x.max() + 1, y.max() + 1]


def _mask(path: Path) -> np.ndarray:
    with Pillow.open(path) as mask:
        assert (mask.format, mask.mode, mask.size) == ("PNG", "L", (world.SIDE, world.SIDE))
        return np.array(mask)


def test_what_is_found_by_parts_does_not_depend_on_the_pieces_of_work(capsys, monkeypatch):
    """Masks are optimised a chunk at a time and may differ in the last digit; what is found of them not."""
    found = []
    for chunk in (8, 3):
        monkeypatch.setattr(pieces, "CHUNK", chunk)
        summarise(capsys, preset="tiny-parts")
        found.append(rows_of(Run.objects.latest("pk").pk))
        _forget_artifacts()
    for table in ("regions", "clusters", "members", "summaries"):
        assert found[0][table] == found[1][table], table


def _forget_artifacts() -> None:
    """Takes away what stages left, so that the next run has everything to do again."""
    shutil.rmtree(settings.FILES_FOLDER / "artifacts")


def test_a_run_handed_to_the_workers_waits_for_them(capsys, sent):
    out, _ = summarise(capsys, queue=True, classes="1")
    run = Run.objects.get()
    assert (run.state, run.stage, run.queued) == (Run.State.RUNNING, "", True)
    assert [each.label.name for each in run.classes.all()] == ["flag"]
    assert sent == [[run.pk]]
    assert f"/gallery/runs/{run.pk}/" in out


def _import(folder: Path, name: str, **classes: list[tuple[str, int]]) -> None:
    """An image set whose classes hold the given pictures; the flags are there for the background."""
    classes["flag"] = [("flag", number) for number in range(world.IMAGES)]
    for label, shown in classes.items():
        (folder / label).mkdir(parents=True)
        for what, number in shown:
            Pillow.fromarray(world.picture(what, number)).save(folder / label / f"{number}.png")
    call_command("import_images", str(folder), name=name)


def test_a_class_without_any_believed_image_ends_with_nothing_but_the_reasons(capsys, tmp_path):
    _import(tmp_path / "pictures", "clouds", cloud=[("wheel", 0), ("wheel", 1)])
    out, _ = summarise(capsys, images="clouds", classes="cloud", export=tmp_path / "out")
    assert "cloud: 0 summaries of 0 images; 2 skipped" in out
    (only,) = json.loads((tmp_path / "out" / "summaries.json").read_text())["classes"]
    assert (only["images"], only["summaries"]) == ([], [])
    assert {each["reason"][:23] for each in only["skipped"]} == {"the network says 'wheel"}


def test_one_image_alone_has_nothing_to_be_compared_with_and_the_run_still_ends(capsys, tmp_path):
    _import(tmp_path / "pictures", "alone", wheel=[("wheel", 0)])
    out, _ = summarise(capsys, images="alone", classes="wheel")
    assert "wheel: 0 summaries of 1 images; 0 skipped" in out


def test_pictures_that_arrive_in_the_middle_of_a_run_leave_it_as_it_was(capsys, tmp_path):
    network, images = Network.objects.get(name="tiny"), ImageSet.objects.get(name="tiny")
    run = runs.plan_run(network, images, ["wheel"], preset="tiny", queued=False)
    work.advance(run)
    work.perform(run.jobs.get(stage="background").pk)
    _import(tmp_path / "more", "tiny", wheel=[("wheel", IMAGE_TO_COME)])
    assert images.labelled_images.count() > 2 * world.IMAGES + 1
    work.drive(run, lambda job, done, total: None)
    assert (run.state, run.reason) == (Run.State.FINISHED, "")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"network": "vast"},
            "There is no network called 'vast' (there is: tiny); add_network adds one.",
        ),
        (
            {"images": "zoo"},
            "There is no image set called 'zoo' (there is: tiny); import_images adds one.",
        ),
        ({"classes": "zebra"}, "The image set has no class 'zebra'; it has flag, wheel."),
        ({"classes": " , "}, "Name at least one class, or 'all'."),
        ({"preset": "huge"}, "There is no preset 'huge'; there is standard, paper, tiny, tiny-parts."),
        ({"seed": -1}, "The seed is a number from 0 to 2147483647, not -1."),
        ({"limit": 1}, "A summary compares images: let at least two of a class take part."),
        (
            {"queue": True, "export": Path("out")},
            "--export needs the results, and --queue does not wait for them: leave one out.",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence_before_a_run_is_made(options, sentence):
    assert refusal(**options) == sentence


def test_an_export_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in refusal(export=tmp_path / "file")


def test_a_run_of_another_engine_is_not_gone_on_with(capsys):
    network, images = Network.objects.get(name="tiny"), ImageSet.objects.get(name="tiny")
    begun = runs.plan_run(network, images, ["wheel"], preset="tiny")
    assert "Going on" in summarise(capsys, classes="wheel", queue=True)[0]
    Run.objects.filter(pk=begun.pk).update(engine_version="0.9")
    assert "Going on" not in summarise(capsys, classes="wheel", queue=True)[0]
