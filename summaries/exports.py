"""A run as files: summaries.json with the pictures that it names, and run.json with how they were made."""

import io
import json
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from annotations import files
from summaries import dissections, taggings
from summaries.engine import Refusal
from summaries.engine.visual.pictures import encode_png
from summaries.engine.visual.regions import EVIDENCE
from summaries.models import Member, Region, Run, RunClass, RunImage, Summary

Track = Callable[[Iterable], Iterable]


def export_run(run: Run, folder: Path, track: Track = lambda it: it) -> Path:
    """Writes the run into the folder and returns the path of summaries.json, which is written last."""
    content = {
        "engine_version": run.engine_version,
        "network": {"name": run.network.name, "sha256": run.network.sha256},
        "image_set": run.image_set.name,
        "preset": run.preset,
        "seed": run.seed,
        "seconds": round(run.seconds, 1),
        "classes": [_class(run_class, folder) for run_class in track(list(run.classes.all()))],
    }
    side = run.network.input_size
    made_with = {
        "geometry": f"each picture stretched to {side} x {side} px (bilinear), its proportions not kept",
        "parameters": run.parameters,
        "libraries": run.libraries,
    }
    _write(folder / "run.json", json.dumps(made_with, indent=1).encode())
    path = folder / "summaries.json"
    _write(path, json.dumps(content, indent=1, allow_nan=False).encode())
    return path


def export_tags(of: Run, folder: Path) -> Path:
    """Writes the tags of the run's summaries, of each tagger the newest, and returns the path of tags.json,
    which is written last; tags.csv holds the same without the members."""
    shown = taggings.newest(taggings.runs_of(of))
    content = {
        "run": of.pk,
        "network": {"name": of.network.name, "sha256": of.network.sha256},
        "taggers": [_tagger(each) for each in shown],
    }
    _write(folder / "tags.csv", taggings.as_csv(shown).encode())
    path = folder / "tags.json"
    _write(path, json.dumps(content, indent=1, allow_nan=False).encode())
    return path


def export_units(run: Run, folder: Path) -> Path:
    """Writes a CSV of each layer in NetDissect's result format and returns the path of units.json, which is
    written last and says how they were made."""
    content = dissections.as_json(run)
    for layer in content["layers"]:
        layer["file"] = dissections.file_name(layer["layer"])
        _write(folder / layer["file"], dissections.as_csv(run, layer["layer"]).encode())
    path = folder / "units.json"
    _write(path, json.dumps(content, indent=1, allow_nan=False).encode())
    return path


def export_explanation(content: dict, picture: bytes, folder: Path) -> Path:
    """Writes explanation.png and returns the path of explanation.json, which is written last."""
    return _with_picture("explanation", content, picture, folder)


def export_basis(content: dict, picture: bytes, folder: Path) -> Path:
    """Writes basis.png and returns the path of basis.json, which is written last."""
    return _with_picture("basis", content, picture, folder)


def _with_picture(name: str, content: dict, picture: bytes, folder: Path) -> Path:
    _write(folder / f"{name}.png", picture)
    path = folder / f"{name}.json"
    _write(path, json.dumps(content | {"picture": f"{name}.png"}, indent=1, allow_nan=False).encode())
    return path


def _tagger(run: Run) -> dict:
    """A run of tagging; a model's form, which may be long, stands in the row only."""
    parameters = {name: value for name, value in run.parameters.items() if name != "config"}
    return {
        "tagger": run.preset,
        "run": run.pk,
        "seed": run.seed,
        "engine_version": run.engine_version,
        "libraries": run.libraries,
        "parameters": parameters,
        "summaries": [
            {
                "class": each.summary.run_class.label.name,
                "rank": each.summary.rank,
                "tags": each.tags,
                "scores": each.scores,
                "members": each.members,
            }
            for each in taggings.of_runs([run])
        ],
    }


def check_folder(folder: Path) -> None:
    """Refusal now if nothing could be written there when the run is done."""
    _write(folder / ".writable", b"")
    (folder / ".writable").unlink(missing_ok=True)


def _class(run_class: RunClass, folder: Path) -> dict:
    images = list(run_class.images.select_related("image", "mask"))
    summaries = run_class.summaries.select_related("cluster")
    return {
        "label": run_class.label.name,
        "index": run_class.index,
        "images": [_image(each, folder) for each in images if not each.skipped and hasattr(each, "mask")],
        "skipped": [{"file": each.file, "reason": each.skipped} for each in images if each.skipped],
        "summaries": [_summary(each, folder) for each in summaries],
    }


def _image(run_image: RunImage, folder: Path) -> dict:
    mask = run_image.mask
    numbers = {name: getattr(mask, name) for name in ("p", "p_blurred", "p_masked", "area", "passes")}
    name = f"masks/{_mask_name(run_image)}.png"
    _write(folder / name, files.get(mask.file))
    return {"file": run_image.file, "sha256": run_image.image.sha256, **numbers, "mask": name}


def _mask_name(run_image: RunImage) -> str:
    """The picture's SHA-256; a picture that stands in several classes has a mask, and a name, for each."""
    sha256, place = run_image.image.sha256, run_image.run_class.position
    earlier = {"run_class__run": run_image.run_class.run_id, "run_class__position__lt": place}
    shared = RunImage.objects.filter(image=run_image.image_id, mask__isnull=False, **earlier).exists()
    return f"{sha256}_{place}" if shared else sha256


def _summary(summary: Summary, folder: Path) -> dict:
    run_class = summary.run_class
    label = re.sub(r"[^\w.-]+", "_", run_class.label.name)
    name = f"pictures/{run_class.position}_{label}_{summary.rank}.png"
    _write(folder / name, files.get(summary.picture))
    members = summary.cluster.members.select_related(
        "region__run_image__mask", "region__run_image__image", "region__run_image__run_class"
    )
    return {
        "rank": summary.rank,
        "picture": name,
        "coverage": summary.coverage,
        "strength": summary.strength,
        "coherence": summary.coherence,
        "members": [_member(each, folder) for each in members],
    }


def _member(member: Member, folder: Path) -> dict:
    region = member.region
    place = region.run_image.run_class.position
    name = f"regions/{place}_{region.run_image.position}_{region.proposal}.png"
    _write(folder / name, files.get(region.file) if region.file else _evidence_inside(region))
    return {
        "file": region.run_image.file,
        "box": region.box,
        "mask": name,
        "similarity": member.similarity,
        "drop": region.drop,
        "shown": member.shown,
    }


def _evidence_inside(region: Region) -> bytes:
    """The mask, thresholded as regions are chosen, inside the box only; PNG, 255 = evidence."""
    mask = np.array(Pillow.open(io.BytesIO(files.get(region.run_image.mask.file))))
    x0, y0, x1, y1 = region.box
    inside = np.zeros_like(mask)
    inside[y0:y1, x0:x1] = np.where(mask[y0:y1, x0:x1] > EVIDENCE, 255, 0)
    return encode_png(inside)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all; a full disk or a folder without permission is said in words."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise Refusal(f"'{path}' cannot be written ({error.strerror}).") from error
