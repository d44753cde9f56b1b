"""Whether summaries score higher than their controls: a paired test over summaries."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST = 6
"""Pairs that differ below which a two-sided exact test cannot reach 0.05, whatever they are."""


@dataclass(frozen=True)
class Comparison:
    """Wilcoxon's signed-rank test of pairs. `p` and `effect` are None where `reason` says why."""

    pairs: int
    difference: float | None
    """Median over pairs of value - control."""
    effect: float | None
    """Rank-biserial: (W+ - W-) / (W+ + W-), from -1 to 1; 1 if every value is above its control."""
    p: float | None
    """Two-sided; exact where there are no ties, up to 50 pairs."""
    reason: str = ""


def compare(values: Sequence[float | None], controls: Sequence[float | None]) -> Comparison:
    """Pairs of which one is not defined are left out; pairs without a difference count for the median only
    (Wilcoxon's own way with zeros)."""
    pairs = [(a, b) for a, b in zip(values, controls, strict=True) if a is not None and b is not None]
    differences = np.array([a - b for a, b in pairs])
    if not len(pairs):
        return Comparison(0, None, None, None, "there is no pair to compare")
    middle, nonzero = float(np.median(differences)), differences[np.abs(differences) > 1e-12]
    if not len(nonzero):
        return Comparison(len(pairs), middle, None, None, "no summary differs from its control")
    reason = "" if len(nonzero) >= LEAST else f"with {len(nonzero)} pairs that differ, p cannot reach 0.05"
    return Comparison(len(pairs), middle, *_signed_ranks(nonzero), reason)


def _signed_ranks(differences: np.ndarray) -> tuple[float, float]:
    from scipy.stats import rankdata, wilcoxon  # here, as it takes long to load and pages seldom need it

    differences = differences.round(12)  # so that equal ones tie
    ranks = rankdata(np.abs(differences))
    up, down = ranks[differences > 0].sum(), ranks[differences < 0].sum()
    return float((up - down) / (up + down)), float(wilcoxon(differences).pvalue)
