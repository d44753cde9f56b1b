"""PASCAL-Part: X.json beside X.jpg holds objects and their parts as run lengths, which may overlap.

Sides and numbers are dropped from the names of parts ("lfleg" and "rbleg" are legs, "wheel_2" is a wheel), as
in Broden: people do not name them, and networks rarely tell them apart.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from annotations import Refusal, outlines
from annotations.importers.annotated import AnnotatedCollection, Findings
from annotations.importers.collection import Flaw
from annotations.importers.sidecars import list_in, read_sidecars
from annotations.models import Concept
from annotations.terms import term

OBJECT, PART = Concept.Category.OBJECT, Concept.Category.PART
NUMBER = re.compile(r"_\d+$")
OBJECTS = {"diningtable": "dining table", "pottedplant": "potted plant", "tvmonitor": "tv monitor"}
PARTS = {
    "ear": "lear rear",
    "eye": "leye reye",
    "eyebrow": "lebrow rebrow",
    "hand": "lhand rhand",
    "foot": "lfoot rfoot",
    "arm": "llarm luarm rlarm ruarm",
    "leg": "llleg luleg rlleg ruleg lfleg rfleg lbleg rbleg "
    "lfuleg rfuleg lbuleg rbuleg lflleg rflleg lblleg rblleg",
    "paw": "lfpa rfpa lbpa rbpa",
    "hoof": "lfho rfho lbho rbho",
    "horn": "lhorn rhorn",
    "wing": "lwing rwing",
    "wheel": "fwheel bwheel",
    "license plate": "fliplate bliplate",
    "mirror": "leftmirror rightmirror",
    "front": "frontside hfrontside cfrontside",
    "back": "backside hbackside cbackside",
    "side": "leftside rightside hleftside hrightside cleftside crightside",
    "roof": "roofside hroofside croofside",
    "chain wheel": "chainwheel",
}
WORDS = {code: word for word, codes in PARTS.items() for code in codes.split()}


def read(path: Path) -> AnnotatedCollection:
    return read_sidecars(path, _read_objects)


def word_of(part: str) -> str:
    """What a part is called: a word for a code, or the code itself.

    >>> word_of("rbleg"), word_of("window_2")
    ('leg', 'window')
    """
    code = NUMBER.sub("", part)
    return WORDS.get(code, code)


def _read_objects(side: Path, content: dict, width: int, height: int) -> Findings:
    findings = Findings()
    for number, thing in enumerate(list_in(content, "objects"), start=1):
        for category, name, runs in _outlines(thing):
            try:
                found = term(str(category), name)
                if found:
                    findings.add(found, outlines.from_runs(runs, width, height))
            except Refusal as error:
                findings.flaws.append(Flaw(side.name, f"{name} of object {number}: {error}"))
    return findings


def _outlines(thing: dict) -> Iterator[tuple[str, str, object]]:
    name = str(thing.get("cls", ""))
    yield OBJECT, OBJECTS.get(name, name), thing.get("rle")
    for part in list_in(thing, "parts"):
        yield PART, word_of(str(part.get("name", ""))), part.get("rle")
