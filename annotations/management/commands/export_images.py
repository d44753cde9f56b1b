"""export_images --name NAME --format FORMAT --out DIR: an image set with its concepts, for other programs."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from annotations import Refusal
from annotations.exporters import FORMATS
from annotations.files import Missing
from annotations.models import ImageSet


class Command(BaseCommand):
    help = "Writes the images of a set and all concepts that are known of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="the image set's name")
        parser.add_argument("--format", choices=FORMATS, required=True)
        parser.add_argument(
            "--out", type=Path, required=True, metavar="DIR", help="a folder with nothing in it"
        )
        parser.add_argument(
            "--scale", type=int, default=1, metavar="N", help="broden: label maps at 1/N of the image's size"
        )

    def handle(self, *, name: str, format: str, out: Path, scale: int, **options) -> None:
        try:
            image_set = _image_set(name)
            if scale < 1 or (scale > 1 and format != "broden"):
                raise Refusal("--scale must be 1 or more, and is for broden only.")
            images = image_set.labelled_images.values("image").distinct().count()
            with tqdm(total=images, unit=" images") as bar:
                FORMATS[format](image_set, out, scale=scale, advance=bar.update)
        except (Refusal, Missing) as error:
            raise CommandError(str(error), returncode=2) from error
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}.", returncode=2) from error
        self.stdout.write(f"{name}: {images} images written to {out}")


def _image_set(name: str) -> ImageSet:
    image_set = ImageSet.objects.filter(name=name).first()
    if image_set is None:
        raise Refusal(f"There is no image set called '{name}'.")
    return image_set
