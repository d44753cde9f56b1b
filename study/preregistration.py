"""A version of a study as one zip file, to deposit before the first answer: what was planned, in plain words
and for machines, with every picture. The same version gives the same bytes, whenever and wherever."""

import csv
import io
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import PurePosixPath
from typing import IO, Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from annotations import Refusal, files
from study.agreement import looks, stopping
from study.models import Version

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the zip: when it was made is told by where it is deposited."""
PERMISSIONS = 0o644 << 16
UNIX = 3
COLUMNS = ("position", "kind", "condition", "repeats", "accepted", "question", "picture", "sha256", "exhibit")
RULES = {
    "least_seconds": "half of their answers or more took less than {} seconds",
    "gold_missed": "they gave none of the accepted names to gold stimuli, {} times or more",
    "decoys_named": "they gave a name to decoys, {} times or more",
    "repeats_differ": "they gave another answer to the repeat of a stimulus, {} times or more",
}


def write_zip(version: Version, out: IO[bytes]) -> str:
    """Writes the bundle and returns its SHA-256. Nothing is compressed: no library's version matters."""
    with ZipFile(out, "w", ZIP_STORED) as bundle:
        for name, data in _contents(version):
            entry = ZipInfo(name, EPOCH)
            entry.external_attr, entry.create_system = PERMISSIONS, UNIX
            bundle.writestr(entry, data)
    out.seek(0)
    digest = sha256()
    while chunk := out.read(1 << 20):
        digest.update(chunk)
    out.seek(0)
    return digest.hexdigest()


def name_of(version: Version) -> str:
    return f"preregistration-{version.study.slug}-v{version.number}.zip"


def readme(version: Version) -> str:
    """The design in plain words, every text with its hash."""
    declared = _looks(version)
    last = _files(version, number=8 if declared else 7)
    sections = [_heading(version), *_texts(version), _design(version), _rules(version), *declared, last]
    return "\n\n".join(sections) + "\n"


def manifest(version: Version) -> str:
    """CSV, one row for each picture of each stimulus."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for entry in version.content["stimuli"]:
        for key in entry["pictures"]:
            table.writerow([_cell(entry, key, column) for column in COLUMNS])
    return out.getvalue()


def _contents(version: Version) -> Iterator[tuple[str, bytes]]:
    yield "README.txt", readme(version).encode()
    yield "design.json", _json(version.content).encode()
    yield "stimuli.csv", manifest(version).encode()
    for key in sorted({key for entry in version.content["stimuli"] for key in entry["pictures"]}):
        yield _picture(key), _bytes(key)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2) + "\n"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _bytes(key: str) -> bytes:
    try:
        data = files.get(key)
    except files.Missing as error:
        raise Refusal(f"The picture {_picture(key)} is missing from the file store.") from error
    if sha256(data).hexdigest() != PurePosixPath(key).stem:
        raise Refusal(f"The picture {_picture(key)} is damaged: its bytes do not fit its name.")
    return data


def _picture(key: str) -> str:
    return f"pictures/{PurePosixPath(key).name}"


def _cell(entry: dict[str, Any], key: str, column: str) -> Any:
    if column == "picture":
        return _picture(key)
    if column == "sha256":
        return PurePosixPath(key).stem
    value = entry.get(column)
    return "|".join(value) if isinstance(value, list) else value


def _heading(version: Version) -> str:
    return (
        f"Preregistration of the study {version.study.slug}, version {version.number}\n"
        f"SHA-256 of the design: {version.sha256}\n\n"
        "This file says in words what design.json holds. People take part in exactly this version; whatever "
        "is changed later becomes another version with another hash."
    )


def _texts(version: Version) -> Iterator[str]:
    for number, (title, name) in enumerate(
        [
            ("Consent text", "consent"),
            ("Instructions", "instructions"),
            ("Closing words", "thanks"),
            ("Analysis plan", "plan"),
        ],
        start=1,
    ):
        words = version.setting(name)
        yield f"{number}. {title}\nSHA-256: {_hash(words)}\n\n{words.strip() or 'None was given.'}"


def _design(version: Version) -> str:
    setting, stimuli = version.setting, version.content["stimuli"]
    kinds = [entry.get("kind", "summary") for entry in stimuli]
    counts = ", ".join(f"{kind} {kinds.count(kind)}" for kind in dict.fromkeys(kinds))
    each = setting("per_participant") or "all of their condition"
    lines = [
        "5. Design",
        f"Conditions: {'; '.join(version.content.get('conditions', [])) or 'one'}",
        f"Stimuli: {len(stimuli)} ({counts})",
        f"Answers per stimulus aimed at: {setting('target')}",
        f"Summaries for each participant: {each}; decoys, gold and repeats come on top",
        f"Order: {'Latin square' if setting('order') == 'latin' else 'random'}, seed {setting('seed')}",
        f"Language: {setting('language')}; least age: {setting('least_age')}",
        f"Answers may be changed: {'yes' if setting('revisable') else 'no'}",
        f"A place is kept without a sign of life for {setting('lease_minutes')} minutes",
        f"Questions before the instructions: {len(setting('questions'))}; "
        f"comprehension check: {len(setting('comprehension'))} questions, two attempts",
        f"Participants can withdraw within {setting('withdraw_days')} days",
    ]
    return "\n".join(lines)


def _rules(version: Version) -> str:
    rules = version.setting("exclusion")
    told = [f"- {RULES.get(name, name + ': {}').format(value)}" for name, value in sorted(rules.items())]
    spoken = "\n".join(told) or "None were declared."
    return (
        "6. Exclusion rules\n"
        f"SHA-256 of them as JSON: {_hash(json.dumps(rules, sort_keys=True))}\n\n"
        "Answers of a participant are left out of the main analysis if any of these holds; the analysis is "
        f"reported with and without them.\n{spoken}"
    )


def _looks(version: Version) -> list[str]:
    """Empty for a version that declared none, so that its bundle keeps its bytes."""
    declared = version.setting("looks")
    plan, rule = looks.read(declared), stopping.read(declared)
    told = [*(looks.words(plan) if plan else []), *([stopping.words(rule)] if rule else [])]
    if not told:
        return []
    title = (
        f"7. Looks at the estimate\nSHA-256 of them as JSON: {_hash(json.dumps(declared, sort_keys=True))}"
    )
    return [title + "\n\n" + "\n".join(f"- {each}" for each in told)]


def _files(version: Version, number: int) -> str:
    return (
        f"{number}. The files beside this one\n"
        "design.json: all texts, numbers and stimuli of this version. Its hash above is the SHA-256 of the "
        "same JSON on one line: keys sorted, “, ” and “: ” between, UTF-8, nothing escaped without need.\n"
        f"SHA-256 of the file design.json: {_hash(_json(version.content))}\n"
        f"SHA-256 of the file stimuli.csv: {_hash(manifest(version))}\n"
        "stimuli.csv: every stimulus with its kind, its condition (empty: everybody sees it), its pictures.\n"
        "pictures/: the pictures as participants see them; each is named after the SHA-256 of its bytes."
    )
