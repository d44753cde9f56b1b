"""make_creatures: draws the generated image set, with all that is known about its parts."""

from argparse import ArgumentParser
from collections.abc import Iterable

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from annotations import Refusal
from annotations.creatures.image_set import make_creatures
from annotations.creatures.plan import CLASSES
from annotations.files import StorageFull


class Command(BaseCommand):
    help = "Draws composite animals into an image set; a second call adds only what is missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default="creatures", help="the image set's name")
        parser.add_argument("--per-class", type=int, default=60, metavar="N")
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *, name: str, per_class: int, seed: int, **options) -> None:
        try:
            if per_class < 1 or seed < 0:
                raise Refusal("--per-class must be 1 or more, and --seed 0 or more.")
            new = make_creatures(name, per_class=per_class, seed=seed, track=_bar)
        except (Refusal, StorageFull) as error:
            raise CommandError(str(error), returncode=2) from error
        total = per_class * len(CLASSES)
        self.stdout.write(f"{name}: {new} drawn, {total - new} already there, {len(CLASSES)} classes")


def _bar(sheets: Iterable, total: int) -> Iterable:
    return tqdm(sheets, total=total, unit=" images")
