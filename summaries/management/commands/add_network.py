"""Add a classifier: an architecture of torchvision or timm with published weights or a local state dict."""

from dataclasses import replace

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

import annotations
from annotations.models import ImageSet
from summaries.engine import Refusal
from summaries.runs import choose_classes


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("name", nargs="?", help="what to call it here")
        parser.add_argument("--from", dest="form", metavar="FILE.json", help="all of this in one file")
        parser.add_argument("--architecture", help="torchvision:mobilenet_v2 or timm:NAME")
        parser.add_argument(
            "--weights", help="a .safetensors or .pth file, or 'default' for the published ones"
        )
        parser.add_argument("--classes", metavar="FILE.json", help="the classes in the order of the outputs")
        parser.add_argument("--input-size", type=int, help="pixels of the square that the network sees")
        parser.add_argument("--resize", type=int, help="pixels of the short side before the central crop")
        parser.add_argument("--mean", help="of red, green and blue in 0..1, as a,b,c")
        parser.add_argument("--std", help="of red, green and blue in 0..1, as a,b,c")
        parser.add_argument("--interpolation", help="nearest, bilinear, bicubic or lanczos")

    def handle(self, **options):
        from summaries.pipeline import networks

        try:
            network = networks.register(_form(options))
            self.stdout.write(
                f"{network.name}: {network.architecture}, {len(network.classes)} classes, "
                f"{network.input_size} px, sha256 {network.sha256[:12]}"
            )
            self._check(network)
        except (Refusal, annotations.Refusal) as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal

    def _check(self, network):
        """On the image set that shares the most classes with the network."""
        from summaries.pipeline import networks

        shared = [(_shared(network, images), images) for images in ImageSet.objects.all()]
        count, images = max(shared, key=lambda each: each[0], default=(0, None))
        if not count:
            self.stdout.write(
                "Not checked: no image set has a class of this network yet (import_images adds one)."
            )
            return
        found = networks.check(network, images, track=lambda it: tqdm(it, desc="Checking", leave=False))
        self.stdout.write(
            f"Check on {found['images']} images of '{images.name}': top-1 {found['top1']:.2f}, "
            f"{found['images_per_second']:.0f} images per second"
        )


def _shared(network, images) -> int:
    try:
        return len(choose_classes(network, images, "all"))
    except Refusal:
        return 0


def _form(options):
    from summaries.pipeline import networks

    given = {
        key: options[key]
        for key in ("input_size", "resize", "mean", "std", "interpolation")
        if options[key] is not None
    }
    if options["form"]:
        form = networks.read_form(options["form"])
        classes = options["classes"] or form.classes
        preprocessing = {**form.preprocessing, **given}
        return replace(form, name=options["name"] or form.name, classes=classes, preprocessing=preprocessing)
    for key in ("name", "architecture", "weights"):
        if not options[key]:
            raise Refusal(f"Say the network's {key}, or describe it in a file: --from FILE.json.")
    if options["weights"] != "default":
        for key in ("classes", "input_size", "mean", "std"):
            if not options[key]:
                raise Refusal(f"With weights of your own, --{key.replace('_', '-')} has to be given.")
    return networks.Form(
        name=options["name"],
        architecture=options["architecture"],
        weights=options["weights"],
        classes=options["classes"] or "",
        preprocessing=given,
    )
