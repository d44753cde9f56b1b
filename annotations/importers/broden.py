"""Broden's own form: index.csv names for each image, by category, label maps and labels of the whole image.

After the files and the loader of NetDissect (D. Bau et al., "Network Dissection", CVPR 2017). A cell holds
items separated by semicolons: a number labels the whole image, a file name (below images/) is a map of
R + 256 G, 0 where nothing is said. Maps are usually half as wide as the image, and are enlarged to its size.

A label that several categories use becomes one concept, of its primary category: the one that it covers most
of (c_*.csv, or, where those are missing, the counts in label.csv), of equals the later one in category.csv.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from annotations import Refusal, maps
from annotations.importers.annotated import Annotated, AnnotatedCollection, Findings, folder, inside
from annotations.importers.collection import Flaw
from annotations.importers.intake import bytes_of
from annotations.models import Concept
from annotations.terms import Term, term

CATEGORIES = {"color": "colour"} | {category: category for category in Concept.Category.values}
"""Broden's word -> ours."""
SUFFIXES = {"colour": "-c", "scene": "-s"}
"""What Broden puts behind names of a category."""
SIZES = ("ih", "iw", "sh", "sw")
COUNT = re.compile(r"(?P<category>[^()]+)\((?P<count>\d+)\)")


@dataclass(frozen=True)
class Broden:
    root: Path
    labels: dict[int, Term | None]
    columns: tuple[str, ...]


def read(path: Path) -> AnnotatedCollection:
    """Refused: a folder without index.csv or label.csv, or with ones that are no tables of Broden's."""
    columns, total = _survey(folder(path) / "index.csv")
    labels, flaws = _labels(path, [column for column in columns if column in CATEGORIES])
    known = tuple(column for column in columns if column in CATEGORIES)
    flaws += [
        Flaw("index.csv", f"the column '{column}' is no category of concepts")
        for column in columns
        if column not in (*CATEGORIES, *SIZES, "image", "split")
    ]
    images = partial(_images, Broden(path, labels, known), flaws)
    return AnnotatedCollection(path, total and total + len(flaws), images)


def _survey(file: Path) -> tuple[list[str], int]:
    """The columns of the index and its length, read through once so that what is no table is found out."""
    rows = _rows(file, ("image", *SIZES))
    first = next(rows, None)
    return list(first or ()), sum(1 for _ in rows) + (first is not None)


def _rows(file: Path, needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            table = csv.DictReader(text, restkey="", restval="")
            missing = [column for column in needed if column not in (table.fieldnames or ())]
            if missing:
                raise Refusal(f"{file} lacks the column '{missing[0]}'.")
            for row in table:
                yield {column: value for column, value in row.items() if column}
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise Refusal(f"{file} is no table in CSV ({error}).") from error


def _images(broden: Broden, flaws: list[Flaw]) -> Iterator[Annotated | Flaw]:
    yield from flaws
    for row in _rows(broden.root / "index.csv", ("image", *SIZES)):
        try:
            file = inside(broden.root / "images", row["image"])
        except Refusal as error:
            yield Flaw("index.csv", str(error))
        else:
            yield Annotated(file, partial(_read_row, broden, row))


def _read_row(broden: Broden, row: dict[str, str], width: int, height: int) -> Findings:
    if not all(row[size].strip().isdecimal() for size in SIZES):
        raise Refusal("index.csv does not say the size of the image and of its maps in numbers")
    ih, iw, sh, sw = (int(row[size]) for size in SIZES)
    if (iw, ih) != (width, height):
        raise Refusal(f"index.csv says {iw} x {ih} px, but the picture has {width} x {height}")
    findings = Findings()
    for item in (item.strip() for column in broden.columns for item in row[column].split(";")):
        if item.isdecimal():
            _add_whole(broden, row["image"], int(item), findings)
        elif item:
            _add_map(broden, item, (sw, sh), (height, width), findings)
    return findings


def _add_whole(broden: Broden, image: str, number: int, findings: Findings) -> None:
    found = broden.labels.get(number)
    if found:
        findings.whole.add(found)
    elif number not in broden.labels:
        findings.flaws.append(Flaw(f"images/{image}", f"label.csv lacks the label {number}"))


def _add_map(
    broden: Broden, item: str, size: tuple[int, int], shape: tuple[int, int], findings: Findings
) -> None:
    try:
        labels = numbers(maps.decode(bytes_of(inside(broden.root / "images", item))))
        maps.check_size(labels, *size)
        unknown = sorted(set(np.unique(labels).tolist()) - broden.labels.keys())
        if unknown:
            raise Refusal(f"label.csv lacks the label {unknown[0]}")
    except Refusal as error:
        findings.flaws.append(Flaw(f"images/{item}", str(error)))
        return
    named = {number: [name] for number, name in broden.labels.items() if name}
    for found, mask in maps.masks_of(maps.enlarge(labels, shape), named).items():
        findings.add(found, mask)


def numbers(pixels: np.ndarray) -> np.ndarray:
    """R + 256 G of a map as decoded, in integers wide enough to hold it."""
    return pixels[..., 0] + 256 * pixels[..., 1] if pixels.ndim == 3 else pixels


def _labels(root: Path, columns: list[str]) -> tuple[dict[int, Term | None], list[Flaw]]:
    """Number -> its term, or None where there is nothing to say; and a flaw for each that cannot be used."""
    primary = _primary_categories(root, _categories(root, columns))
    labels: dict[int, Term | None] = {0: None}
    flaws = []
    for row in _rows(root / "label.csv", ("number", "name", "category")):
        try:
            number = _number(row["number"])
            if number:
                labels[number] = _term(row, primary.get(number) or _most_counted(row["category"]))
        except Refusal as error:
            flaws.append(Flaw("label.csv", f"{row['number']} ({row['name']}): {error}"))
    return labels, flaws


def _term(row: dict[str, str], category: str) -> Term | None:
    if category not in CATEGORIES:
        raise Refusal(f"the category '{category}' is unknown")
    ours = CATEGORIES[category]
    suffix = SUFFIXES.get(ours, "")
    names = [name.strip().removesuffix(suffix) for name in (row["name"], *row.get("syns", "").split(";"))]
    return term(ours, names[0], names[1:])


def _categories(root: Path, columns: list[str]) -> list[str]:
    """In the order in which they decide ties."""
    if not (root / "category.csv").is_file():
        return columns
    return [row["name"] for row in _rows(root / "category.csv", ("name",))]


def _primary_categories(root: Path, categories: list[str]) -> dict[int, str]:
    """Number -> the category that it covers most of, by the files that there are."""
    most: dict[int, tuple[float, int]] = {}
    for place, category in enumerate(categories):
        file = root / f"c_{category}.csv"
        if not file.is_file():
            return {}
        for row in _rows(file, ("number", "coverage")):
            number = _number(row["number"])
            most[number] = max(most.get(number, (-1.0, -1)), (_coverage(row["coverage"], file), place))
    return {number: categories[place] for number, (_, place) in most.items()}


def _most_counted(text: str) -> str:
    """The category of "material(36);object(3)" with the greatest count, of equals the later one.

    >>> _most_counted("material(36);object(3)")
    'material'
    """
    found = [
        (int(match["count"]), place, match["category"]) for place, match in enumerate(COUNT.finditer(text))
    ]
    return max(found)[2].strip(" ;") if found else text.strip()


def _number(text: str) -> int:
    if not text.strip().isdecimal():
        raise Refusal(f"'{text}' is no label's number")
    return int(text)


def _coverage(text: str, file: Path) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise Refusal(f"{file} holds '{text}' where a coverage is due.") from error
