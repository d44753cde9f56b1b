"""Find the parts that a network uses for some classes of an image set, and draw them as visual summaries."""

from pathlib import Path

from annotations.models import ImageSet
from summaries.engine import ENGINE_VERSION, Refusal
from summaries.exports import check_folder, export_run
from summaries.management.running import RunCommand, find, page_of
from summaries.models import Network, Run
from summaries.runs import PRESETS, choose_classes, plan_run


class Command(RunCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("--network", required=True, help="its name, as add_network gave it")
        parser.add_argument("--images", required=True, help="the image set's name")
        parser.add_argument(
            "--classes", required=True, help="names, synsets or indices, comma-separated; or all"
        )
        presets = f"one of {', '.join(PRESETS)} (default: standard)"
        parser.add_argument("--preset", default="standard", help=presets)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--limit", type=int, help="images per class, at most")
        parser.add_argument(
            "--export", type=Path, metavar="DIR", help="write summaries.json and the pictures"
        )
        parser.add_argument("--new", action="store_true", help="do not go on with a run begun earlier")
        parser.add_argument("--queue", action="store_true", help="hand the run to the workers and return")

    def begin(self, options):
        if options["queue"] and options["export"]:
            raise Refusal("--export needs the results, and --queue does not wait for them: leave one out.")
        if options["export"]:
            check_folder(options["export"])
        run = self._run(options)
        if options["queue"]:
            self.hand_over(run, page_of(run))
            return
        self.finish(run)
        self._report(run)
        if options["export"]:
            self.stdout.write(f"Written to {export_run(run, options['export'])}")

    def _run(self, options) -> Run:
        """A new run, or the same one begun earlier and not finished."""
        network, images = find(Network, options["network"]), find(ImageSet, options["images"])
        classes = [word for word in options["classes"].split(",") if word.strip()]
        asked = {name: options[name] for name in ("preset", "seed", "limit")}
        chosen = {choice.label.pk for choice in choose_classes(network, images, classes)}
        begun = Run.objects.filter(network=network, image_set=images, engine_version=ENGINE_VERSION, **asked)
        begun = begun.filter(method=Run.Method.VISUAL)
        for run in begun.exclude(state=Run.State.FINISHED):
            if not options["new"] and chosen == set(run.classes.values_list("label", flat=True)):
                return self.going_on(run)
        return plan_run(network, images, classes, **asked, queued=options["queue"])

    def _report(self, run: Run) -> None:
        for each in run.classes.all():
            used, skipped = each.images.filter(skipped="").count(), each.images.exclude(skipped="")
            found = f"{each.label.name}: {each.summaries.count()} summaries of {used} images"
            self.stdout.write(f"{found}; {skipped.count()} skipped")
            for image in skipped:
                self.stdout.write(f"  {image.file}: {image.skipped}")
        self.stdout.write(f"Run {run.pk} took {run.seconds:.0f} seconds. Look at it under {page_of(run)}")
