"""name_colours --name NAME: the eleven basic colours of all images of a set, as concepts with segments."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from annotations import Refusal
from annotations.colours import Palette, name_colours, uncoloured
from annotations.files import StorageFull
from annotations.models import ImageSet
from summaries.engine.tagging import colours


class Command(BaseCommand):
    help = "Names every pixel's colour, by the rule of the tagger texture-colour; a second call adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="the image set's name")

    def handle(self, *, name: str, **options) -> None:
        try:
            image_set = ImageSet.objects.filter(name=name).first()
            if image_set is None:
                raise Refusal(f"There is no image set called '{name}'; import_images adds one.")
            images = uncoloured(image_set).count()
            with tqdm(total=images, unit=" images") as bar:
                palette = Palette(colours.NAMES, colours.name_pixels)
                flaws = name_colours(image_set, palette, advance=bar.update)
        except (Refusal, StorageFull) as error:
            raise CommandError(str(error), returncode=2) from error
        for flaw in flaws:
            self.stderr.write(f"{flaw.path}: {flaw.reason}")
        there = image_set.labelled_images.values("image").distinct().count() - images
        self.stdout.write(
            f"{name}: {images - len(flaws)} named, {there} had their colours, {len(flaws)} refused"
        )
