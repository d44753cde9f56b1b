"""Tags from an image-text model: which words of a vocabulary fit the picture of a region best (zero-shot).

A. Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021, through the
package open_clip, which is an extra. Weights and words are the researcher's own; nothing is downloaded, and
models that would fetch anything are refused. The score is the softmax over the vocabulary of the scaled
cosine between the picture and "a close-up photo of a WORD."
"""

import json
import tempfile
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from annotations import files
from summaries.engine import Refusal
from summaries.taggers import Region, Setup

PROMPT = "a close-up photo of a {}."
MOST_TAGS = 10
BATCH = 32
MISSING = "The tagger 'clip' needs the package open_clip_torch; install it with: pip install open_clip_torch"
FETCHES = (
    "The model '{}' takes a tokenizer or a text tower from the internet; choose one that open_clip holds."
)


class Clip:
    name, version = "clip", "1"

    def __init__(self, setup: Setup):
        self.vocabulary, self._setup = setup.words, setup

    def tag(self, regions: Sequence[Region]) -> list[list[tuple[str, float]]]:
        import torch

        with torch.inference_mode():
            shares = torch.cat(
                [self._shares(regions[at : at + BATCH]) for at in range(0, len(regions), BATCH)]
            )
        best = shares.topk(min(MOST_TAGS, len(self.vocabulary)))
        return [
            [(self.vocabulary[place], score) for place, score in zip(places, scores, strict=True)]
            for places, scores in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]

    def _shares(self, regions: Sequence[Region]) -> Any:
        import torch
        from PIL import Image as Pillow

        model, transform, words = self._loaded
        pictures = torch.stack([transform(Pillow.fromarray(region.picture)) for region in regions])
        seen = model.encode_image(pictures.to(self._setup.device), normalize=True)
        return (model.logit_scale.exp() * seen @ words.T).softmax(-1).float().cpu()

    @cached_property
    def _loaded(self) -> tuple[Any, Any, Any]:
        """The model, its transform of pictures, and the vocabulary as the model understands it."""
        import open_clip
        import torch

        name = _known_to_open_clip(self._setup)
        model, _, transform = open_clip.create_model_and_transforms(
            name, pretrained=None, load_weights=False, pretrained_text=False, device=self._setup.device
        )
        _load(model, self._setup)
        model.eval()
        read = open_clip.get_tokenizer(name)
        with torch.inference_mode():
            prompts = read([PROMPT.format(word) for word in self.vocabulary]).to(self._setup.device)
            return model, transform, model.encode_text(prompts, normalize=True)


def make(setup: Setup) -> Clip:
    """Refusal in words where the package, the weights, the model or the words are missing."""
    if find_spec("open_clip") is None:
        raise Refusal(MISSING)
    if not (setup.weights and setup.model):
        raise Refusal("The tagger 'clip' needs weights of your own: --weights FILE --model NAME.")
    if len(setup.words) < 2:
        raise Refusal(
            "The tagger 'clip' chooses between words: --vocabulary FILE.txt, one a line, two at least."
        )
    _check_model(setup)
    return Clip(setup)


def _check_model(setup: Setup) -> None:
    """Refuses a model that is not known by name or form, or that would fetch something."""
    config = _form(setup)
    text = config.get("text_cfg", {})
    if not isinstance(text, dict) or not isinstance(config.get("vision_cfg"), dict):
        raise Refusal(f"The form of the model '{setup.model}' lacks its vision_cfg or text_cfg.")
    if text.get("hf_model_name") or text.get("hf_tokenizer_name") or "siglip" in setup.model.lower():
        raise Refusal(FETCHES.format(setup.model))


def _form(setup: Setup) -> dict:
    """The model's form: the researcher's own, or the one that comes with the package; read as files, since
    importing the package takes seconds."""
    if setup.config:
        content = setup.config
    else:
        path = _forms() / f"{setup.model.replace('/', '-')}.json"
        if ":" in setup.model or not path.is_file():
            raise Refusal(f"open_clip holds no model '{setup.model}'; give its form: --model FILE.json.")
        content = path.read_text()
    try:
        form = json.loads(content)
    except ValueError as error:
        raise Refusal(f"The form of the model '{setup.model}' is not valid JSON: {error}.") from error
    if not isinstance(form, dict):
        raise Refusal(f"The form of the model '{setup.model}' is not an object with vision_cfg and text_cfg.")
    return form


def _forms() -> Path:
    found = find_spec("open_clip")
    assert found and found.origin
    return Path(found.origin).parent / "model_configs"


def _known_to_open_clip(setup: Setup) -> str:
    """The name under which open_clip makes the model, told of its form where that is the researcher's."""
    if not setup.config:
        return setup.model
    import open_clip

    name = f"own-{Path(setup.weights).stem[:12]}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.json"
        path.write_text(setup.config)
        open_clip.add_model_config(path)
    return name


def _load(model: Any, setup: Setup) -> None:
    """The stored weights into the model; read as data alone, never as a program."""
    from summaries.engine.weights import fit_state, load_state

    with tempfile.NamedTemporaryFile(suffix=Path(setup.weights).suffix) as file:
        file.write(files.get(setup.weights))
        file.flush()
        fit_state(model, load_state(file.name))
