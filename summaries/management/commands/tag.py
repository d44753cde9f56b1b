"""Ask automatic taggers what the summaries of a finished run show, and how far their tags agree."""

from dataclasses import replace
from pathlib import Path

from django.urls import reverse

from annotations import files
from summaries import taggers
from summaries.engine import Refusal
from summaries.exports import check_folder, export_tags
from summaries.management.running import RunCommand
from summaries.models import Run
from summaries.runs import VIEWS, TagOptions, asked, check_tags, plan_tags

LARGEST_TEXT = 1 << 20
"""Bytes of a vocabulary or a model's form; what is larger is another file."""


class Command(RunCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("--run", type=int, required=True, help="number of the run whose summaries to tag")
        told = "; ".join(f"{name}: {what}" for name, what in taggers.BUILT_IN.items())
        parser.add_argument("--tagger", required=True, metavar="NAME[,NAME]", help=f"{told}; or a plug-in")
        views = "; ".join(f"{name}: {what}" for name, what in VIEWS.items())
        parser.add_argument("--view", default="dimmed", help=f"what a tagger sees. {views} (default: dimmed)")
        parser.add_argument(
            "--vocabulary", type=Path, metavar="FILE.txt", help="words to choose from, one a line"
        )
        parser.add_argument(
            "--model", default="", help="for clip: a model of open_clip, or its form FILE.json"
        )
        parser.add_argument("--weights", type=Path, metavar="FILE", help="for clip: its weights")
        parser.add_argument(
            "--top", type=int, default=10, help="tags of each region that count (default: 10)"
        )
        parser.add_argument("--draws", type=int, default=3, help="random regions for each (default: 3)")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--export", type=Path, metavar="DIR", help="write tags.csv and tags.json")
        parser.add_argument("--new", action="store_true", help="do not go on with a run begun earlier")
        parser.add_argument("--queue", action="store_true", help="hand the work to the workers and return")

    def begin(self, options):
        if options["queue"] and options["export"]:
            raise Refusal("--export needs the results, and --queue does not wait for them: leave one out.")
        if options["export"]:
            check_folder(options["export"])
        of = Run.objects.filter(pk=options["run"]).first()
        if of is None:
            raise Refusal(f"There is no run {options['run']}.")
        names = list(dict.fromkeys(name.strip() for name in options["tagger"].split(",") if name.strip()))
        given = [_options(name, options) for name in names]
        for name, one in zip(names, given, strict=True):
            check_tags(of, name, one)
        runs = [self._run(of, name, one, options) for name, one in zip(names, given, strict=True)]
        for run in runs:
            self._do(run, options["queue"])
        if options["export"]:
            self.stdout.write(f"Written to {export_tags(of, options['export'])}")

    def _run(self, of: Run, name: str, given: TagOptions, options) -> Run:
        """A new run, or one that asks the same and was begun earlier and not finished."""
        begun = of.tag_runs.filter(preset=name, seed=options["seed"]).exclude(state=Run.State.FINISHED)
        for run in begun if not options["new"] else ():
            if asked(given).items() <= run.parameters.items():
                return self.going_on(run)
        return plan_tags(of, name, given, seed=options["seed"], queued=options["queue"])

    def _do(self, run: Run, queue: bool) -> None:
        address = reverse("summaries:tags", args=[run.of_id])
        if queue:
            self.hand_over(run, address)
            return
        self.finish(run)
        for tagging in run.taggings.select_related("summary__run_class__label"):
            named = ", ".join(tag for tag, _ in tagging.tags[:3]) or "no tag"
            self.stdout.write(f"{tagging.summary.run_class} {tagging.summary.rank}: {named}")
        self.stdout.write(f"Run {run.pk} took {run.seconds:.0f} seconds. Look at it under {address}")


def _options(name: str, options) -> TagOptions:
    if not 1 <= options["top"] <= 50 or not 1 <= options["draws"] <= 20:
        raise Refusal("--top is a number from 1 to 50, and --draws from 1 to 20.")
    words = _read_words(options["vocabulary"]) if options["vocabulary"] else ()
    general = TagOptions(view=options["view"], top=options["top"], draws=options["draws"], words=words)
    return _with_model(general, options) if name == "clip" else general


def _with_model(general: TagOptions, options) -> TagOptions:
    """With the model's form as it is now, and its weights in the store, where every worker finds them."""
    model, weights = options["model"], options["weights"]
    config = _read_text(Path(model)) if model.endswith(".json") else ""
    stored = files.put(_read(weights), weights.suffix) if weights else ""
    return replace(general, model=Path(model).stem if config else model, config=config, weights=stored)


def _read_words(path: Path) -> tuple[str, ...]:
    """One word or phrase a line, each once."""
    lines = _read_text(path).splitlines()
    return tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))


def _read_text(path: Path) -> str:
    """Without the mark with which some editors begin a text."""
    content = _read(path, LARGEST_TEXT + 1)
    if len(content) > LARGEST_TEXT:
        raise Refusal(f"'{path}' is larger than {LARGEST_TEXT >> 20} MB.")
    try:
        if b"\0" not in content:  # which no text has, and no database takes
            return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise Refusal(f"'{path}' is not a text in UTF-8.")


def _read(path: Path, most: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise Refusal(f"'{path}' cannot be read ({error.strerror}).") from error
