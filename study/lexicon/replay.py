"""What coders' decisions make of the names: groups of names that mean the same, and codes. Pure.

A decision is never changed. Replaying them in order gives the groups and the codes at any time, and an undo
is a decision too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MERGE, SPLIT, CODE, UNDO = "merge", "split", "code", "undo"
DECISIONS = (MERGE, SPLIT, CODE, UNDO)
FORGOTTEN = "∅"
"""Begins what stands for a name that nobody has typed any more. No name of the mechanical layer begins so."""


@dataclass(frozen=True)
class Decision:
    """One row of the log, in the order of `key`."""

    key: int
    kind: str
    names: tuple[str, ...] = ()
    into: str = ""
    undoes: int | None = None


@dataclass(frozen=True)
class Lexicon:
    """Names of the mechanical layer by the group that they are in, and codes by group."""

    merged: Mapping[str, str] = field(default_factory=dict)
    """Only names whose group has another name than they; all others are alone or give theirs its name."""
    codes: Mapping[str, str] = field(default_factory=dict)

    def group(self, name: str) -> str:
        return self.merged.get(name, name)

    def members(self) -> dict[str, list[str]]:
        """Of each group of several names all but its own, in alphabetical order."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.merged):
            found.setdefault(self.merged[name], []).append(name)
        return found


def replay(decisions: Iterable[Decision]) -> Lexicon:
    """The groups and codes after these decisions.

    - A merge puts the whole groups of its names, and the whole group of `into`, under the name `into`. So
      after a -> b and b -> c all three are "c", and after a -> b and b -> a both are "a". The code of `into`
      stays; where it has none, the one that all other coded groups share.
    - A split takes each of its names out of its group, to stand alone without a code. If the group bore that
      name, the rest is called by the first of its names in alphabetical order.
    - A code is given to the groups of its names; an empty one takes it away.
    - An undo makes one merge, split or code as if it had never been; an undo cannot be undone. What was
      decided after it stands, and is applied to what there is without it: after a -> b and b -> c and the
      undo of the first, a is alone and b is "c".
    """
    log = sorted(decisions, key=lambda each: each.key)
    undone = {each.undoes for each in log if each.kind == UNDO}
    state = _State()
    for each in log:
        if each.key not in undone and each.names:
            state.take(each)
    return state.lexicon()


def standing(decisions: Iterable[Decision]) -> list[Decision]:
    """Merges, splits and codes that nobody undid, the last one first."""
    log = sorted(decisions, key=lambda each: each.key, reverse=True)
    undone = {each.undoes for each in log if each.kind == UNDO}
    return [each for each in log if each.kind in (MERGE, SPLIT, CODE) and each.key not in undone]


class _State:
    """Groups while they are replayed."""

    def __init__(self) -> None:
        self.group: dict[str, str] = {}
        self.codes: dict[str, str] = {}

    def take(self, each: Decision) -> None:
        if each.kind == MERGE and each.into:
            self._merge(each.names, each.into)
        elif each.kind == SPLIT:
            for name in each.names:
                self._split(name)
        elif each.kind == CODE:
            for name in each.names:
                self._code(self._of(name), each.into)

    def lexicon(self) -> Lexicon:
        """Groups whose name is forgotten are called by the first of their names in alphabetical order."""
        typed = {name: group for name, group in sorted(self.group.items()) if not _is_forgotten(name)}
        called = {group: group for group in typed.values() if not _is_forgotten(group)}
        for name, group in typed.items():
            called.setdefault(group, name)
        merged = {name: called[group] for name, group in typed.items() if name != called[group]}
        codes = {called.get(group, group): code for group, code in sorted(self.codes.items())}
        return Lexicon(merged, {group: codes[group] for group in sorted(codes) if not _is_forgotten(group)})

    def _of(self, name: str) -> str:
        return self.group.setdefault(name, name)

    def _members(self, group: str) -> list[str]:
        return sorted(name for name, own in self.group.items() if own == group)

    def _merge(self, names: Iterable[str], into: str) -> None:
        target = self._of(into)
        groups = {target, *(self._of(name) for name in names)}
        codes = {self.codes.pop(group) for group in sorted(groups - {target}) if group in self.codes}
        own = self.codes.pop(target, "")
        for name, group in self.group.items():
            if group in groups:
                self.group[name] = into
        if code := own or (codes.pop() if len(codes) == 1 else ""):
            self.codes[into] = code

    def _split(self, name: str) -> None:
        group = self._of(name)
        rest = [each for each in self._members(group) if each != name]
        if not rest:
            return
        self.group[name] = name
        if group == name:
            self._rename(group, rest)

    def _rename(self, group: str, rest: list[str]) -> None:
        for each in rest:
            self.group[each] = rest[0]
        if code := self.codes.pop(group, ""):
            self.codes[rest[0]] = code

    def _code(self, group: str, code: str) -> None:
        self.codes.pop(group, None)
        if code:
            self.codes[group] = code


def _is_forgotten(name: str) -> bool:
    return name.startswith(FORGOTTEN)
