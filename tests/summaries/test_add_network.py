"""`add_network`: what it takes, what it refuses in one sentence, and that a refusal leaves nothing behind."""

import json
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
from django.core.management import CommandError, call_command

from annotations.models import ImageSet
from summaries.models import Network
from tests.summaries import world

pytestmark = pytest.mark.django_db

SHA256 = 64


class Code:
    """What no weights file may hold: a call that unpickling would make."""

    def __reduce__(self):
        return print, ("unpickled",)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("networks")
    world.write_network(folder, ".pth")
    world.write_network(folder)
    return folder


def _given(made: Path, **changes) -> dict:
    """The options of a network described on the command line."""
    (made / "classes.json").write_text(json.dumps(list(world.CLASSES)))
    options = {
        "architecture": "meronym:creatures",
        "weights": str(made / "tiny.safetensors"),
        "classes": str(made / "classes.json"),
        "input_size": world.SIDE,
        "resize": world.SIDE,
        "mean": "0.5,0.5,0.5",
        "std": "0.25,0.25,0.25",
    }
    return options | changes


def _refusal(*names: str, **options) -> str:
    before = list(Network.objects.values())
    with pytest.raises(CommandError) as refused:
        call_command("add_network", *names, **options)
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
    assert list(Network.objects.values()) == before
    return str(refused.value)


def _changed(made: Path, tmp_path: Path, change) -> str:
    """A weights file made wrong."""
    state = safetensors.torch.load_file(made / "tiny.safetensors")
    change(state)
    safetensors.torch.save_file(state, tmp_path / "changed.safetensors")
    return str(tmp_path / "changed.safetensors")


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_a_network_is_kept_with_all_that_is_needed_to_ask_it_again(made, suffix, capsys):
    call_command("add_network", "mine", **_given(made, weights=str(made / f"tiny.{suffix}")))
    network = Network.objects.get()
    assert (network.name, network.architecture, network.input_size) == ("mine", "meronym:creatures", 48)
    assert [each["name"] for each in network.classes] == list(world.CLASSES)
    assert network.weights == f"content/{network.sha256[:2]}/{network.sha256}.{suffix}"
    assert len(network.sha256) == SHA256
    assert "Not checked: no image set has a class of this network yet" in capsys.readouterr().out


def test_a_network_is_checked_on_the_image_set_that_shares_its_classes(made, tmp_path, capsys):
    call_command("import_images", str(world.write_pictures(tmp_path / "pictures")), name="tiny")
    call_command("add_network", form=str(made / "tiny.json"))
    network = Network.objects.get()
    assert network.check_result["top1"] == pytest.approx(8 / 9)  # the stranger among the wheels is a flag
    assert network.check_result["images_per_second"] > 0
    assert "Check on 9 images of 'tiny': top-1 0.89" in capsys.readouterr().out


def test_the_same_again_changes_nothing_and_another_under_its_name_is_refused(made):
    for _ in range(2):
        call_command("add_network", form=str(made / "tiny.json"))
    assert Network.objects.count() == 1
    sentence = _refusal("tiny", **_given(made, mean="0.4,0.5,0.5"))
    assert sentence == "There is another network called 'tiny'; choose another name for this one."


def test_a_form_can_be_corrected_on_the_command_line(made):
    call_command("add_network", "other", form=str(made / "tiny.json"), resize=64)
    network = Network.objects.get()
    assert (network.name, network.preprocessing["resize"]) == ("other", 64)


def test_weights_of_another_architecture_name_the_first_keys_that_differ(made, tmp_path):
    def rename(state):
        state["head.weight"] = state.pop("classifier.weight")

    sentence = _refusal("mine", **_given(made, weights=_changed(made, tmp_path, rename)))
    assert "'classifier.weight'" in sentence and "'head.weight'" in sentence


