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
            first = f" ({self.flaws[0].path}: {self.flaws[0].reason})" if self.flaws else ""
            raise Refusal(f"{self.root} holds no class folders with files in them{first}.")
        for label in self.classes:
            if len(label.name) > LONGEST_NAME:
                raise Refusal(f"The label '{label.name[:40]}...' is longer than {LONGEST_NAME} characters.")


def without_twins(classes: list[LabelledFiles]) -> tuple[list[LabelledFiles], list[Flaw]]:
    """The classes whose label is theirs alone, and a flaw for each that shares its label with another."""
    uses = Counter(label.name for label in classes)
    twins = [label for label in classes if uses[label.name] > 1]
    flaws = []
    for twin in twins:
        others = " and ".join(each.folder for each in twins if each.name == twin.name and each != twin)
        flaws.append(
            Flaw(twin.folder, f"gives the same label, '{twin.name}', as {others}; rename one of them")
        )
    return [label for label in classes if uses[label.name] == 1], flaws
