"""What can be said of a typed name without asking a person: its form, and its words in the singular.

Pure: the standard library, and `simplemma` with its dictionaries. The raw words are kept for ever as they
came; what is derived here can be derived again, and `VERSION` says by what.
"""

import unicodedata
from collections.abc import Callable
from functools import lru_cache

from simplemma import Lemmatizer
from simplemma import __version__ as dictionaries
from simplemma.strategies import DefaultStrategy

VERSION = f"1+simplemma{dictionaries}"[:20]
"""Of the mechanical layer: raised with every change of what `mechanical` gives."""
MOST_WORDS = 3
ARTICLES = ("a", "an", "the")
JOINERS = "\u200c\u200d"
"""Invisible, but they spell words in several scripts."""
APOSTROPHES = str.maketrans("\u2019\u02bc\uff07", "'''")
PLURALS = (
    *(("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", "is"), ("i", "us")),
    *(("ae", "a"), ("a", "um"), ("a", "on"), ("ices", "ix"), ("ices", "ex"), ("oxen", "ox")),
    *(("feet", "foot"), ("teeth", "tooth"), ("geese", "goose"), ("mice", "mouse"), ("lice", "louse")),
    *(("men", "man"), ("children", "child"), ("people", "person"), ("zzes", "z"), ("sses", "ss")),
)
"""How English plurals end, and their singulars."""
NOUNS = {
    **{
        f"{stem}ves": f"{stem}f" for stem in ("lea", "shel", "hal", "cal", "loa", "shea", "thie", "el", "wol")
    },
    **{"lenses": "lens", "lives": "life", "forelegs": "foreleg", "dice": "die"},
}
"""Plurals of which the dictionary gives a verb's base form, or none: parts are nouns."""
PLURAL_ALONE = frozenset(
    ["binoculars", "clothes", "does", "eaves", "glasses", "goes", "goggles", "jeans", "pants", "pliers"]
    + ["scissors", "shorts", "sunglasses", "tights", "trousers", "tweezers"]
)
"""Their singular is another thing, or none: glasses are no glass."""
_STRATEGY = DefaultStrategy(low_memory=True)
"""The English dictionary takes 3 MB this way, and over 100 otherwise."""
_LEMMATIZER = Lemmatizer(lemmatization_strategy=_STRATEGY)


def form(text: str) -> str:
    """The name that two people share who typed it alike but for form; "" where nothing is left.

    Unicode compatibility form (NFKC), case folded, control and formatting characters dropped, runs of white
    space made one space, punctuation cut off at both ends, leading English articles cut off unless nothing
    else stands there. Applying it twice changes nothing.
    """
    return _settled(text, _once)


@lru_cache(maxsize=2**17)
def mechanical(text: str, language: str = "en") -> str:
    """The form with each of its words in the singular, by simplemma's dictionary of the language.

    Parts of things are nouns. So in English a word gives way to its lemma only where the lemma is to it what
    a singular is to its plural ("wings", "feet", "antennae"), or where it is a possessive ("dog's nose",
    "dogs' nose"). A verb's base form or an adjective's noun is another name: "striped" is not "stripe",
    "left" not "leave", "opening" not "open"; `lexicon` proposes such pairs, and a person decides. Words that
    the dictionary does not know stay, and so do those whose singular is another thing ("glasses"). In other
    languages that simplemma knows each word gives way to its lemma; in those that it does not know (Chinese
    has no plural to take away) the form stays. Applying it twice changes nothing.
    """
    one = _singular if language == "en" else _lemma
    return _settled(form(text), lambda name: form(" ".join(one(word, language) for word in name.split())))


def lemmas(name: str, language: str = "en") -> tuple[str, ...]:
    """The base forms of the words, of whatever part of speech: "striped" and "stripe" have the same."""
    return tuple(_lemma(word, language) for word in name.split())


def is_known(name: str, language: str = "en") -> bool:
    """Whether the dictionary has all its words; so where there is no dictionary."""
    try:
        return all(_STRATEGY.is_dictionary_member(word, language) for word in name.split())
    except ValueError:
        return True


def count_words(text: str) -> int:
    """As people count: "sea-horse" is one word, and a leading article is none."""
    return len(form(text).split())


def _settled(text: str, step: Callable[[str], str]) -> str:
    """What a step leaves as it is; of what goes round in a circle the first in alphabetical order."""
    seen = [text]
    while (text := step(text)) not in seen:
        seen.append(text)
    return min(seen[seen.index(text) :])


def _once(text: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    parts = _trim(" ".join(_visible(text).split())).split()
    while len(parts) > 1 and parts[0] in ARTICLES:
        parts = parts[1:]
    return " ".join(parts)


@lru_cache(maxsize=2**16)
def _singular(word: str, language: str) -> str:
    plain = word.translate(APOSTROPHES)
    own = plain.removesuffix("'s").removesuffix("'") or word
    if own in PLURAL_ALONE:
        return own
    lemma = NOUNS.get(own) or _lemma(own, language)
    return lemma if own in NOUNS or _is_plural(own, lemma) else own


def _is_plural(word: str, lemma: str) -> bool:
    return any(
        word.endswith(many) and word.removesuffix(many) + one == lemma and len(lemma) > 1
        for many, one in PLURALS
    )


@lru_cache(maxsize=2**16)
def _lemma(word: str, language: str) -> str:
    try:
        return _LEMMATIZER.lemmatize(word, lang=language)
    except ValueError:  # a language that simplemma does not know
        return word


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
