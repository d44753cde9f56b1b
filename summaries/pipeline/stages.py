"""Which stages each method has, in order, and how one leads to the next."""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

from summaries.engine import ENGINE_VERSION
from summaries.jobs import Piece
from summaries.models import Job, Run
from summaries.pipeline import dissection, parts, pieces, presets, tags, visual

LIBRARIES = ("numpy", "scipy", "scikit-learn", "scikit-image", "opencv-contrib-python-headless", "torch")

EXTRAS = {"open_clip_torch": "open_clip"}
"""By the module that they bring."""


@dataclass(frozen=True)
class Stage:
    name: str
    queue: str
    plan: Callable[[Run], list[Piece]]
    work: Callable[[Job, Callable[[Iterable], Iterable]], Callable[[], None]]


METHODS: dict[str, dict[str, list[Stage]]] = {
    "visual": {
        "boxes": [
            Stage("background", "cpu", visual.plan_background, visual.estimate_background),
            Stage("masks", "gpu", visual.plan_masks, visual.find_masks),
            Stage("proposals", "cpu", visual.plan_proposals, visual.find_proposals),
            Stage("matches", "cpu", visual.plan_matches, visual.match_image),
            Stage("regions", "gpu", visual.plan_regions, visual.choose_regions),
            Stage("clusters", "cpu", pieces.plan_classes, visual.group_regions),
            Stage("alignments", "cpu", visual.plan_alignments, visual.align_members),
            Stage("summaries", "cpu", pieces.plan_classes, visual.draw_summaries),
        ],
        "parts": [
            Stage("background", "gpu", visual.plan_background, parts.estimate_statistics),
            Stage("masks", "gpu", visual.plan_masks, visual.find_masks),
            Stage("segments", "gpu", parts.plan_segments, parts.describe_segments),
            Stage("clusters", "cpu", pieces.plan_classes, parts.group_segments),
            Stage("worth", "gpu", pieces.plan_classes, parts.measure_worth),
            Stage("summaries", "cpu", pieces.plan_classes, parts.draw_summaries),
        ],
    },
    "tags": {
        "tags": [
            Stage("tag", "gpu", tags.plan_classes, tags.tag_regions),
            Stage("score", "cpu", tags.plan_classes, tags.score_summaries),
        ]
    },
    "dissection": {
        "units": [
            Stage("quantiles", "gpu", dissection.plan_quantiles, dissection.sketch_activations),
            Stage("thresholds", "cpu", dissection.plan_layers, dissection.merge_quantiles),
            Stage("tally", "gpu", dissection.plan_tally, dissection.count_pixels),
            Stage("units", "cpu", dissection.plan_layers, dissection.score_units),
            Stage("drawings", "gpu", dissection.plan_masks, dissection.draw_masks),
            Stage("pictures", "cpu", dissection.plan_pictures, dissection.draw_pictures),
        ]
    },
}
"""The stages of each method's recipes, in order."""


def stages_of(run: Run) -> list[Stage]:
    return METHODS[run.method][run.recipe]


def stage_of(run: Run, name: str) -> Stage:
    return next(stage for stage in stages_of(run) if stage.name == name)


def plan_next(run: Run) -> tuple[str, str, list[Piece]] | None:
    """The stage after the run's present one, its queue and its pieces; None after the last."""
    if not run.stage:
        _freeze(run)
    names = ["", *(stage.name for stage in stages_of(run))]
    following = stages_of(run)[names.index(run.stage) :]
    return (following[0].name, following[0].queue, following[0].plan(run)) if following else None


def _freeze(run: Run) -> None:
    """Writes down every option and version that the run will be done with; whoever plans first decides."""
    Run.objects.filter(pk=run.pk, stage="").update(
        parameters=_parameters(run),
        engine_version=ENGINE_VERSION,
        libraries=_libraries() | {"python": platform.python_version()},
    )
    run.refresh_from_db(fields=["parameters", "engine_version", "libraries"])


def _libraries() -> dict[str, str]:
    """Versions of what the numerics stand on, and of what is an extra where it is installed."""
    extras = [name for name in EXTRAS if find_spec(EXTRAS[name])]
    return {name: version(name) for name in (*LIBRARIES, *extras)}


def _parameters(run: Run) -> dict:
    if run.method == Run.Method.TAGS:
        return tags.frozen_parameters(run)
    if run.method == Run.Method.DISSECTION:
        return dissection.frozen_parameters(run)
    return presets.to_json(presets.VISUAL[run.preset](run.network.input_size))
