"""Who gave which name to which summary, as one table of whole numbers: units (summaries) by raters (people).

A value of 0 or more is a name; what is no name has a number of its own. Coefficients take "nothing in common"
and "can't tell" as categories like any name; who skipped a summary, or was never shown it, is missing there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

MISSING = -1
NOTHING = -2
CANNOT = -3


@dataclass(frozen=True)
class Tally:
    """How often each unit was given each of the answers that occur; coefficients are made of it."""

    labels: NDArray[np.int64]
    """(L,) the codes that occur, ascending; no MISSING among them."""
    place: NDArray[np.int64]
    """(U, R) where in `labels` each answer stands; -1 where there is none."""
    counts: NDArray[np.float64]
    """(U, L)."""
    answers: NDArray[np.float64]
    """(U,) of each unit."""

    @property
    def given(self) -> NDArray[np.bool_]:
        return self.place >= 0

    @property
    def named(self) -> NDArray[np.bool_]:
        """(L,) which labels are names."""
        return self.labels >= 0


def tally(codes: ArrayLike) -> Tally:
    """Count the answers of a table of codes (U, R). Raises ValueError for another shape."""
    table = np.asarray(codes, dtype=np.int64)
    if table.ndim != 2:
        raise ValueError("codes are a table of units by raters")
    labels = np.unique(table[table != MISSING])
    place = np.where(table == MISSING, -1, np.searchsorted(labels, table))
    units, width = len(table), max(len(labels), 1)
    cells = (np.arange(units)[:, None] * width + place)[place >= 0]
    counts = np.bincount(cells, minlength=units * width).reshape(units, width)[:, : len(labels)]
    return Tally(labels, place, counts.astype(np.float64), counts.sum(1).astype(np.float64))


def choose(distance: ArrayLike, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The rows and columns of `distance` (L+2, L+2: names, then NOTHING, then CANNOT) for `labels`."""
    table = np.asarray(distance, dtype=np.float64)
    names = len(table) - 2
    if len(labels) and labels.max() >= names:
        raise ValueError("the table of distances has no row for some of the names")
    rows = np.where(labels == NOTHING, names, np.where(labels == CANNOT, names + 1, labels))
    return table[np.ix_(rows, rows)]