def test_a_wrong_number_of_classes_names_both(made, tmp_path):
    (tmp_path / "classes.json").write_text('["wheel", "flag"]')
    sentence = _refusal("mine", **_given(made, classes=str(tmp_path / "classes.json")))
    assert sentence == "The weights know 3 classes, but the class list has 2."


def test_weights_that_are_no_numbers_are_refused(made, tmp_path):
    def spoil(state):
        state["classifier.bias"][0] = torch.nan

    sentence = _refusal("mine", **_given(made, weights=_changed(made, tmp_path, spoil)))
    assert sentence == "The weights are damaged: tensor 'classifier.bias' holds NaN or infinity."


def test_a_pickle_that_would_run_code_is_refused_without_running_it(made, tmp_path, capsys):
    torch.save({"weight": Code()}, tmp_path / "code.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Code()))
    assert "unpickling it could run code" in _refusal(
        "mine", **_given(made, weights=str(tmp_path / "code.pth"))
    )
    _refusal("mine", **_given(made, weights=str(tmp_path / "plain.pth")))
    assert "unpickled" not in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_half_a_file_is_refused(made, tmp_path, suffix):
    whole = (made / f"tiny.{suffix}").read_bytes()
    half = tmp_path / f"half.{suffix}"
    half.write_bytes(whole[: len(whole) // 2])
    assert "truncated" in _refusal("mine", **_given(made, weights=str(half)))


def test_published_weights_out_of_reach_are_refused_in_one_sentence(monkeypatch):
    def offline(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    sentence = _refusal("published", architecture="torchvision:squeezenet1_1", weights="default")
    assert "could not be downloaded" in sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mean": "0.5,0.5"}, "mean"),
        ({"mean": "bright,0.5,0.5"}, "mean"),
        ({"std": "0,1,1"}, "The standard deviations must be above zero"),
        ({"input_size": 4}, "'input_size' must be a whole number of pixels"),
        ({"input_size": None}, "With weights of your own, --input-size has to be given."),
        ({"interpolation": "magic"}, "interpolation"),
        ({"architecture": "torchvision:mobilnet_v2"}, "did you mean"),
        ({"architecture": "keras:vgg"}, "Write an architecture as torchvision:NAME or timm:NAME"),
        ({"architecture": None}, "Say the network's architecture"),
        ({"weights": "nowhere.pth"}, "There is no weights file 'nowhere.pth'."),
        ({"classes": "nowhere.json"}, "The class list 'nowhere.json' cannot be read"),
    ],
)
def test_what_does_not_parse_is_named(made, changes, sentence):
    assert sentence in _refusal("mine", **_given(made, **changes))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not valid JSON"),
        ("[]", "is not a form"),
        ('{"name": "a"}', "does not say the network's architecture and file"),
        ('{"name": "a", "architecture": "meronym:creatures", "file": "x.pth"}', "names no class list"),
        (
            '{"name": "a", "architecture": "b", "file": "x.pth", "classes": ["a", "b"], "kwargs": 3}',
            "an object of names and values",
        ),
    ],
)
def test_a_form_that_says_too_little_is_refused(tmp_path, content, sentence):
    (tmp_path / "form.json").write_text(content)
    assert sentence in _refusal(form=str(tmp_path / "form.json"))


def test_a_name_that_no_database_would_take_whole_is_refused(made):
    assert "at most 100 characters" in _refusal("n" * 101, **_given(made))


def test_an_image_set_without_its_classes_is_not_asked(made, tmp_path, capsys):
    ImageSet.objects.create(name="empty")
    call_command("add_network", form=str(made / "tiny.json"))
    assert "Not checked" in capsys.readouterr().out


def test_a_form_that_leaves_licence_and_source_open_is_taken(made, tmp_path):
    form = json.loads((made / "tiny.json").read_text()) | {"licence": None, "source": None}
    (made / "open.json").write_text(json.dumps(form))
    call_command("add_network", form=str(made / "open.json"))
    network = Network.objects.get()
    assert (network.licence, network.source) == ("", "")
