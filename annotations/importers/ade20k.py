"""ADE20K: beside X.jpg a map for each level (objects, parts, parts of parts) and X.json, which names values.

The first word of a name ("car, auto, automobile") is the concept, the others are its synonyms.
"""

from pathlib import Path

import numpy as np

from annotations import Refusal, maps
from annotations.importers.annotated import AnnotatedCollection, Findings, inside
from annotations.importers.collection import Flaw
from annotations.importers.folder import printable
from annotations.importers.intake import bytes_of
from annotations.importers.sidecars import list_in, read_sidecars
from annotations.models import Concept
from annotations.terms import Term, term


def read(path: Path) -> AnnotatedCollection:
    return read_sidecars(path, _read_levels)


def _read_levels(side: Path, content: dict, width: int, height: int) -> Findings:
    findings = Findings()
    for number, level in enumerate(list_in(content, "levels")):
        category = Concept.Category.PART if number else Concept.Category.OBJECT
        try:
            masks = _masks(side.parent, level, category, width, height)
        except Refusal as error:
            findings.flaws.append(Flaw(printable(str(level.get("file", side.name))), str(error)))
            continue
        for found, mask in masks.items():
            findings.add(found, mask)
    return findings


def _masks(root: Path, level: dict, category: str, width: int, height: int) -> dict[Term, np.ndarray]:
    names = _names(level, category)
    labels = maps.decode(bytes_of(inside(root, level.get("file", ""))))
    maps.check_size(labels, width, height)
    if labels.ndim == 3:
        raise Refusal("the map is a picture in colour")
    unknown = sorted(set(np.unique(labels).tolist()) - names.keys() - {0})
    if unknown:
        raise Refusal(f"the value {unknown[0]} has no name")
    return maps.masks_of(labels, {value: [found] for value, found in names.items() if found})


def _names(level: dict, category: str) -> dict[int, Term | None]:
    names = level.get("names")
    if not isinstance(names, dict) or not all(value.isdecimal() for value in names):
        raise Refusal("its values have no names")
    split = {int(value): str(name).split(",") for value, name in names.items()}
    return {value: term(str(category), words[0], words[1:]) for value, words in split.items()}
