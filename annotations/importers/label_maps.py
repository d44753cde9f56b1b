"""Pictures beside label maps, and a names file that says what the maps' values (or colours) stand for.

`X.jpg` with `X_label.png` (or _labels, _mask, _L), or with `X.png` in a folder called labels, masks or
annotations. Pixels of a value that is named "void", "unlabelled" or the like say nothing, and neither does
255 where it has no name.
"""

import json
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from annotations import Refusal, maps
from annotations.importers.annotated import Annotated, AnnotatedCollection, Findings, folder
from annotations.importers.collection import Flaw
from annotations.importers.folder import printable
from annotations.importers.intake import bytes_of
from annotations.models import Concept
from annotations.terms import Term, term

NAMES_FILES = ("classes", "names", "labels", "categories", "label_colors")
SUFFIXES = ("", ".json", ".txt", ".csv")
MAP_ENDS = ("_labels", "_label", "_mask", "_L")
MAP_FOLDERS = ("labels", "masks", "annotations")
VOID = 255
COLOUR = 1 << 24
"""Added to the 24 bits of a colour, to tell it from a value."""
LINE = re.compile(r"(?P<value>\d+)(?:[\s,;]+(?P<green>\d+)[\s,;]+(?P<blue>\d+))?[\s,;:]+(?P<name>\S.*)")

Names = dict[int, Term | None]


def read(path: Path) -> AnnotatedCollection:
    """All maps below `path` with the pictures they belong to. Refused: no names file, or an empty one."""
    names = _names_in(folder(path))
    pairs, flaws = _pairs(path)
    return AnnotatedCollection(path, len(pairs) + len(flaws), partial(_images, path, names, pairs, flaws))


def _images(
    root: Path, names: Names, pairs: dict[Path, Path], flaws: list[Flaw]
) -> Iterator[Annotated | Flaw]:
    yield from flaws
    for picture, labels in pairs.items():
        about = str(labels.relative_to(root))
        yield Annotated(picture, partial(_read_map, labels, names), about)


def _read_map(file: Path, names: Names, width: int, height: int) -> Findings:
    labels = maps.decode(bytes_of(file))
    maps.check_size(labels, width, height)
    labels = _numbers(labels, coloured=any(value >= COLOUR for value in names))
    unknown = sorted(set(np.unique(labels).tolist()) - names.keys() - {VOID})
    if unknown:
        raise Refusal(f"the value {unknown[0]} has no name in the names file")
    known = {value: [name] for value, name in names.items() if name}
    return Findings(maps.masks_of(labels, known))


def _numbers(labels: np.ndarray, coloured: bool) -> np.ndarray:
    """One number a pixel: the value, or of a map of colours R, G, B as one number of 24 bits."""
    if coloured:
        if labels.ndim != 3:
            raise Refusal("the names file names colours, but the map has none")
        return COLOUR + labels @ np.array([65536, 256, 1])
    if labels.ndim == 3:
        if (labels != labels[..., :1]).any():
            raise Refusal("the map is a picture in colour, but the names file names values")
        return labels[..., 0]
    return labels


def _pairs(root: Path) -> tuple[dict[Path, Path], list[Flaw]]:
    """Picture -> its map, in order of name; pictures without a map and maps without a picture are flaws."""
    pictures, labels = {}, {}
    for file in _files_below(root):
        stem, is_map = _stem_of(file.relative_to(root))
        (labels if is_map else pictures)[stem] = file
    pairs = {pictures[stem]: labels[stem] for stem in sorted(pictures) if stem in labels}
    alone = [(file, "has no label map") for stem, file in pictures.items() if stem not in labels]
    alone += [(file, "belongs to no picture") for stem, file in labels.items() if stem not in pictures]
    return pairs, [Flaw(printable(str(file.relative_to(root))), reason) for file, reason in sorted(alone)]


def _files_below(root: Path) -> Iterator[Path]:
    for path, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() not in (".json", ".txt", ".csv", ".md"):
                yield Path(path, name)


def _stem_of(path: Path) -> tuple[str, bool]:
    """What a picture and its map have in common, and whether this is the map.

    >>> _stem_of(Path("images/val/7.jpg")), _stem_of(Path("labels/val/7.png"))
    (('val/7', False), ('val/7', True))
    """
    parts = path.with_suffix("").parts
    if path.suffix.lower() == ".png":
        for end in MAP_ENDS:
            if path.stem.endswith(end):
                return "/".join((*parts[:-1], path.stem.removesuffix(end))), True
        if parts[0] in MAP_FOLDERS and len(parts) > 1:
            return "/".join(parts[1:]), True
    return "/".join(parts[1:] if parts[0] == "images" and len(parts) > 1 else parts), False


def _names_in(root: Path) -> Names:
    candidates = [root / f"{name}{suffix}" for name in NAMES_FILES for suffix in SUFFIXES[1:]]
    file = next((each for each in candidates if each.is_file()), None)
    if file is None:
        raise Refusal(f"{root} holds no names file (classes.json, names.txt or label_colors.txt).")
    try:
        text = bytes_of(file).decode("utf-8-sig")
        names = _from_json(json.loads(text)) if file.suffix == ".json" else dict(_from_lines(text))
    except (ValueError, RecursionError) as error:
        reason = error if isinstance(error, Refusal) else "it is not what its ending says"
        raise Refusal(f"{file} cannot be read as a names file: {reason}.") from error
    if not any(names.values()):
        raise Refusal(f"{file} gives no names.")
    return names


def _from_json(content: object) -> Names:
    """{"0": "sky"}, ["sky", ...], or with {"name", "category", "synonyms"} in a name's place."""
    if isinstance(content, list):
        content = dict(enumerate(content))
    if not isinstance(content, dict) or not all(str(value).isdecimal() for value in content):
        raise Refusal("it holds no names by value")
    return {int(value): _term_of(entry) for value, entry in content.items()}


def _term_of(entry: object) -> Term | None:
    fields = entry if isinstance(entry, dict) else {"name": entry}
    category = fields.get("category", Concept.Category.OBJECT)
    if category not in Concept.Category.values:
        raise Refusal(f"the category '{category}' is unknown")
    if not isinstance(fields.get("name"), str):
        raise Refusal("a name is missing")
    synonyms = fields.get("synonyms", [])
    if not isinstance(synonyms, list):
        raise Refusal(f"the synonyms of '{fields['name']}' are no list")
    return term(str(category), fields["name"], synonyms)


def _from_lines(text: str) -> Iterator[tuple[int, Term | None]]:
    """A value and a name a line ("0 sky"), R, G, B and a name ("128 0 64 sky"), or names alone, from 0 on."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not any(LINE.fullmatch(line) for line in lines):
        yield from enumerate(map(_term_of, lines))
        return
    for number, line in enumerate(lines):
        match = LINE.fullmatch(line)
        if match:
            yield _value_of(match), _term_of(match["name"])
        elif number:  # the first may be a heading
            raise Refusal(f"the line '{line[:40]}' does not begin with a value")


def _value_of(match: re.Match) -> int:
    if not match["green"]:
        return int(match["value"])
    return COLOUR + int(match["value"]) * 65536 + int(match["green"]) * 256 + int(match["blue"])
