"""What strangers typed, made safe to look at: a character that hides or turns others is shown by its number.

For pages that staff read. Exports keep the words as they were typed.
"""

import unicodedata

HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
"""Unicode's categories of control, format (direction, zero width), private, surrogate and line characters."""
PLAIN = {"\n"}
FILLERS = {"\u115f", "\u1160", "\u3164", "\uffa0", "\u034f", "\u2800"}
"""Letters by category that have no picture."""


def visible(words: object) -> str:
    """The words with every hidden character written out, as in "wing[U+202E]gnir"; the others as they are."""
    typed = str(words).replace("\r\n", "\n")
    return "".join(_named(character) if _hides(character) else character for character in typed)


def _hides(character: str) -> bool:
    if character in PLAIN:
        return False
    return character in FILLERS or unicodedata.category(character) in HIDDEN


def _named(character: str) -> str:
    return f"[U+{ord(character):04X}]"
