"""What a decision on names would do to the numbers: before it is made, layer by layer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from study import naming
from study.agreement.codes import tally
from study.agreement.coefficients import NO_ANSWERS, Estimate, krippendorff_alpha
from study.findings.table import Table, read
from study.models import Stimulus, Study


@dataclass(frozen=True)
class Line:
    """Over the summaries, without excluded people."""

    layer: str
    distinct: int
    """Different names."""
    alpha: Estimate
    name_agreement: Estimate
    """Mean share of the modal name."""

    @property
    def told(self) -> tuple[Estimate, Estimate]:
        return self.alpha, self.name_agreement


def lines(study: Study, before: naming.Layers, after: naming.Layers | None = None) -> list[Line]:
    """The raw, the mechanical and the merged layer, and the merged one as it would be."""
    table = read(study, layers=before)
    units, people = table.units(Stimulus.Kind.SUMMARY), table.main()
    told = [
        _line(layer, table.codes(layer, units=units, people=people))
        for layer in ("raw", "mechanical", "merged")
    ]
    if after:
        codes = table.codes("mechanical", units=units, people=people)
        told.append(_line("after", _renamed(table, codes, after)))
    return told


def _renamed(table: Table, codes: NDArray[np.int32], after: naming.Layers) -> NDArray[np.int32]:
    """Mechanical names as these layers merge them."""
    place: dict[str, int] = {}
    names = [place.setdefault(after.merged(name), len(place)) for name in table.labels["mechanical"]]
    number = np.array([*names, 0], np.int32)  # never empty
    return np.where(codes >= 0, number[np.maximum(codes, 0)], codes)


def _line(layer: str, codes: NDArray[np.int32]) -> Line:
    distinct = len(np.unique(codes[codes >= 0]))
    return Line(layer, distinct, krippendorff_alpha(codes), _mean_share(codes))


def _mean_share(codes: NDArray[np.int32]) -> Estimate:
    """Of the answers that give the modal name, as a mean over summaries with answers."""
    counted = tally(codes)
    some = counted.answers > 0
    if not some.any():
        return Estimate(None, NO_ANSWERS)
    named = counted.counts[some][:, np.asarray(counted.labels) >= 0]
    most = named.max(axis=1, initial=0)
    return Estimate(float((most / counted.answers[some]).mean()))
