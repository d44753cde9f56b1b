"""What can be said of a typed name without knowing any language's words. Pure: standard library only.

The raw words are kept for ever as they came; what is derived here can be derived again.
"""

import unicodedata

MOST_WORDS = 3
ARTICLES = ("a", "an", "the")
JOINERS = "\u200c\u200d"
"""Invisible, but they spell words in several scripts."""


def mechanical(text: str) -> str:
    """The name that two people share who typed it alike but for form; "" where nothing is left.

    Unicode compatibility form (NFKC), case folded, control and formatting characters dropped, runs of white
    space made one space, punctuation cut off at both ends, leading English articles cut off unless nothing
    else stands there. Applying it twice changes nothing.
    """
    previous = None
    while text != previous:
        previous, text = text, _once(text)
    return text


def count_words(text: str) -> int:
    """As people count: "sea-horse" is one word, and a leading article is none."""
    return len(mechanical(text).split())


def _once(text: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    parts = _trim(" ".join(_visible(text).split())).split()
    while len(parts) > 1 and parts[0] in ARTICLES:
        parts = parts[1:]
    return " ".join(parts)


def _visible(text: str) -> str:
    """Line breaks and tabs become spaces; other control and formatting characters go."""
    spaced = (" " if character.isspace() else character for character in text)
    return "".join(c for c in spaced if c in JOINERS or unicodedata.category(c) not in ("Cc", "Cf"))


def _trim(text: str) -> str:
    """Without punctuation, symbols and spaces at both ends."""
    while text and _is_edge(text[0]):
        text = text[1:]
    while text and _is_edge(text[-1]):
        text = text[:-1]
    return text


def _is_edge(character: str) -> bool:
    return character in JOINERS or unicodedata.category(character)[0] in "PSZ"
