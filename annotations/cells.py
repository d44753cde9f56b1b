"""Cells of tables that leave the house. Pure: standard library only."""

import re

FORMULA_SIGNS = "=+@\uff1d\uff0b\uff20\uff0d-"
"""A spreadsheet takes a cell that begins so for a formula; some are the full-width forms. The minus stands
last, where it is no range."""
SEPARATORS = ",;\t\r\n"
"""A spreadsheet that expects another one than the file has cuts a text there, and has a cell more."""
_BEGINS = rf"'*[\t\r{FORMULA_SIGNS}]"
_GOES_ON = rf"[\"']*[{FORMULA_SIGNS}]"
_WITHOUT = re.compile(rf"^(?={_BEGINS})|(?<=[{SEPARATORS}])(?={_GOES_ON})")
APOSTROPHE = rf"^'(?={_BEGINS})|(?<=[{SEPARATORS}])'(?={_GOES_ON})"
"""Matches those that `guard` puts in, and no other."""
_SIGN = re.compile(rf"[\t\r{FORMULA_SIGNS}]")


def guard(cell: object) -> object:
    """A text that a spreadsheet would run as a formula gets an apostrophe before it, and so does each part
    that would be a cell for a spreadsheet that cuts elsewhere; all else stays.

    So does one that looks guarded already, or the reader could not tell what was typed.
    """
    if isinstance(cell, str) and _SIGN.search(cell):
        return _WITHOUT.sub("'", cell)
    return cell
