"""Explain a network's answer to a photograph by its units, each named by the concept that it detects."""

from pathlib import Path

from tqdm import tqdm

from summaries.exports import check_folder, export_explanation
from summaries.management.running import LOOK, RunCommand, find
from summaries.models import Network
from summaries.runs import output_of


class Command(RunCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("picture", type=Path, metavar="PICTURE", help="a picture file")
        parser.add_argument("--network", required=True, help="its name, as add_network gave it")
        parser.add_argument(
            "--layer", default="", help="its units explain (default: the deepest that was dissected)"
        )
        parser.add_argument(
            "--run", type=int, help="the dissection that names the units (default: the newest finished one)"
        )
        parser.add_argument(
            "--class",
            dest="label",
            help="name, synset or index of the class to explain (default: the predicted one)",
        )
        parser.add_argument("--top", type=int, default=5, help="units shown (default: 5)")
        parser.add_argument(
            "--export", type=Path, metavar="DIR", help="write explanation.json and explanation.png"
        )

    def begin(self, options):
        from summaries.pipeline import explanations

        network = find(Network, options["network"])
        index = None if options["label"] is None else output_of(network, options["label"])
        if options["export"]:
            check_folder(options["export"])
        photograph = explanations.read_photograph(options["picture"], network.input_size)
        source = explanations.choose_source(network, options["layer"], options["run"])
        found = explanations.explain_picture(
            network, photograph, source, index=index, most=options["top"], track=_bar
        )
        self._tell(found)
        if options["export"]:
            from summaries import figures

            rows = [(each.segment, _lines(each)) for each in found.top]
            picture = figures.explained(photograph, _heading(found), rows)
            path = export_explanation(explanations.as_json(found), picture, options["export"])
            self.stdout.write(f"Written to {path}")

    def _tell(self, found) -> None:
        run, heading = found.source.run, _heading(found)
        self.stdout.write(f"{heading[0]}. {heading[1]}.")
        self.stdout.write(
            f"Units of {found.source.layer}, named by run {run.pk}."
            if run
            else f"Units of {found.source.layer}, which no finished dissection names: they have only numbers."
        )
        for place, each in enumerate(found.top, 1):
            self.stdout.write(f"{place}. {', '.join(_lines(each))}")
        self.stdout.write(_sum(found))


def _bar(pieces):
    return tqdm(pieces, desc="Hiding units one by one", bar_format=LOOK)


def _heading(found) -> list[str]:
    whose = "predicted" if found.is_predicted else "not the predicted class"
    how = "exact: contributions and bias sum to the logit" if found.exact else "approximate: by hiding units"
    return [
        f"{found.label} ({whose})",
        f"logit {found.logit:.4f}, probability {found.probability:.3f}",
        f"{found.network.name}, {found.source.layer}",
        how,
    ]


def _lines(share) -> list[str]:
    """A unit's name, what it adds, and where."""
    if share.is_detector:
        name = f"{share.concept} ({share.category}, IoU {share.iou:.3f})"
    elif share.concept:
        name = f"no detector (best: {share.concept}, IoU {share.iou:.3f})"
    else:
        name = "no name"
    place = f"{share.segment.mean():.1%} of the picture"
    where = f"active on {place}" if share.is_active else f"above half its peak on {place}"
    return [name, f"unit {share.number}: {share.value:+.4f}", where]


def _sum(found) -> str:
    shown = sum(each.value for each in found.top)
    others = len(found.values) - len(found.top)
    if not found.exact:
        return (
            "These are drops of the logit when one unit at a time is hidden. That is an approximation: what "
            "follows the layer is not linear, so drops do not sum to the logit."
        )
    return (
        f"These {shown:+.4f}, the other {others} units {found.values.sum() - shown:+.4f}, "
        f"bias {found.bias:+.4f}: together {found.total:.4f}; the network's logit is {found.logit:.4f}."
    )
