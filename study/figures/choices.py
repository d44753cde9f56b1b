"""What can be chosen of a figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Choice:
    layer: str = "merged"
    """raw, mechanical or merged."""
    analysis: str = "main"
    """main: without those excluded; all: with them."""
    page: int | None = None
    """Of a figure of many summaries: which printed page, from 1. None: as tall as it gets."""
    pictures: Mapping[int, bytes] = field(default_factory=dict)
    """PNG or JPEG bytes by stimulus, drawn small beside it."""
    positions: Sequence[Mapping[str, Any]] = ()
    """Of times: {"position", "kind", "median", "quartiles", "n"} for each place in people's order."""
    flow: Sequence[tuple[str, int, Sequence[tuple[str, int]]]] = ()
    """Of the participant flow: each step with its count, and who left before the next one and why."""
    masked: str = ""
    """Why there is nothing to see yet, in one sentence."""
