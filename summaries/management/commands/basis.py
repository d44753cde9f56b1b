"""Turn a layer's units at random, step by step, and count how many concepts they still detect."""

from pathlib import Path

from tqdm import tqdm

from annotations.models import ImageSet
from summaries.engine import Refusal
from summaries.exports import check_folder, export_basis
from summaries.management.running import LOOK, RunCommand, find
from summaries.models import Network
from summaries.runs import RULES

COUNTINGS = ("top label", "per category")


class Command(RunCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("--network", required=True, help="its name, as add_network gave it")
        parser.add_argument("--layer", required=True, help="a module; `dissect --layer list` shows them")
        parser.add_argument("--images", required=True, metavar="NAME", help="the image set's name")
        parser.add_argument("--seeds", type=int, default=5, help="rotations that are drawn (default: 5)")
        parser.add_argument(
            "--alphas",
            default="0,.2,.4,.6,.8,1",
            help="how far they are turned, from 0 to 1 (default: %(default)s)",
        )
        parser.add_argument("--quantile", type=float, default=0.005)
        parser.add_argument("--rule", default="netdissect", choices=list(RULES))
        parser.add_argument("--counting", default=COUNTINGS[0], choices=COUNTINGS)
        parser.add_argument("--limit", type=int, help="images, at most")
        parser.add_argument("--export", type=Path, metavar="DIR", help="write basis.json and basis.png")

    def begin(self, options):
        from summaries.pipeline import bases

        network, images = find(Network, options["network"]), find(ImageSet, options["images"])
        given = bases.Options(
            seeds=tuple(range(max(options["seeds"], 0))),
            alphas=_alphas(options["alphas"]),
            **{name: options[name] for name in ("quantile", "rule", "counting")},
        )
        bases.check(given)
        if options["export"]:
            check_folder(options["export"])
        batches = bases.read(images, network.input_size, options["limit"])
        with tqdm(total=bases.passes(batches, given), desc="Turning the units", bar_format=LOOK) as bar:
            made = bases.run(network, options["layer"], images, batches, given, lambda it: _each(it, bar))
        self._tell(made)
        if options["export"]:
            from summaries import figures

            heading = f"{network.name}, {made.layer.name}, on {images.name}"
            curves = (made.found.unique, made.chance.unique)
            picture = figures.curve(given.alphas, made.found.thresholds, *curves, heading)
            path = export_basis(bases.as_json(made, batches), picture, options["export"])
            self.stdout.write(f"Written to {path}")

    def _tell(self, made) -> None:
        units, seeds = made.layer.shape[0], len(made.options.seeds)
        self.stdout.write(
            f"{made.layer.name}: unique detectors of {units} units by {made.options.counting}, over {seeds} "
            "rotations; by shuffled labels in brackets."
        )
        for place, threshold in enumerate(made.found.thresholds):
            self.stdout.write(f"IoU above {threshold:g}")
            for step, alpha in enumerate(made.options.alphas):
                own, chance = (each.unique[:, step, place] for each in (made.found, made.chance))
                each = " ".join(f"{count:3d}" for count in own)
                self.stdout.write(
                    f"  alpha {alpha:<4g} mean {own.mean():6.1f} ({chance.mean():.1f})   by seed {each}"
                )
        self.stdout.write(_unchanged(made.unchanged))


def _unchanged(told) -> str:
    """The statement that all bases are equally good for what the network does."""
    if not told.holds:
        return (
            "Careful: turned all the way and back, the layer gives logits that differ by "
            f"{told.difference:.2g} (the largest is {told.largest:.3g}), more than rounding does."
        )
    changed = "no predicted class changes"
    if told.answers_changed:
        changed = f"{told.answers_changed} predicted classes, close to ties, change"
    return (
        f"The network's function is unchanged: on {told.images} images, with the layer turned all the way "
        f"and back, logits differ by at most {told.difference:.1e} (the largest is {told.largest:.3g}), and "
        f"{changed}."
    )


def _alphas(words: str) -> tuple[float, ...]:
    try:
        return tuple(dict.fromkeys(float(word) for word in words.split(",") if word.strip()))
    except ValueError:
        raise Refusal(f"Alphas are numbers with commas between them, as in 0,.5,1; not '{words}'.") from None


def _each(items, bar):
    for item in items:
        yield item
        bar.update()
