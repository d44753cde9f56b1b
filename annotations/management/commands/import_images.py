"""import_images PATH --name NAME: photographs in class folders become an image set."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from annotations import Refusal
from annotations.files import StorageFull
from annotations.importers import FORMATS
from annotations.importers.collection import Collection
from annotations.importers.intake import Report, import_collection


class Command(BaseCommand):
    help = "Imports photographs; a second call adds only what is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="the folder that holds the class folders")
        parser.add_argument("--name", required=True, help="the image set's name")
        parser.add_argument("--format", choices=FORMATS, default="folder")
        parser.add_argument("--limit-per-class", type=int, metavar="N")

    def handle(self, *, path: Path, name: str, format: str, limit_per_class: int | None, **options) -> None:
        try:
            if limit_per_class is not None and limit_per_class < 1:
                raise Refusal("--limit-per-class must be 1 or more.")
            report = _import(FORMATS[format](path), name, limit_per_class)
            if not report.imported + report.known:
                raise Refusal(_without_images(path, report))
        except (Refusal, StorageFull) as error:
            raise CommandError(str(error), returncode=2) from error
        for flaw in report.flaws:
            self.stderr.write(f"{flaw.path}: {flaw.reason}")
        self.stdout.write(
            f"{name}: {report.imported} imported, {report.known} already there, {len(report.flaws)} refused"
        )


def _import(collection: Collection, name: str, limit: int | None) -> Report:
    most = limit or max(len(label.files) for label in collection.classes)
    total = sum(min(len(label.files), most) for label in collection.classes)
    with tqdm(total=total, unit=" images") as bar:
        return import_collection(collection, name, limit_per_class=limit, advance=bar.update)


def _without_images(path: Path, report: Report) -> str:
    first = report.flaws[0]
    return f"{path} holds no image that can be used ({first.path}: {first.reason})."
