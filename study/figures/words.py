"""What strangers typed, as a figure can show it: on one line, nothing hidden, and not too long."""

import unicodedata

from study import display


def plain(words: object, most: int = 40) -> str:
    """At most so many places wide; Chinese characters count two. What is cut off is shown by an ellipsis."""
    shown = " ".join(display.visible(words).split())
    return shown if width(shown) <= most else _cut(shown, most - 1) + "…"


def ends(words: object, most: int = 40) -> str:
    """As `plain`, cut in the middle: of titles that begin alike the end tells which is which."""
    shown = " ".join(display.visible(words).split())
    if width(shown) <= most:
        return shown
    end = _cut(shown[::-1], most // 2)[::-1]
    return _cut(shown, most - 1 - width(end)) + "…" + end


def width(words: str) -> int:
    return sum(map(_places, words))


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _places(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(words: str, most: int) -> str:
    kept, used = [], 0
    for character in words:
        used += _places(character)
        if used > most or len(kept) >= 2 * most:
            break
        kept.append(character)
    return "".join(kept).rstrip()
