"""The one door through which evidence meets people: every method offers its findings as exhibits.

`study` freezes an exhibit into a stimulus (pictures copied by hash, key kept as text); it knows nothing else
of this room. A new method adds a kind of exhibit here; nothing in `study` changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from summaries.models import Run, Summary


@dataclass(frozen=True)
class Exhibit:
    """One finding, as people may see it. No class, network or file name stands in what people see."""

    key: str
    """Stable for ever: `visual/<run>/<label>/<rank>`."""
    pictures: tuple[str, ...]
    """Keys of PNG files in the storage (annotations.files), in the order in which they are shown."""
    question: str
    alternative_text: str
    """Neutral: says what kind of picture this is, never what is in it."""
    can_decoy: bool
    can_repeat: bool
    title: str
    """For researchers only: network, class, rank."""
    group: str
    """For researchers only: the class label, for choosing and balancing."""


def of_run(run: Run) -> Iterator[Exhibit]:
    """All that a finished run offers, in the order of class and rank."""
    summaries = Summary.objects.filter(run_class__run=run).select_related(
        "run_class__run__network", "run_class__label"
    )
    return (_visual(summary) for summary in summaries.order_by("run_class__position", "rank"))


def _visual(summary: Summary) -> Exhibit:
    run, label = summary.run_class.run, summary.run_class.label
    return Exhibit(
        key=f"visual/{run.pk}/{label.name}/{summary.rank}",
        pictures=(summary.picture,),
        question="What part do these regions show?",
        alternative_text="A grid of pictures. In each, one region is outlined and everything else is dimmed.",
        can_decoy=True,
        can_repeat=True,
        title=f"{run.network.name}: {label.name}, summary {summary.rank}",
        group=label.name,
    )
