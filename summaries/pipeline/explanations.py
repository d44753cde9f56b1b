"""Explanations: which units of a layer a network's answer to one photograph rests on, by their concepts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from annotations.pictures import read_rgb
from summaries.engine import Refusal
from summaries.engine.dissection import dissect, explain, layers
from summaries.engine.images import resize_square, to_tensor
from summaries.engine.networks import Classifier
from summaries.models import Network, Run, Unit
from summaries.pipeline.networks import classifier_of

SETS_AT_ONCE = 8
"""Units that are hidden, one after the other, between two signs of progress."""
PEAK_SHARE = 0.5
"""Of its peak in the photograph: above it lies the segment of a unit that is nowhere above its threshold, or
that no run has a threshold for."""
Track = Callable[[Iterable], Iterable]


@dataclass(frozen=True)
class Source:
    """The layer whose units explain, and the dissection that names them; None: they have only numbers."""

    layer: str
    run: Run | None


@dataclass(frozen=True)
class Share:
    """What one unit is to the class's logit."""

    number: int
    value: float
    """Its contribution, or the drop of the logit without it."""
    activation: float
    """The mean of its map."""
    segment: NDArray[np.bool_]
    """(S, S): where it is active in the photograph, or most so."""
    is_active: bool
    """Above the threshold of its run."""
    concept: str = ""
    category: str = ""
    iou: float | None = None
    is_detector: bool = False


@dataclass(frozen=True)
class Explanation:
    """An answer and its units. exact: the values of all units and the bias sum to the logit."""

    network: Network
    source: Source
    photograph: NDArray[np.uint8]
    """(S, S, 3): stretched to a square, as the network was dissected."""
    index: int
    is_predicted: bool
    logit: float
    probability: float
    exact: bool
    bias: float
    values: NDArray[np.float64]
    """(U,): of all units."""
    top: tuple[Share, ...]

    @property
    def label(self) -> str:
        return self.network.classes[self.index]["name"]

    @property
    def total(self) -> float:
        return float(self.values.sum()) + self.bias


def choose_source(network: Network, layer: str, number: int | None) -> Source:
    """The run of this number, else the newest finished dissection that fits, else none. Without a layer the
    deepest that the run dissected, without a run the network's last one with a map."""
    run = _run(network, number) if number is not None else _newest(network, layer)
    known = [each.name for each in layers.layers(classifier_of(network).module, network.input_size)]
    if layer:
        layers.pick(classifier_of(network).module, network.input_size, [layer])
        if run and layer not in run.parameters["layers"]:
            there = ", ".join(run.parameters["layers"])
            raise Refusal(f"Run {run.pk} did not dissect layer '{layer}' but {there}.")
        return Source(layer, run)
    if not known:
        raise Refusal(f"No layer of '{network.name}' gives a map, so there are no units to explain with.")
    return Source(max(run.parameters["layers"], key=known.index) if run else known[-1], run)


def _natural():
    """Rotated units are mixtures, which the network's weights do not know one by one."""
    return Run.objects.filter(method=Run.Method.DISSECTION, state=Run.State.FINISHED, preset="natural")


def _run(network: Network, number: int) -> Run:
    if run := _natural().filter(network=network, pk=number).first():
        return run
    raise Refusal(
        f"Run {number} is no finished dissection of '{network.name}' in its natural basis; leave --run out "
        "for the newest one."
    )


def _newest(network: Network, layer: str) -> Run | None:
    runs = _natural().filter(network=network).order_by("-pk")
    return next((run for run in runs if not layer or layer in run.parameters["layers"]), None)


def read_photograph(path: Path, side: int) -> NDArray[np.uint8]:
    """The picture file as the network sees it, stretched to a square."""
    try:
        return resize_square(read_rgb(path.read_bytes()), side)
    except OSError as error:
        raise Refusal(f"'{path}' cannot be read ({error.strerror or 'not a file'}).") from error


