"""manage.py reapply_withdrawals [FILE.txt ...]"""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from study import rights, tombstones


class Command(BaseCommand):
    help = (
        "Erases again everybody who had withdrawn when an older copy of the database was restored. "
        "Without files: all in the folder tombstones of MERONYM_HOME."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE.txt")

    def handle(self, *, files: list[Path], **options: object) -> None:
        try:
            digests = tombstones.known().union(*map(tombstones.read, files))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The tombstones cannot be read: {error}.", returncode=2) from error
        self.stdout.write(f"{len(digests)} withdrawals known, {rights.reapply(digests)} erased again.")
