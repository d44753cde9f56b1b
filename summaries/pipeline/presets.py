"""Presets: every option of every stage by name, and their way into a run's row and back."""

import dataclasses
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from summaries.engine.visual.flow import MatchParams
from summaries.engine.visual.masks import MaskParams
from summaries.engine.visual.proposals import ProposalParams
from summaries.engine.visual.warp import WarpParams
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
    background_crops: int = 2000
    masks: MaskParams = field(default_factory=MaskParams)
    proposals: ProposalParams = field(default_factory=ProposalParams)
    matches: MatchParams = field(default_factory=MatchParams)
    regions: RegionParams = field(default_factory=RegionParams)
    clusters: ClusterParams = field(default_factory=ClusterParams)
    warp: WarpParams = field(default_factory=WarpParams)


PAPER_SIDE = 224
"""The published constants are pixels of pictures of this side."""


def paper(side: int) -> VisualParams:
    """The published constants, whatever the input's side.

    Two are ours, as the sources' own would let chance through (see `clusters.clean`): a summary needs
    `min_members` = 3 images (theirs: 1), and a cluster of a single member is left out of the class's median
    (theirs: `matlab_nan_parity`). Where the sources say nothing, the engine's docstrings name our choice.
    """
    return VisualParams()


def standard(side: int) -> VisualParams:
    """The published method, lengths in proportion to the input, masks in batches, however few proposals."""
    scale = side / PAPER_SIDE
    proposals = ProposalParams(strict=False, minimum_side=max(8, round(20 * scale)))
    matches = MatchParams(position_decay=0.05 / scale)
    return VisualParams(
        masks=MaskParams(arithmetic="lean"),
        proposals=proposals,
        matches=matches,
        # Of twenty images a class, few groups collect what the published 1.3 asks, and one lump is left.
        clusters=ClusterParams(factor=1.15),
    )


VISUAL: dict[str, Callable[[int], VisualParams]] = {"standard": standard, "paper": paper}
"""Every option for a network whose input has this side."""

KINDS: dict[str, type] = {Run.Recipe.BOXES: VisualParams}
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
