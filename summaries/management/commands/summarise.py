"""Find the parts that a network uses for some classes of an image set, and draw them as visual summaries."""

import signal
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.urls import reverse
from tqdm import tqdm

from annotations.files import StorageFull
from annotations.models import ImageSet
from summaries.disk import FULL, is_full
from summaries.engine import ENGINE_VERSION, Refusal
from summaries.exports import check_folder, export_run
from summaries.models import Job, Network, Run
from summaries.runs import PRESETS, choose_classes, plan_run


class Command(BaseCommand):
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

    def handle(self, **options):
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            self._handle(options)
        except Refusal as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        except (DatabaseError, StorageFull) as error:
            if not is_full(error):
                raise
            raise CommandError(FULL, returncode=2) from error

    def _handle(self, options):
        if options["queue"] and options["export"]:
            raise Refusal("--export needs the results, and --queue does not wait for them: leave one out.")
        if options["export"]:
            check_folder(options["export"])
        run = self._run(options)
        if options["queue"]:
            self._hand_over(run)
        else:
            self._do(run, options["export"])

    def _run(self, options) -> Run:
        """A new run, or the same one begun earlier and not finished."""
        network, images = _find(Network, options["network"]), _find(ImageSet, options["images"])
        classes = [word for word in options["classes"].split(",") if word.strip()]
        asked = {name: options[name] for name in ("preset", "seed", "limit")}
        chosen = {choice.label.pk for choice in choose_classes(network, images, classes)}
        begun = Run.objects.filter(network=network, image_set=images, engine_version=ENGINE_VERSION, **asked)
        for run in begun.exclude(state=Run.State.FINISHED):
            if not options["new"] and chosen == set(run.classes.values_list("label", flat=True)):
                self.stdout.write(
                    f"Going on with run {run.pk}, which was begun {run.created:%Y-%m-%d %H:%M} (UTC)."
                )
                return run
        return plan_run(network, images, classes, **asked, queued=options["queue"])

    def _hand_over(self, run: Run) -> None:
        from summaries import jobs, tasks

        jobs.resume(run)
        Run.objects.filter(pk=run.pk).update(queued=True)
        tasks.start(run.pk)
        self.stdout.write(f"Run {run.pk} is with the workers; watch it at {_page(run)}")

    def _do(self, run: Run, export: Path | None) -> None:
        try:
            self._drive(run)
        except KeyboardInterrupt:
            raise Refusal(f"Stopped. The same command goes on with run {run.pk} where it stands.") from None
        if run.state == Run.State.CANCELLED:
            raise Refusal(f"Run {run.pk} was cancelled. The same command goes on with it where it stands.")
        if run.state == Run.State.FAILED:
            raise Refusal(f"{run.reason} (run {run.pk}; the same command tries again)")
        self._report(run)
        if export:
            self.stdout.write(f"Written to {export_run(run, export)}")

    def _drive(self, run: Run) -> None:
        from summaries import jobs
        from summaries.pipeline import work

        jobs.resume(run)
        with Bar(run) as bar:
            work.drive(run, bar.watch)

    def _report(self, run: Run) -> None:
        for each in run.classes.all():
            used, skipped = each.images.filter(skipped="").count(), each.images.exclude(skipped="")
            found = f"{each.label.name}: {each.summaries.count()} summaries of {used} images"
            self.stdout.write(f"{found}; {skipped.count()} skipped")
            for image in skipped:
                self.stdout.write(f"  {image.file}: {image.skipped}")
        self.stdout.write(f"Run {run.pk} took {run.seconds:.0f} seconds. Look at it under {_page(run)}")


class Bar:
    """A progress bar for each stage in turn, in jobs and fractions of jobs, with the time that remains."""

    def __init__(self, run: Run):
        self.run, self.bar, self.stage = run, None, ""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.bar:
            if not any(error):
                self.bar.n = self.bar.total
                self.bar.refresh()
            self.bar.close()

    def watch(self, job: Job, done: int, total: int) -> None:
        from summaries.pipeline import work

        if job.stage != self.stage or done == 0:
            self.run.refresh_from_db(fields=["stage"])
            words, finished, jobs = work.progress(self.run)
            if job.stage != self.stage:
                self.__exit__()
                self.bar, self.stage = tqdm(total=jobs, desc=words, bar_format=LOOK), job.stage
            self.finished = finished
        self.bar.update(self.finished + done / max(total, 1) - self.bar.n)


LOOK = "{desc:48.48} {percentage:3.0f}%|{bar:24}| {elapsed}, {remaining} left"


def _page(run: Run) -> str:
    return reverse("summaries:run", args=[run.pk])


def _find(model, name: str):
    try:
        return model.objects.get(name=name)
    except model.DoesNotExist:
        known = ", ".join(model.objects.values_list("name", flat=True)[:8]) or "none yet"
        what, how = ("network", "add_network") if model is Network else ("image set", "import_images")
        raise Refusal(f"There is no {what} called '{name}' (there is: {known}); {how} adds one.") from None


def _interrupt(*_):
    raise KeyboardInterrupt
