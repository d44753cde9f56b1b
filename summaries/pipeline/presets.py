"""Presets: every option of every stage by name, and their way into a run's row and back."""

import dataclasses
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from summaries.engine.visual.flow import MatchParams
from summaries.engine.visual.masks import MaskParams
from summaries.engine.visual.parts import PartParams
from summaries.engine.visual.proposals import ProposalParams
from summaries.engine.visual.segments import SegmentParams
from summaries.engine.visual.warp import WarpParams
from summaries.engine.visual.worth import WorthParams
from summaries.models import Run

Options = TypeVar("Options")


@dataclass(frozen=True)
class RegionParams:
    """Which proposals become regions (method, 2.3 and 2.4)."""

    share_on_mask: float = 0.75
    quality_count: int = 100
    literal_pruning: bool = True


@dataclass(frozen=True)
class ClusterParams:
    """How regions are grouped and which groups are kept (method, 4.1 to 4.4)."""

    factor: float = 1.3
    damping: float = 0.9
    max_iter: int = 1000
    convergence_iter: int = 100
    topk: int = 10
    rejection: float = 0.6
    acceptance: float = 0.9
    mean_mask: float = 0.75
    min_members: int = 3
    matlab_nan_parity: bool = False


@dataclass(frozen=True)
class VisualParams:
    """Every option of the recipe by boxes."""

    background_crops: int = 2000
    masks: MaskParams = field(default_factory=MaskParams)
    proposals: ProposalParams = field(default_factory=ProposalParams)
    matches: MatchParams = field(default_factory=MatchParams)
    regions: RegionParams = field(default_factory=RegionParams)
    clusters: ClusterParams = field(default_factory=ClusterParams)
    warp: WarpParams = field(default_factory=WarpParams)


@dataclass(frozen=True)
class PartsParams:
    """Every option of the recipe by parts."""

    masks: MaskParams = field(default_factory=MaskParams)
    segments: SegmentParams = field(default_factory=SegmentParams)
    parts: PartParams = field(default_factory=PartParams)
    worth: WorthParams = field(default_factory=WorthParams)
    topk: int = 9
    """Members of a summary that are shown, at most."""


def paper(side: int) -> VisualParams:
    """The published constants, whatever the input's side.

    Two are ours, as the sources' own would let chance through (see `clusters.clean`): a summary needs
    `min_members` = 3 images (theirs: 1), and a cluster of a single member is left out of the class's median
    (theirs: `matlab_nan_parity`). Where the sources say nothing, the engine's docstrings name our choice.
    """
    return VisualParams()


def standard(side: int) -> PartsParams:
    """The recipe by parts with the defaults of its functions, whatever the input's side."""
    return PartsParams(masks=MaskParams(schedule="annealed"))


VISUAL: dict[str, Callable[[int], VisualParams | PartsParams]] = {"standard": standard, "paper": paper}
"""Every option for a network whose input has this side."""

KINDS: dict[str, type] = {Run.Recipe.BOXES: VisualParams, Run.Recipe.PARTS: PartsParams}
"""The options of each recipe."""


def to_json(options: Any) -> dict:
    return dataclasses.asdict(options)


def from_json(kind: type[Options], values: dict) -> Options:
    """The dataclass that `to_json` wrote down; JSON's lists become tuples again."""
    hints = typing.get_type_hints(kind)
    return kind(**{name: _restore(hints[name], value) for name, value in values.items()})


def _restore(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return from_json(typing.cast(type, hint), value)
    if isinstance(hint, types.UnionType) and value is not None:
        return _restore(next(one for one in hint.__args__ if one is not type(None)), value)
    return tuple(value) if isinstance(value, list) else value
