"""Pictures with a JSON file of the same name beside each, which says what is known of it."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from annotations import Refusal
from annotations.importers.annotated import Annotated, AnnotatedCollection, Findings, folder, inside
from annotations.importers.collection import Flaw
from annotations.importers.folder import printable
from annotations.importers.intake import bytes_of

PICTURES = (".jpg", ".jpeg")

Reader = Callable[[Path, dict, int, int], Findings]
"""(JSON file, what it holds, width, height of the picture) -> findings."""


def read_sidecars(path: Path, read: Reader) -> AnnotatedCollection:
    """All JSON files in the folder; a picture without one is a flaw."""
    entries = sorted(folder(path).iterdir())
    sides = [entry for entry in entries if entry.suffix == ".json" and not entry.name.startswith(".")]
    known = {side.stem for side in sides}
    alone = [entry for entry in entries if entry.suffix.lower() in PICTURES and entry.stem not in known]
    flaws = [Flaw(printable(entry.name), "has no JSON file beside it") for entry in alone]
    return AnnotatedCollection(
        path, sides and len(sides) + len(flaws), partial(_images, path, sides, flaws, read)
    )


def _images(root: Path, sides: list[Path], flaws: list[Flaw], read: Reader) -> Iterator[Annotated | Flaw]:
    yield from flaws
    for side in sides:
        try:
            content = content_of(side)
            picture = inside(root, content["image"])
        except Refusal as error:
            yield Flaw(printable(side.name), str(error))
        else:
            yield Annotated(picture, partial(_read_image, side, content, read), side.name)


def content_of(side: Path) -> dict:
    try:
        content = json.loads(bytes_of(side))
    except (ValueError, RecursionError) as error:
        if isinstance(error, Refusal):
            raise
        raise Refusal("the file is no JSON") from error
    if not isinstance(content, dict) or not isinstance(content.get("image"), str):
        raise Refusal("the file does not name its image")
    return content


def _read_image(side: Path, content: dict, read: Reader, width: int, height: int) -> Findings:
    if content.get("size", [width, height]) != [width, height]:
        raise Refusal(f"it says {content['size']} px, but the picture has {width} x {height}")
    return read(side, content, width, height)


def list_in(content: dict, name: str) -> list[dict]:
    """The list of objects under this name."""
    found = content.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Refusal(f"'{name}' is no list of objects")
    return found
