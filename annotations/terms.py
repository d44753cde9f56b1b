"""What a concept is called before it is a row: its category, its name, its synonyms."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from annotations import Refusal

LONGEST = 200
NOTHING = frozenset({"", "-", "background", "ignore", "unlabeled", "unlabelled", "void"})
"""Names that say that nothing is said."""


@dataclass(frozen=True, order=True)
class Term:
    """Two terms are one if category and name are; in the order in which label maps number them."""

    category: str
    name: str
    synonyms: tuple[str, ...] = field(default=(), compare=False)


def term(category: str, name: object, synonyms: Iterable[object] = ()) -> Term | None:
    """The term of a name as a file has it, or None where the name says that nothing is said.

    >>> term("object", "sign_symbol")
    Term(category='object', name='sign symbol', synonyms=())
    """
    words = tidy(name)
    if len(words) > LONGEST:
        raise Refusal(f"the name '{words[:40]}...' is longer than {LONGEST} characters")
    others = {tidy(each) for each in synonyms} - {words, ""}
    return None if words.casefold() in NOTHING else Term(category, words, tuple(sorted(others)))


def tidy(name: object) -> str:
    """A name in words: no underscores, no semicolons (they separate synonyms), single blanks."""
    text = "".join(each if each.isprintable() else " " for each in str(name))
    return " ".join(text.replace("_", " ").replace(";", ",").split())
