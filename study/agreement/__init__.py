"""How far people agree on names, with each other and with automatic tags. Pure: arrays and plain values in,
plain values out; no rows, no frameworks."""

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

__all__ = [
    "CANNOT_TELL",
    "NAME",
    "NOTHING_IN_COMMON",
    "NO_ANSWERS",
    "NO_NAMES",
    "SKIPPED",
    "NameAgreement",
    "name_agreement",
]
