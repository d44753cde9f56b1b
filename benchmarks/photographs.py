"""Photographs: what a user gets of real networks, beside deep feature factorisation on the same pictures.

    python benchmarks/photographs.py [--quick] [--networks a,b] [--limit 20]
        [--preset standard|paper] [--unmasked]

Which parts these networks use is not known, so nothing can be called right. What is measured: the mean
normalised drop (p - p_masked) / p and area of the masks; the number of summaries (or factors); what hiding a
region costs the class's evidence, measured alike for all; CPU seconds. Where objects are outlined
(../shared/data/parts) also the share of the regions' area inside the object: of the 17 classes none has
outlines, so that album is made of views of a dozen annotated photographs (`photography.albums`).

Ours is run as a user runs it, by the command line's commands in a home of its own, a class at a time. A row
is written to benchmarks/results/photographs.json as soon as it is known; what is there is not done again, so
a run that was ended goes on where it stood; a class of fewer photographs is done again. --preset paper takes
three classes of the first network. --unmasked leaves the masks as good as unmade, on which the parts of
`standard` do not depend: rows come three times as soon, tell nothing of masks and cost, and are done again by
a call without it.
With --quick: one network, one class, six photographs, and nothing is written. Tables go to stderr; the last
line of stdout is one JSON object, album -> network -> method -> mean figures.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
# CPU seconds are compared: threads that wait for each other, or another device, would falsify them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if TYPE_CHECKING:
    from benchmarks.photography.albums import Album

DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "results" / "photographs.json"
NETWORKS = ("mobilenet_v2", "mobilenetv1_100", "squeezenet1_0")
PEERS = ("dff",)
PAPER_LABELS = ("n02110341_dalmatian", "n02672831_accordion", "n04147183_schooner")
"""The published schedule is dear: it takes these alone, of the first network."""
QUICK_LABELS, QUICK_LIMIT = ("n02110341_dalmatian",), 6
COLUMNS = {
    "mask_drop": "mask drop",
    "mask_area": "mask area",
    "concepts": "concepts",
    "region_area": "region area",
    "region_drop": "region drop",
    "idle": "idle",
    "all_area": "all area",
    "all_drop": "all drop",
    "inside": "inside",
    "object": "object",
    "passes": "passes",
    "seconds": "CPU s",
    "images": "images",
}


def main() -> None:
    options = read_options()
    if not DATA.is_dir():
        print(json.dumps({"missing": "../shared/data (photographs and real networks) is not here"}))
        return
    with tempfile.TemporaryDirectory(prefix="meronym-photographs-") as home:
        set_up(Path(home))
        rows = {} if options.quick else read_rows()
        for row in compete(options, Path(home), rows):
            rows[key_of(row)] = row
            if not options.quick:
                write_rows(rows)
        report(list(rows.values()))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 seconds on two cores")
    parser.add_argument("--networks", type=words, default=NETWORKS)
    parser.add_argument("--limit", type=int, default=20, help="photographs a class")
    parser.add_argument("--preset", default="standard", choices=("standard", "paper"))
    parser.add_argument("--unmasked", action="store_true", help="make no masks, which take most of the time")
    return parser.parse_args()


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def set_up(home: Path) -> None:
    """A home of its own, so that nothing of the user's is touched and nothing found earlier helps."""
    os.environ |= {"MERONYM_HOME": str(home), "MERONYM_DEVICE": "cpu"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "studyproject.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")


def compete(options: argparse.Namespace, home: Path, known: dict[tuple, dict]) -> Iterator[dict]:
    """Rows that are not known yet, network by network, album by album."""
    from benchmarks.photography.rounds import Turn, play

    quick, paper = options.quick, options.preset == "paper"
    limit = QUICK_LIMIT if quick else options.limit
    for network in options.networks[: 1 if quick or paper else None]:
        for album in open_albums(network, home, options):
            for label in album.labels:
                turn = Turn(network, album, label, options.preset, () if paper else PEERS, limit)
                row = known.get((network, album.name, label, options.preset))
                if not is_done(row, limit, options.unmasked):
                    yield from play(turn, masked=not options.unmasked)


def is_done(row: dict | None, limit: int, unmasked: bool) -> bool:
    """With as many pictures, and with masks, if they are asked for and any picture was used."""
    if row is None or row["limit"] < limit:
        return False
    return unmasked or not row["images"] or "mask_drop" in row


def open_albums(network: str, home: Path, options: argparse.Namespace) -> Iterator["Album"]:
    """Views of the objects that are outlined, then photographs of the classes, each imported."""
    from django.core.management import call_command

    from benchmarks.photography import albums
    from summaries.models import Network
    from summaries.pipeline.networks import classifier_of

    call_command("add_network", form=str(DATA / "weights" / f"{network}.json"), stdout=StringIO())
    known = Network.objects.get(name=network)
    labels = QUICK_LABELS if options.quick else PAPER_LABELS if options.preset == "paper" else ()
    limit = QUICK_LIMIT if options.quick else options.limit
    if not options.quick and options.preset == "standard":
        folder = home / "views" / network
        yield bring_in(
            albums.views(DATA / "parts", classifier_of(known), known.classes, folder), network, limit
        )
    yield bring_in(albums.photographs(DATA / "images", labels), network, limit)


def bring_in(album: "Album", network: str, limit: int) -> "Album":
    from django.core.management import call_command

    given = {"name": album.set_for(network), "limit_per_class": limit}
    call_command("import_images", str(album.folder), **given, stdout=StringIO(), stderr=StringIO())
    return album


def key_of(row: dict) -> tuple:
    return tuple(row[name] for name in ("network", "album", "label", "method"))


def read_rows() -> dict[tuple, dict]:
    rows = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    return {key_of(row): row for row in rows}


def write_rows(rows: dict[tuple, dict]) -> None:
    """Whole or not at all."""
    RESULTS.parent.mkdir(exist_ok=True)
    part = RESULTS.with_suffix(".part")
    part.write_text('{"rows": [\n' + ",\n".join(json.dumps(row) for row in rows.values()) + "\n]}\n")
    part.replace(RESULTS)


def average(rows: list[dict]) -> dict:
    """Album -> network -> method -> mean of each figure over the classes that have it, and their number."""
    table: dict = {}
    for album, network, method in dict.fromkeys(
        (row["album"], row["network"], row["method"]) for row in rows
    ):
        own = [
            row for row in rows if (row["album"], row["network"], row["method"]) == (album, network, method)
        ]
        means = {name: mean([row.get(name) for row in own]) for name in COLUMNS}
        table.setdefault(album, {}).setdefault(network, {})[method] = means | {"classes": len(own)}
    return table


def mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return round(sum(there) / len(there), 4) if there else None


def report(rows: list[dict]) -> None:
    table = average(rows)
    lines = [["", *COLUMNS.values(), "classes"]]
    for album, networks in table.items():
        for network, methods in networks.items():
            for method, means in methods.items():
                cells = ["-" if means[name] is None else f"{means[name]:.3f}" for name in COLUMNS]
                lines.append([f"{album} {network} {method}", *cells, str(means["classes"])])
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        padded = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(padded), file=sys.stderr)
    print(json.dumps(table))


if __name__ == "__main__":
    main()
