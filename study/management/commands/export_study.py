"""manage.py export_study SLUG --out FILE.zip"""

import errno
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from annotations import Refusal
from study import exports, looks, results
from study.exports.flavours import ANALYSIS, FLAVOURS, PLAIN
from study.models import Study


class Command(BaseCommand):
    help = "Writes a study's tables, and what their columns mean, as one zip file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the study's name in its link")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE.zip")
        parser.add_argument("--flavour", choices=list(FLAVOURS), help=_flavours())
        parser.add_argument("--without-excluded", action="store_true", help="leave out excluded participants")
        parser.add_argument(
            "--identifiable",
            action="store_true",
            help="also columns that may tell who somebody is, and exact times; the file's name says so",
        )
        parser.add_argument(
            "--reason",
            default="exported on the command line",
            help="why the answers are taken while estimates are hidden; stands in the report",
        )
        parser.add_argument("--psych-ds", action="store_true", help="lay the files out as a Psych-DS dataset")

    def handle(
        self,
        *,
        slug: str,
        out: Path,
        flavour: str | None,
        without_excluded: bool,
        identifiable: bool,
        psych_ds: bool,
        reason: str,
        **options: object,
    ) -> None:
        study = Study.objects.filter(slug=slug).first()
        if study is None:
            raise CommandError(f"There is no study '{slug}'.", returncode=2)
        wanted = FLAVOURS[flavour] if flavour else ANALYSIS if psych_ds else PLAIN
        choice = exports.Choice(study, wanted, without_excluded, identifiable)
        out = _named(out) if identifiable else out
        try:
            exports.check(choice, out, as_psychds=psych_ds)
            looks.note_export(study, "command line", out.name, reason)
            exports.write(choice, out, as_psychds=psych_ds, track=self._track)
        except Refusal as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {_why(error)}.", returncode=2) from error
        counts = results.counts(study)
        self.stdout.write(f"{out}: {counts.answers} answers of {counts.consented} participants.")

    def _track(self, rows: Iterable, table: str, count: int) -> Iterator:
        """A bar for large tables; small ones are there at once."""
        with tqdm(rows, desc=table, total=count, unit=" rows", delay=2, leave=False, file=self.stderr) as bar:
            yield from bar


def _flavours() -> str:
    return "; ".join(f"{each.name}: {each.words}" for each in FLAVOURS.values())


def _named(out: Path) -> Path:
    return out if "identifiable" in out.name else out.with_stem(f"{out.stem}-identifiable")


def _why(error: OSError) -> str:
    return "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
