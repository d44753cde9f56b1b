"""Networks: registered once with all that is needed to ask them again, and loaded once per process."""

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from django.conf import settings

from annotations import files
from annotations.models import ImageSet, LabelledImage
from annotations.pictures import read_rgb
from summaries.engine import Refusal
from summaries.engine import networks as engine
from summaries.engine.images import crop_center, to_tensor
from summaries.engine.preprocessing import Preprocessing, parse_preprocessing
from summaries.models import Network
from summaries.runs import choose_classes

CHECKED_IMAGES = 64
NAME_LENGTH = 100


@dataclass(frozen=True)
class Form:
    """What a person says of a network; `default` weights bring their own classes and preprocessing."""

    name: str
    architecture: str
    weights: str
    classes: str = ""
    preprocessing: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    licence: str = ""
    source: str = ""


def read_form(path: str) -> Form:
    """A network described in a JSON file; the files that it names lie beside it."""
    try:
        content = json.loads(Path(path).read_text())
    except OSError as error:
        raise Refusal(f"'{path}' cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise Refusal(f"'{path}' is not valid JSON: {error}.") from error
    if not isinstance(content, dict):
        raise Refusal(f"'{path}' is not a form: an object with name, architecture, file and more.")
    if missing := [key for key in ("name", "architecture", "file") if not content.get(key)]:
        raise Refusal(f"'{path}' does not say the network's {' and '.join(missing)}.")
    folder = Path(path).parent
    classes = content.get("classes")
    listed = json.dumps(classes) if isinstance(classes, list | dict) else _beside(folder, classes)
    return Form(
        name=str(content["name"]),
        architecture=str(content["architecture"]),
        weights=str(folder / str(content["file"])),
        classes=listed,
        preprocessing=content,
        options=_options(content.get("kwargs") or {}),
        licence=str(content.get("licence") or ""),
        source=str(content.get("source") or ""),
    )


def _options(given: object) -> dict:
    if not isinstance(given, dict):
        raise Refusal(
            f"The architecture's options ('kwargs') are an object of names and values, not {given}."
        )
    return given


def register(form: Form) -> Network:
    """The network, checked and stored. The same again changes nothing; another under its name is refused."""
    if len(form.name) > NAME_LENGTH:
        raise Refusal(
            f"A network's name has at most {NAME_LENGTH} characters; this one has {len(form.name)}."
        )
    if form.weights == "default":
        state, classes, preprocessing, options = _published(form)
        content, suffix = safetensors.torch.save(state), ".safetensors"
    else:
        state = engine.load_state(form.weights)
        classes, preprocessing = read_classes(form.classes), parse_preprocessing(form.preprocessing)
        options = dict(form.options)
        content, suffix = Path(form.weights).read_bytes(), Path(form.weights).suffix
    engine.fit_state(engine.build(form.architecture, len(classes), options), state)
    key = files.put(content, suffix)
    values = {
        "architecture": form.architecture,
        "options": options,
        "weights": key,
        "sha256": Path(key).stem,
        "classes": classes,
        "preprocessing": json.loads(json.dumps(asdict(preprocessing))),
    }
    known, _ = Network.objects.get_or_create(
        name=form.name, defaults={**values, "licence": form.licence, "source": form.source}
    )
    if any(getattr(known, each) != value for each, value in values.items()):
        raise Refusal(f"There is another network called '{form.name}'; choose another name for this one.")
    return known


def _published(form: Form) -> tuple[engine.State, list[dict], Preprocessing, dict]:
    published = engine.published_weights(form.architecture)
    classes = [{"name": name, "synset": ""} for name in published.classes]
    options = {**published.kwargs, **form.options}
    preprocessing = asdict(published.preprocessing) | dict(form.preprocessing)
    return published.state, classes, parse_preprocessing(preprocessing), options


def read_classes(source: str) -> list[dict]:
    """Classes in the order of the outputs, from a JSON file or its content.

    A list of names, a list of {name, synset}, or a mapping from index to a name or to {name, wnid}.
    """
    try:
        content = json.loads(source if source.lstrip()[:1] in ("[", "{") else Path(source).read_text())
    except OSError as error:
        raise Refusal(f"The class list '{source}' cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise Refusal(f"The class list is not valid JSON: {error}.") from error
    if isinstance(content, dict):
        if sorted(content) != sorted(str(index) for index in range(len(content))):
            raise Refusal("A class list that is a mapping must have the keys 0, 1, 2, ... without a gap.")
        content = [content[str(index)] for index in range(len(content))]
    if not isinstance(content, list) or len(content) < 2:
        raise Refusal("A class list holds at least two classes, in the order of the network's outputs.")
    return [_class(each) for each in content]


def _class(entry: object) -> dict:
    if isinstance(entry, str) and entry.strip():
        return {"name": entry, "synset": ""}
    if isinstance(entry, dict) and entry.get("name"):
        return {"name": str(entry["name"]), "synset": str(entry.get("synset") or entry.get("wnid") or "")}
    raise Refusal(f"'{entry}' in the class list is neither a name nor an object with a name.")


def _beside(folder: Path, classes: object) -> str:
    """The class list's path: as named, or the one of ImageNet that lies beside or above the form."""
    named = [str(classes)] if classes else ["imagenet_classes.json", "../imagenet_classes.json"]
    for each in named:
        if (folder / each).is_file():
            return str(folder / each)
    raise Refusal("The network's form names no class list; pass one with --classes FILE.json.")


def classifier_of(network: Network) -> engine.Classifier:
    """The network, ready to be asked on the device that this process uses; loaded once."""
    return _classifier(network.pk, network.fingerprint)


@lru_cache(maxsize=4)
def _classifier(pk: int, fingerprint: str) -> engine.Classifier:
    network = Network.objects.get(pk=pk)
    module = engine.build(network.architecture, len(network.classes), network.options)
    with tempfile.NamedTemporaryFile(suffix=Path(network.weights).suffix) as file:
        file.write(files.get(network.weights))
        file.flush()
        engine.fit_state(module, engine.load_state(file.name))
    device = engine.pick_device(settings.MERONYM_DEVICE or None)
    return engine.Classifier(module.to(device).eval(), parse_preprocessing(network.preprocessing), device)


def check(network: Network, image_set: ImageSet, track=lambda it: it) -> dict:
    """Top-1 accuracy and images per second on a few images of a set, in the classifier's own geometry."""
    chosen = choose_classes(network, image_set, "all")
    each = max(1, CHECKED_IMAGES // len(chosen))
    classifier, geometry = classifier_of(network), parse_preprocessing(network.preprocessing)
    right, seen, seconds = 0, 0, 0.0
    for choice in track(chosen[:CHECKED_IMAGES]):
        members = LabelledImage.objects.filter(label=choice.label).select_related("image")[:each]
        crops = [
            crop_center(
                read_rgb(files.get(m.image.file)),
                geometry.input_size,
                geometry.resize,
                geometry.interpolation,
            )
            for m in members
        ]
        if not crops:
            continue
        began = time.perf_counter()
        with torch.no_grad():
            answers = classifier.logits(to_tensor(np.stack(crops))).argmax(1).cpu()
        seconds += time.perf_counter() - began
        right, seen = right + int((answers == choice.index).sum()), seen + len(crops)
    if not seen:
        raise Refusal(f"The classes that '{image_set.name}' shares with this network hold no images.")
    network.check_result = {
        "top1": right / seen,
        "images": seen,
        "images_per_second": seen / seconds,
        "image_set": image_set.name,
    }
    network.save(update_fields=["check_result"])
    return network.check_result
