"""manage.py export_study SLUG --out FILE.zip"""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from study import exports, results
from study.models import Study


class Command(BaseCommand):
    help = (
        "Writes a study's answers, its summaries with their names, and what the columns mean as one zip file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the study's name in its link")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE.zip")

    def handle(self, *, slug: str, out: Path, **options: object) -> None:
        study = Study.objects.filter(slug=slug).first()
        if study is None:
            raise CommandError(f"There is no study '{slug}'.", returncode=2)
        try:
            exports.write_zip(study, out)
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}.", returncode=2) from error
        counts = results.counts(study)
        self.stdout.write(f"{out}: {counts.answers} answers of {counts.consented} participants.")
