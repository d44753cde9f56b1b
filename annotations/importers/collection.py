"""What every reader returns: classes with their files, before anything is stored."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from annotations import Refusal

LONGEST_NAME = 200


@dataclass(frozen=True)
class Flaw:
    """A file or folder that was left out, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class LabelledFiles:
    """One class: its label, WordNet synset (or ""), folder and files in order of name."""

    name: str
    synset: str
    folder: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Collection:
    root: Path
    classes: tuple[LabelledFiles, ...]
    flaws: tuple[Flaw, ...]

    def __post_init__(self) -> None:
        if not self.classes:
            raise Refusal(f"{self.root} holds no class folders with files in them.")
        for name, count in Counter(label.name for label in self.classes).items():
            if count > 1:
                folders = " and ".join(label.folder for label in self.classes if label.name == name)
                raise Refusal(f"The folders {folders} give one label, '{name}'; rename one of them.")
            if len(name) > LONGEST_NAME:
                raise Refusal(f"The label '{name[:40]}...' is longer than {LONGEST_NAME} characters.")
