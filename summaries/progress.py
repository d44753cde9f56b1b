"""How far a run is, counted from its jobs. Imports no numerics."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Max, Q, QuerySet
from django.utils import timezone

from summaries.models import Job, Run

STAGES = {
    "visual": {
        "boxes": {
            "background": "Learning what gradients are usual",
            "masks": "Finding the network's evidence",
            "proposals": "Proposing regions",
            "matches": "Matching regions across images",
            "regions": "Choosing the regions on the evidence",
            "clusters": "Grouping regions",
            "alignments": "Laying the members of each group over each other",
            "summaries": "Drawing the summaries",
        },
        "parts": {
            "background": "Learning what the network sees as usual",
            "masks": "Finding the network's evidence",
            "segments": "Describing each image piece by piece",
            "clusters": "Grouping pieces into parts",
            "worth": "Hiding each part to see what it is worth",
            "summaries": "Drawing the summaries",
        },
    },
    "tags": {
        "tags": {
            "tag": "Asking the tagger about each region",
            "score": "Comparing the tags with chance",
        }
    },
    "dissection": {
        "units": {
            "quantiles": "Learning how active each unit is",
            "thresholds": "Choosing from where on it counts as active",
            "tally": "Counting where it is active and what is there",
            "units": "Comparing units with concepts",
            "drawings": "Drawing where the units are active",
            "pictures": "Putting pictures together for people",
        }
    },
}
"""The stages of each method's recipes in order, in words; here, since the web process cannot import the
pipeline.
"""

QUIET = timedelta(seconds=20)
"""After so long without any job in hand a run is said to wait."""


@dataclass(frozen=True)
class Stage:
    """One stage of a run as its page shows it."""

    name: str
    words: str
    state: str
    """`done`, `now` or `later`."""
    done: int
    total: int
    left: float | None
    """Seconds until this stage ends, where finished jobs tell; else None."""


@dataclass(frozen=True)
class Progress:
    run: Run
    stages: list[Stage]
    waits: bool
    """Running, yet nobody has worked on it for a while."""

    @property
    def now(self) -> Stage | None:
        return next((stage for stage in self.stages if stage.state == "now"), None)

    @property
    def share(self) -> float:
        """Of all stages, each counted alike."""
        parts = [1.0 if s.state == "done" else s.done / s.total if s.total else 0.0 for s in self.stages]
        return sum(parts) / len(parts)


def stages_of(run: Run) -> dict[str, str]:
    """The run's stages in order, with what is said of each."""
    return STAGES[run.method][run.recipe]


def state_in_words(run: Run, done: int, total: int) -> str:
    if run.state != Run.State.RUNNING:
        return run.get_state_display().capitalize()
    if not run.stage:
        return "Waiting for a worker"
    return f"{stage_in_words(run)}: {done} of {total}"


def stage_in_words(run: Run) -> str:
    return stages_of(run).get(run.stage, run.stage)


def progress_of(run: Run) -> Progress:
    """The stages of a run with how much of each is done, from counts of its jobs."""
    counted = {each["stage"]: each for each in _jobs_by_stage(run)}
    names = list(stages_of(run))
    reached = names.index(run.stage) if run.stage in names else -1
    stages = [
        _stage(run, name, place - reached, counted.get(name, {"total": 0, "done": 0, "claimed": 0}))
        for place, name in enumerate(names)
    ]
    return Progress(run, stages, waits=_waits(run, counted.values()))


def _jobs_by_stage(run: Run) -> QuerySet:
    spent = ExpressionWrapper(F("finished") - F("started"), output_field=DurationField())
    done = Q(state=Job.State.DONE)
    return (
        run.jobs.order_by()
        .values("stage")
        .annotate(
            total=Count("pk"),
            done=Count("pk", filter=done),
            claimed=Count("pk", filter=Q(state=Job.State.CLAIMED)),
            spent=Avg(spent, filter=done),
            latest=Max("finished"),
        )
    )


def _stage(run: Run, name: str, ahead: int, counted: dict) -> Stage:
    """`ahead`: how many stages after the run's present one; negative before it."""
    is_over = ahead < 0 or run.state == Run.State.FINISHED
    state = "done" if is_over else "now" if ahead == 0 else "later"
    left = _time_left(counted) if state == "now" and run.state == Run.State.RUNNING else None
    return Stage(name, stages_of(run)[name], state, counted["done"], counted["total"], left)


def _time_left(counted: dict) -> float | None:
    """Jobs still open, times what a finished one took, shared by the workers that are at it."""
    if not counted.get("spent"):
        return None
    still_open = counted["total"] - counted["done"]
    return still_open * counted["spent"].total_seconds() / max(1, counted["claimed"])


def _waits(run: Run, counted: Iterable[dict]) -> bool:
    if run.state != Run.State.RUNNING:
        return False
    counted = list(counted)
    latest: datetime = max([run.created, *(each["latest"] for each in counted if each["latest"])])
    at_work = any(each["claimed"] for each in counted)
    return not at_work and timezone.now() - latest > QUIET
