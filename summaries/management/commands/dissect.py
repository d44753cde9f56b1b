"""Ask of every unit of some layers which concept it detects, over an image set whose concepts are marked."""

from pathlib import Path

from annotations.models import ImageSet
from summaries import dissections
from summaries.engine import ENGINE_VERSION, Refusal
from summaries.exports import check_folder, export_units
from summaries.management.running import RunCommand, find, page_of
from summaries.models import Network, Run
from summaries.runs import BASES, RULES, UnitOptions, asked, check_units, plan_units

LIST = "list"


class Command(RunCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("--network", required=True, help="its name, as add_network gave it")
        parser.add_argument(
            "--layer",
            default="",
            metavar="NAME[,NAME]",
            help=f"modules, as the network calls them; {LIST} shows those that give maps",
        )
        parser.add_argument("--layers", action="store_true", help=f"the same as --layer {LIST}")
        parser.add_argument("--images", metavar="NAME", help="the image set's name")
        for name, default, told in (("basis", "natural", BASES), ("rule", "netdissect", RULES)):
            words = "; ".join(f"{each}: {what}" for each, what in told.items())
            parser.add_argument(f"--{name}", default=default, help=f"{words} (default: {default})")
        parser.add_argument(
            "--alpha", type=float, default=1.0, help="how far a rotated basis is turned, 0 to 1"
        )
        parser.add_argument(
            "--quantile", type=float, default=0.005, help="share of places where a unit is active"
        )
        parser.add_argument("--threshold", type=float, default=0.04, help="IoU above which it is a detector")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--limit", type=int, help="images per class, at most")
        parser.add_argument(
            "--export", type=Path, metavar="DIR", help="write a CSV of each layer and units.json"
        )
        parser.add_argument("--new", action="store_true", help="do not go on with a run begun earlier")
        parser.add_argument("--queue", action="store_true", help="hand the run to the workers and return")

    def begin(self, options):
        network = find(Network, options["network"])
        if options["layers"] or options["layer"] == LIST:
            self._list(network)
            return
        if options["queue"] and options["export"]:
            raise Refusal("--export needs the results, and --queue does not wait for them: leave one out.")
        if options["export"]:
            check_folder(options["export"])
        run = self._run(network, options)
        if options["queue"]:
            self.hand_over(run, page_of(run))
            return
        self.finish(run)
        self._report(run)
        if options["export"]:
            self.stdout.write(f"Written to {export_units(run, options['export'])}")

    def _list(self, network: Network) -> None:
        from summaries.pipeline import dissection

        for layer in dissection.list_layers(network):
            units, height, width = layer.shape
            self.stdout.write(f"{layer.name}: {units} units, {height} x {width}")

    def _run(self, network: Network, options) -> Run:
        """A new run, or the same one begun earlier and not finished."""
        from summaries.pipeline import dissection

        if not options["images"]:
            raise Refusal("Name an image set whose concepts are marked: --images NAME.")
        images, given = find(ImageSet, options["images"]), _options(options)
        kept = {name: options[name] for name in ("seed", "limit")}
        check_units(images, given, **kept)
        dissection.check_layers(network, given.layers)
        begun = Run.objects.filter(method=Run.Method.DISSECTION, network=network, image_set=images, **kept)
        begun = begun.filter(engine_version=ENGINE_VERSION).exclude(state=Run.State.FINISHED)
        for run in begun if not options["new"] else ():
            if asked(given).items() <= run.parameters.items():
                return self.going_on(run)
        return plan_units(network, images, given, **kept, queued=options["queue"])

    def _report(self, run: Run) -> None:
        skipped = run.parameters["skipped"]
        if skipped:
            many = f"{skipped} images were left out: no concept is marked in them."
            one = "1 image was left out: no concept is marked in it."
            self.stdout.write(one if skipped == 1 else many)
        for layer in dissections.layers_of(run):
            self.stdout.write(layer.told)
        self.stdout.write(f"Run {run.pk} took {run.seconds:.0f} seconds. Look at it under {page_of(run)}")


def _options(options) -> UnitOptions:
    names = [name.strip() for name in options["layer"].split(",") if name.strip()]
    given = {name: options[name] for name in ("basis", "alpha", "quantile", "threshold", "rule")}
    return UnitOptions(layers=tuple(dict.fromkeys(names)), **given)
