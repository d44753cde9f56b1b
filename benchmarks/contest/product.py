"""Our own entry: what a user gets from the command line, read back from the files that it exports."""

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import numpy as np
from django.core.management import call_command
from PIL import Image

from annotations.creatures.plan import CLASSES
from benchmarks.contest.meter import Meter
from benchmarks.contest.methods import Found
from summaries import runs
from summaries.pipeline import presets


def add_network(form: Mapping, folder: Path) -> None:
    path = folder / f"{form['name']}.json"
    path.write_text(json.dumps(form))
    call_command("add_network", form=str(path), stdout=StringIO())


def add_pictures(seed: int, count: int) -> str:
    """The image set's name; its pictures are those of `world.draw` with the same seed."""
    name = f"creatures-{seed}"
    call_command("make_creatures", name=name, per_class=count, seed=seed, stdout=StringIO())
    return name


def add_variant(name: str, overrides: Mapping) -> None:
    """A preset that differs from `standard` in some options, for this process."""
    recipe = runs.PRESETS["standard"].recipe

    def make(side: int) -> object:
        options = override(presets.to_json(presets.standard(side)), overrides)
        return presets.from_json(presets.KINDS[recipe], options)

    presets.VISUAL[name] = make
    runs.PRESETS[name] = runs.Preset(recipe, "a variant of standard")


def override(options: Mapping, overrides: Mapping) -> dict:
    """The options with some replaced, at any depth."""
    replaced = {
        key: override(options[key], value) if isinstance(value, Mapping) else value
        for key, value in overrides.items()
    }
    return {**options, **replaced}


def summarise(
    network: str, images: str, labels: Sequence[str], *, preset: str, count: int, side: int, folder: Path
) -> dict[str, Found]:
    """Class -> what `summarise` found in its first `count` pictures; its cost is shared out evenly."""
    chosen = {"network": network, "images": images, "classes": ",".join(labels), "preset": preset}
    with Meter() as meter:
        call_command("summarise", **chosen, limit=count, export=folder, stdout=StringIO())
    asked = count * len(labels)
    content = json.loads((folder / "summaries.json").read_text())
    return {
        each["label"]: Found(
            read(each, folder, (count, side, side)), meter.passes / asked, meter.seconds / asked
        )
        for each in content["classes"]
    }


def read(found: Mapping, folder: Path, shape: tuple[int, int, int]) -> list[np.ndarray]:
    """bool (N, S, S) for each summary: all its regions, whether shown or not."""
    clusters = []
    for summary in found["summaries"]:
        cluster = np.zeros(shape, bool)
        for member in summary["members"]:
            cluster[number_of(member["file"])] |= np.asarray(Image.open(folder / member["mask"])) > 127
        clusters.append(cluster)
    return clusters


def number_of(file: str) -> int:
    """Which of its class's pictures: files are numbered through all classes in turn."""
    return int(Path(file).stem) // len(CLASSES)