@torch.no_grad()
def explain_picture(
    network: Network,
    photograph: NDArray[np.uint8],
    source: Source,
    *,
    index: int | None = None,
    most: int = 5,
    track: Track = lambda it: it,
) -> Explanation:
    """What each unit of the layer is to the class (by default the predicted one), and the `most` foremost.

    Exact where a linear layer answers from the means of the layer's maps; else each unit is hidden alone,
    which approximates, as what follows is not linear.
    """
    if most < 1:
        raise Refusal("Let at least one unit be shown.")
    classifier, images = classifier_of(network), to_tensor(photograph[None])
    probe = {source.layer: dissect.Probe(source.layer)}
    layer = dissect.find_layers(classifier, probe)[source.layer]
    maps = dissect.read_maps(classifier, probe, images)[source.layer]
    logits = classifier.logits(images)[0]
    predicted = int(logits.argmax())
    chosen = predicted if index is None else index
    head = explain.find_pooled_head(classifier, layer)
    values = _values(classifier, layer, images, maps, chosen, head, track)
    return Explanation(
        network=network,
        source=source,
        photograph=photograph,
        index=chosen,
        is_predicted=chosen == predicted,
        logit=float(logits[chosen]),
        probability=float(logits.softmax(0)[chosen]),
        exact=head is not None,
        bias=float(head.bias[chosen]) if head else 0.0,
        values=values,
        top=_top(source, layer, maps[0], values, network.input_size, most),
    )


def _values(
    classifier: Classifier,
    layer: layers.MapLayer,
    images: torch.Tensor,
    maps: torch.Tensor,
    index: int,
    head: explain.PooledHead | None,
    track: Track,
) -> NDArray[np.float64]:
    wanted = torch.tensor([index], device=maps.device)
    if head is not None:
        return explain.contributions(head, maps, wanted)[0].double().cpu().numpy()
    units = [[number] for number in range(layer.shape[0])]
    pieces = [units[start : start + SETS_AT_ONCE] for start in range(0, len(units), SETS_AT_ONCE)]
    drops = [
        explain.ablation_drops(classifier, layer, images, wanted, piece)[0].double().numpy()
        for piece in track(pieces)
    ]
    return np.concatenate(drops)


def _top(
    source: Source, layer: layers.MapLayer, maps: torch.Tensor, values: NDArray, side: int, most: int
) -> tuple[Share, ...]:
    """The units with the highest values, with where they are active; maps (U, h, w)."""
    numbers = np.argsort(-values, kind="stable")[:most].tolist()
    rows = _units(source, numbers)
    own = maps[numbers]
    peaks = own.amax((1, 2)).tolist()
    active = [n in rows and peak > rows[n].threshold for n, peak in zip(numbers, peaks, strict=True)]
    limits = [
        rows[number].threshold if above else peak * PEAK_SHARE
        for number, peak, above in zip(numbers, peaks, active, strict=True)
    ]
    segments = dissect.find_segments(own, torch.tensor(limits), (side, side), layer.geometry)
    return tuple(
        Share(
            number=number,
            value=float(values[number]),
            activation=float(own[place].mean()),
            segment=segments[place],
            is_active=active[place],
            **_names(rows, number),
        )
        for place, number in enumerate(numbers)
    )


def _units(source: Source, numbers: list[int]) -> dict[int, Unit]:
    if source.run is None:
        return {}
    found = source.run.units.filter(layer=source.layer, number__in=numbers).select_related("run", "concept")
    return {unit.number: unit for unit in found}


def _names(rows: dict[int, Unit], number: int) -> dict:
    unit = rows.get(number)
    if unit is None or unit.concept is None:
        return {}
    return {
        "concept": unit.concept.name,
        "category": unit.concept.category,
        "iou": unit.iou,
        "is_detector": unit.iou > unit.run.parameters["threshold"],
    }


def as_json(found: Explanation) -> dict:
    """All that was found, for a file."""
    run = found.source.run
    return {
        "network": {"name": found.network.name, "sha256": found.network.sha256},
        "layer": found.source.layer,
        "run": run.pk if run else None,
        "class": {"name": found.label, "index": found.index, "predicted": found.is_predicted},
        "logit": found.logit,
        "probability": found.probability,
        "method": "contributions" if found.exact else "ablation",
        "exact": found.exact,
        "bias": found.bias if found.exact else None,
        "sum": found.total if found.exact else None,
        "units": [_told(each) for each in found.top],
        "values": found.values.tolist(),
    }


def _told(share: Share) -> dict:
    return {
        "unit": share.number,
        "value": share.value,
        "activation": share.activation,
        "concept": share.concept,
        "category": share.category,
        "iou": share.iou,
        "detector": share.is_detector,
        "active": share.is_active,
        "area": float(share.segment.mean()),
    }
