"""import_images PATH --name NAME: photographs and what is known of them become an image set."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from annotations import Refusal
from annotations.files import StorageFull
from annotations.importers import FORMATS
from annotations.importers.annotated import AnnotatedCollection
from annotations.importers.collection import Collection
from annotations.importers.folder import printable
from annotations.importers.intake import Report, import_collection
from annotations.importers.segments import import_annotated


class Command(BaseCommand):
    help = "Imports photographs, with what is known of their pixels; a second call adds only what is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="the folder that holds the images")
        parser.add_argument("--name", required=True, help="the image set's name")
        parser.add_argument("--format", choices=FORMATS, default="folder")
        parser.add_argument(
            "--limit-per-class",
            type=int,
            metavar="N",
            help="images of each class (in all, without classes)",
        )

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
            self.stderr.write(printable(f"{flaw.path}: {flaw.reason}"))
        self.stdout.write(
            f"{name}: {report.imported} imported, {report.known} already there, {len(report.flaws)} refused"
        )


def _import(collection: Collection | AnnotatedCollection, name: str, limit: int | None) -> Report:
    annotated = isinstance(collection, AnnotatedCollection)
    sizes = [collection.total] if annotated else [len(label.files) for label in collection.classes]
    total = sum(min(size, limit or size) for size in sizes)
    with tqdm(total=total, unit=" images") as bar:
        add = import_annotated if annotated else import_collection
        return add(collection, name, limit_per_class=limit, advance=bar.update)


def _without_images(path: Path, report: Report) -> str:
    first = report.flaws[0]
    return f"{path} holds no image that can be used ({first.path}: {first.reason})."
