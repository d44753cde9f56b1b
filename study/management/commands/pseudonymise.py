"""manage.py pseudonymise [--dry-run]"""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand
from django.utils import timezone

from study import retention


class Command(BaseCommand):
    help = (
        "Deletes recruiters' identifiers, profiles, feedback and exact times of participants whose study's "
        "time is over; their answers stay. The workers do it once a day by themselves."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only tell how many there are")

    def handle(self, *, dry_run: bool, **options: object) -> None:
        now = timezone.now()
        counts = retention.counts(now)
        for slug, number in counts.items():
            self.stdout.write(f"{slug}: {number}")
        if dry_run:
            self.stdout.write(f"Participants due: {sum(counts.values())}; nothing was changed.")
        else:
            self.stdout.write(f"Participants pseudonymised: {retention.pseudonymise(now)}.")
