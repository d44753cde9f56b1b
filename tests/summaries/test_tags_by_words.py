"""The tagger `clip`, through open_clip itself: a tiny model of random weights, and no way to the network."""

import json
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command

from annotations import files
from summaries import taggers
from summaries.engine import Refusal
from summaries.models import Run
from summaries.taggers import clip
from tests.found_runs import make_found_run

open_clip = pytest.importorskip("open_clip")
FORM = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
WORDS = ("a wing", "a tail", "a wheel", "a beak", "fur", "sky")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("something reaches for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    """A folder with the model's form, its weights, and the words."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "tiny.json").write_text(json.dumps(FORM))
    (folder / "words.txt").write_text("\n".join(WORDS) + "\n\n a wing \n")
    torch.manual_seed(0)
    torch.save(open_clip.CLIP(**FORM).state_dict(), folder / "tiny.pt")
    return folder


def tag(run: Run, own: Path, **changes: object) -> None:
    given = {"model": str(own / "tiny.json"), "weights": own / "tiny.pt", "vocabulary": own / "words.txt"}
    call_command("tag", run=run.pk, tagger="clip", draws=1, **given | changes)


def refused(own: Path, **changes: object) -> str:
    with pytest.raises(CommandError) as refusal:
        tag(make_found_run(), own, **changes)
    assert refusal.value.returncode == 2
    return str(refusal.value)


@pytest.mark.django_db
def test_words_are_ranked_by_the_model_as_it_was_given(own):
    run = make_found_run()
    tag(run, own)
    tagging = run.tag_runs.get()
    assert tagging.parameters["vocabulary"] == list(WORDS), "each once, without empty lines"
    assert json.loads(tagging.parameters["config"]) == FORM and tagging.parameters["model"] == "tiny"
    assert "open_clip_torch" in tagging.libraries
    for row in tagging.taggings.all():
        for member in row.members:
            scores = [score for _, score in member["tags"]]
            assert {word for word, _ in member["tags"]} == set(WORDS)
            assert scores == sorted(scores, reverse=True) and sum(scores) == pytest.approx(1, abs=1e-5)


@pytest.mark.django_db
def test_scores_are_those_of_the_bare_model(own):
    rng = np.random.default_rng(0)
    regions = [
        taggers.Region(rng.integers(0, 256, (48, 40, 3), np.uint8), np.ones((48, 40), bool), lambda: [])
        for _ in range(3)
    ]
    weights = files.put((own / "tiny.pt").read_bytes(), ".pt")
    setup = taggers.Setup(words=WORDS, model="tiny", config=json.dumps(FORM), weights=weights)
    said = taggers.make("clip", setup).tag(regions)
    model = open_clip.CLIP(**FORM).eval()
    model.load_state_dict(torch.load(own / "tiny.pt", weights_only=True))
    see, read = open_clip.image_transform(32, is_train=False), open_clip.SimpleTokenizer()
    from PIL import Image as Pillow

    with torch.no_grad():
        pictures = model.encode_image(torch.stack([see(Pillow.fromarray(each.picture)) for each in regions]))
        words = model.encode_text(read([clip.PROMPT.format(word) for word in WORDS]))
        cosines = torch.cosine_similarity(pictures[:, None], words[None], dim=-1)
        expected = (model.logit_scale.exp() * cosines).softmax(-1)
    for tags, row in zip(said, expected, strict=True):
        assert dict(tags) == pytest.approx(dict(zip(WORDS, row.tolist(), strict=True)), abs=1e-5)


@pytest.mark.django_db
def test_what_is_missing_is_said_in_one_sentence(own, monkeypatch, tmp_path):
    assert "needs weights of your own" in refused(own, weights=None)
    assert "chooses between words" in refused(own, vocabulary=None)
    assert "open_clip holds no model 'ViT-Z'" in refused(own, model="ViT-Z")
    assert "open_clip holds no model" in refused(own, model="hf-hub:somebody/something")
    (tmp_path / "odd.json").write_text("[]")
    assert "not an object with vision_cfg" in refused(own, model=str(tmp_path / "odd.json"))
    monkeypatch.setattr(clip, "find_spec", lambda name: None)
    assert refused(own) == clip.MISSING


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", [{"hf_model_name": "somebody/text"}, {"hf_tokenizer_name": "somebody/words"}]
)
def test_models_that_would_fetch_something_are_refused(own, tmp_path, text):
    fetching = FORM | {"text_cfg": FORM["text_cfg"] | text}
    (tmp_path / "far.json").write_text(json.dumps(fetching))
    assert "from the internet" in refused(own, model=str(tmp_path / "far.json"))


@pytest.mark.django_db
def test_weights_of_another_model_fail_the_run_in_words_and_a_program_is_never_run(own, tmp_path):
    other = FORM | {"embed_dim": 8}
    (tmp_path / "other.json").write_text(json.dumps(other))
    assert "The weights are of another architecture" in refused(own, model=str(tmp_path / "other.json"))
    torch.save({"weight": Path("/")}, tmp_path / "bad.pt")
    assert "could run code" in refused(own, weights=tmp_path / "bad.pt")


def test_a_built_in_model_is_known_without_loading_the_package():
    setup = taggers.Setup(words=WORDS, model="ViT-B-32", weights="content/some.pt")
    assert taggers.make("clip", setup).vocabulary == WORDS
    with pytest.raises(Refusal, match="from the internet"):
        taggers.make("clip", taggers.Setup(words=WORDS, model="ViT-B-16-SigLIP", weights="content/some.pt"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "words"), (b"a\0b", "not a text"), (b"\x89PNG", "not a text"), (b"wing\n" * 2**18, "larger than")],
    ids=["empty", "nul", "binary", "large"],
)
def test_a_vocabulary_that_is_none_is_refused_in_words(own, tmp_path, content, told):
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    assert told in refused(own, vocabulary=path)


@pytest.mark.django_db
def test_a_form_that_is_no_text_is_refused_and_the_mark_of_an_editor_is_no_part_of_a_word(own, tmp_path):
    form = tmp_path / "form.json"
    form.write_bytes(b"\xff{}")
    assert "not a text in UTF-8" in refused(own, model=str(form))
    words = tmp_path / "words.txt"
    words.write_text("a wing\na tail\n", encoding="utf-8-sig")
    run = make_found_run()
    tag(run, own, vocabulary=words)
    assert run.tag_runs.get().parameters["vocabulary"] == ["a wing", "a tail"]
