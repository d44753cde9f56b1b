"""Cells of tables that leave the house. Pure: standard library only."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A spreadsheet takes such a cell for a formula; the last four are the full-width forms."""


def guard(cell: object) -> object:
    """A text that a spreadsheet would run as a formula gets a leading apostrophe; all else stays.

    So does one that looks guarded already, or the reader could not tell what was typed.
    """
    guarded = isinstance(cell, str) and cell.lstrip("'").startswith(FORMULA_STARTS)
    return f"'{cell}" if guarded else cell
