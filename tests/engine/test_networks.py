import json
import os
from urllib.error import URLError

import pytest
import safetensors.torch
import torch
import torchvision
from torch import nn

from summaries.engine import Refusal
from summaries.engine import networks as nets
from summaries.engine.creature_net import CreatureNet
from summaries.engine.preprocessing import Preprocessing, parse_preprocessing
from tests.shared_data import SHARED, needs_shared

PLAIN = Preprocessing(64, 72, (0.5, 0.4, 0.3), (0.2, 0.25, 0.5))


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    return nets.Classifier(CreatureNet(8), PLAIN, torch.device("cpu"))


class RunsCode:
    def __reduce__(self):
        return os.system, ("echo this must never run > ran.txt",)


def test_a_preprocessing_is_read_from_lists_words_and_json():
    words = {"input_size": "64", "resize": 72, "mean": "0.5,0.4,0.3", "std": [0.2, 0.25, 0.5], "name": "x"}
    assert parse_preprocessing(words) == PLAIN
    assert parse_preprocessing(json.dumps(words)) == PLAIN
    assert parse_preprocessing({**words, "resize": None, "resize_short_side": 80}).resize is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"mean": "0.5,nan,0.5"}, "finite number"),
        ({"mean": [0.5, 0.5]}, "three numbers"),
        ({"mean": None}, "does not say its 'mean'"),
        ({"std": [0.5, 0.0, 0.5]}, "above zero"),
        ({"std": "a,b,c"}, "'a' is not"),
        ({"input_size": 8}, "16 to 1024"),
        ({"input_size": 2000}, "16 to 1024"),
        ({"input_size": 64.5}, "whole number"),
        ({"input_size": True}, "finite number"),
        ({"resize": 32}, "must not be below"),
        ({"interpolation": "magic"}, "bilinear"),
        ({"crop": "random"}, "known are center"),
    ],
)
def test_a_preprocessing_that_does_not_parse_is_refused_in_words(change, sentence):
    good = {"input_size": 64, "mean": [0.5] * 3, "std": [0.5] * 3}
    with pytest.raises(Refusal, match=sentence):
        parse_preprocessing({**good, **change})


@pytest.mark.parametrize("text", ["{", "[1, 2]", '"words"'])
def test_a_preprocessing_that_is_no_json_object_is_refused(text):
    with pytest.raises(Refusal, match="JSON"):
        parse_preprocessing(text)


@pytest.mark.parametrize("name", ["meronym:creatures", "torchvision:squeezenet1_1", "timm:mobilenetv1_100"])
def test_a_network_is_built_by_name_with_its_number_of_classes(name):
    with torch.no_grad():
        assert nets.build(name, 7).eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 7)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("torchvision:mobilnet_v2", "did you mean mobilenet_v2"),
        ("timm:resnett50", "did you mean .*resnet"),
        ("torchvision:fasterrcnn_resnet50_fpn", "knows no architecture"),
        ("timm:hf_hub:someone/something", "knows no architecture"),
        ("keras:vgg", "torchvision:NAME or timm:NAME"),
        ("mobilenet_v2", "torchvision:NAME or timm:NAME"),
    ],
)
def test_an_unknown_architecture_is_refused_with_a_hint(name, sentence):
    with pytest.raises(Refusal, match=sentence):
        nets.build(name, 8)


def test_options_that_fetch_or_do_not_fit_and_single_classes_are_refused():
    with pytest.raises(Refusal, match="'checkpoint_path' may not"):
        nets.build("timm:resnet18", 8, {"checkpoint_path": "x.pth"})
    with pytest.raises(Refusal, match="cannot be built"):
        nets.build("meronym:creatures", 8, {"width": 3})
    with pytest.raises(Refusal, match="at least two classes"):
        nets.build("meronym:creatures", 1)


def test_weights_survive_each_file_form_and_wrapping(tmp_path):
    state = CreatureNet(8).state_dict()
    safetensors.torch.save_file(state, tmp_path / "a.safetensors")
    torch.save(
        {"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}},
        tmp_path / "b.pth",
    )
    for name in ("a.safetensors", "b.pth"):
        read = nets.load_state(tmp_path / name)
        assert nets.fingerprint(read) == nets.fingerprint(state)


def test_a_pickle_that_needs_more_than_weights_is_refused_and_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": RunsCode()}, "evil.pth")
    torch.save(CreatureNet(8), "whole.pt")
    for name in ("evil.pth", "whole.pt"):
        with pytest.raises(Refusal, match="holds more than weights"):
            nets.load_state(name)
    assert not (tmp_path / "ran.txt").exists()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 5, 200, 5000])
def test_a_truncated_file_is_refused(tmp_path, suffix, kept):
    path = tmp_path / f"cut{suffix}"
    save = torch.save if suffix == ".pth" else safetensors.torch.save_file
    save({"weight": torch.zeros(100, 100)}, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(Refusal, match="truncated or is not"):
        nets.load_state(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([1, 2], "no state dict"),
        ({}, "no state dict"),
        ({"epoch": 3}, "'epoch' is not a tensor"),
        (torch.ones(3), "no"),
    ],
)
def test_a_file_without_a_state_dict_is_refused(tmp_path, content, sentence):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(Refusal, match=sentence):
        nets.load_state(tmp_path / "a.pth")


def test_a_missing_file_and_an_unknown_ending_are_refused(tmp_path):
    with pytest.raises(Refusal, match="no weights file 'gone.pth'"):
        nets.load_state(tmp_path / "gone.pth")
    (tmp_path / "model.h5").write_bytes(b"x")
    with pytest.raises(Refusal, match="model.h5"):
        nets.load_state(tmp_path / "model.h5")


