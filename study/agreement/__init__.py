"""How far people agree on names, with each other and with automatic tags. Pure: arrays and plain values in,
plain values out; no rows, no frameworks."""

from study.agreement.coefficients import Estimate
from study.agreement.naming import (
    CANNOT_TELL,
    NAME,
    NO_ANSWERS,
    NO_NAMES,
    NOTHING_IN_COMMON,
    SKIPPED,
    NameAgreement,
    name_agreement,
)

LAYERS = ("raw", "mechanical", "merged")
"""A name in order: exactly as typed; after what a machine may do alone; after what the coder decided."""

__all__ = [
    "CANNOT_TELL",
    "LAYERS",
    "NAME",
    "NOTHING_IN_COMMON",
    "NO_ANSWERS",
    "NO_NAMES",
    "SKIPPED",
    "Estimate",
    "NameAgreement",
    "name_agreement",
]