def test_weights_that_do_not_fit_are_refused_by_name_and_change_nothing():
    network = CreatureNet(8)
    before = nets.fingerprint(network.state_dict())
    state = CreatureNet(8).state_dict()
    renamed = {key.replace("features.0.", "stem."): value for key, value in state.items()}
    broken = {**state, "features.3.weight": state["features.3.weight"] * float("nan")}
    narrow = {**state, "features.0.weight": torch.zeros(16, 1, 3, 3)}
    for bad, sentence in (
        (renamed, "lack 'features.0.weight' and they hold 'stem.weight'"),
        (CreatureNet(5).state_dict(), "know 5 classes, but the class list has 8"),
        (broken, "'features.3.weight' holds NaN"),
        (narrow, r"'features.0.weight' is \(16, 1, 3, 3\) instead of \(16, 3, 3, 3\)"),
    ):
        with pytest.raises(Refusal, match=sentence):
            nets.fit_state(network, bad)
    assert nets.fingerprint(network.state_dict()) == before
    without_counters = {key: value for key, value in state.items() if "num_batches" not in key}
    nets.fit_state(network, without_counters)
    assert torch.equal(network.classifier.weight, state["classifier.weight"])


def test_a_fingerprint_depends_on_names_shapes_types_and_values_but_not_on_order():
    state = {"a": torch.arange(6.0), "b": torch.tensor(1)}
    marks = {
        nets.fingerprint(other)
        for other in (
            state,
            {"c": state["a"], "b": state["b"]},
            {**state, "a": state["a"].view(2, 3)},
            {**state, "a": state["a"].to(torch.float64)},
            {**state, "a": state["a"] + 1e-6},
        )
    }
    assert len(marks) == 5
    assert nets.fingerprint(dict(reversed(state.items()))) == nets.fingerprint(state)


@pytest.mark.parametrize("name", ["torchvision:squeezenet1_1", "timm:mobilenetv1_100"])
def test_weights_that_cannot_be_downloaded_end_in_one_sentence(name, monkeypatch):
    def fail(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", fail)
    monkeypatch.setattr("timm.create_model", fail)
    with pytest.raises(
        Refusal, match="could not be downloaded; download them elsewhere and pass them as a file"
    ):
        nets.published_weights(name)


def test_published_weights_come_with_classes_and_the_makers_geometry(monkeypatch):
    state = nets.build("torchvision:squeezenet1_1", 1000).state_dict()
    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", lambda *args, **kwargs: state)
    published = nets.published_weights("torchvision:squeezenet1_1")
    assert published.classes[251] == "dalmatian" and published.state is state
    assert (published.preprocessing.input_size, published.preprocessing.resize) == (224, 256)


def test_an_architecture_without_published_weights_is_refused():
    with pytest.raises(Refusal, match="pass a file"):
        nets.published_weights("meronym:creatures")


def test_a_classifier_normalises_inside_and_leaves_its_network_as_it_was(classifier):
    images = torch.rand(2, 3, 64, 64)
    classifier.module.train()
    classifier.module.features[0].weight.requires_grad_(False)
    before = nets.fingerprint(classifier.module.state_dict())
    found = classifier.logits(images)
    assert classifier.module.training and classifier.module.features[1].training
    flags = [weight.requires_grad for weight in classifier.module.parameters()]
    assert flags == [False] + [True] * (len(flags) - 1)
    assert nets.fingerprint(classifier.module.state_dict()) == before
    mean, std = (torch.tensor(triple).view(3, 1, 1) for triple in (PLAIN.mean, PLAIN.std))
    torch.testing.assert_close(found, classifier.module.eval()((images - mean) / std))
    torch.testing.assert_close(classifier.probabilities(images).sum(1), torch.ones(2))


def test_flags_come_back_after_an_error():
    network = CreatureNet(8)
    with pytest.raises(RuntimeError), nets.frozen(network):
        assert not network.training and not network.classifier.weight.requires_grad
        raise RuntimeError
    assert network.training and network.classifier.weight.requires_grad


def test_a_lean_copy_says_the_same_with_fewer_layers(classifier):
    for part in classifier.module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean, -0.1, 0.1)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
    lean, images = classifier.lean(), torch.rand(2, 3, 64, 64)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in lean.module.modules())
    torch.testing.assert_close(lean.logits(images), classifier.logits(images), rtol=1e-4, atol=1e-5)
    assert isinstance(classifier.module, CreatureNet)


def test_a_network_that_cannot_be_traced_is_copied_as_it_is():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = CreatureNet(8)

        def forward(self, images):
            return self.inner(images if images.mean() > 0 else -images)

    classifier = nets.Classifier(Branching(), PLAIN, torch.device("cpu"))
    images = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(
        classifier.lean().logits(images), classifier.logits(images), rtol=1e-4, atol=1e-5
    )


def test_devices_are_picked_by_name_or_by_what_is_there():
    assert nets.pick_device("cpu") == torch.device("cpu")
    assert nets.pick_device().type in ("cuda", "mps", "cpu")
    for name in ("tpu", "cuda:x", "cuda:99"):
        with pytest.raises(Refusal, match=name):
            nets.pick_device(name)


@needs_shared
@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet1_0", "mobilenetv1_100"])
def test_real_weights_fit_and_stay_the_same_when_folded(name):
    folder = SHARED / "data" / "weights"
    form = json.loads((folder / f"{name}.json").read_text())
    network = nets.build(form["architecture"], 1000, form["kwargs"])
    nets.fit_state(network, nets.load_state(folder / form["file"]))
    classifier = nets.Classifier(network, parse_preprocessing(form), torch.device("cpu"))
    images = torch.rand(
        1, 3, form["input_size"], form["input_size"], generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        torch.testing.assert_close(
            classifier.lean().logits(images), classifier.logits(images), rtol=1e-3, atol=1e-3
        )
