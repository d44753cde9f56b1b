"""Any text as LaTeX that compiles, in any encoding of fonts: plain ASCII comes out.

Letters with accents are composed; a character that cannot be shown is written out by its number, as
"[U+7FC5]", so that nothing that somebody typed is lost without a trace.
"""

import re
import unicodedata

from study import display

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': r"{\ttfamily\char34}",
    "'": r"{\ttfamily\char39}",
    "`": r"{\ttfamily\char96}",
    "[": "{[}",  # after a line of a table it would begin an option
    "]": "{]}",
    "*": "{*}",
    "-": "{-}",  # two would make a longer one
    ",": "{,}",
    "?": "{?}",
    "!": "{!}",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "−": "$-$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
    "°": r"$^{\circ}$",
    "·": r"$\cdot$",
    "α": r"$\alpha$",
    "κ": r"$\kappa$",
    "\u00a0": "~",
    "ß": r"{\ss}",
    "ø": r"{\o}",
    "Ø": r"{\O}",
    "æ": r"{\ae}",
    "Æ": r"{\AE}",
    "œ": r"{\oe}",
    "Œ": r"{\OE}",
    "ł": r"{\l}",
    "Ł": r"{\L}",
    "ı": r"{\i}",
    "¿": "{?`}",
    "¡": "{!`}",
}
ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}
DOTLESS = {"i": r"\i", "j": r"\j"}
TOGETHER = 16
"""Characters without a space, as of a hash, after which a line may break."""
_SPACES = re.compile("[ \n]+")
_LONG = re.compile(rf"[^\s]{{{TOGETHER + 1},}}")
BREAK = "\x00"


def escaped(words: object) -> str:
    """On one line."""
    shown = _SPACES.sub(" ", display.visible(words)).strip()
    composed = unicodedata.normalize("NFC", _LONG.sub(_breakable, shown))
    return "".join(map(_character, composed))


def _breakable(found: re.Match) -> str:
    word = found.group()
    return BREAK.join(word[start : start + TOGETHER] for start in range(0, len(word), TOGETHER))


def _character(character: str) -> str:
    if character == BREAK:
        return r"\allowbreak{}"
    if character in SPECIAL:
        return SPECIAL[character]
    if " " <= character <= "~":
        return character
    return _accented(character) or f"{{\\ttfamily{{[}}U+{ord(character):04X}{{]}}}}"


def _accented(character: str) -> str:
    letter, accent = (unicodedata.normalize("NFD", character) + "\0\0")[:2]
    simple = len(unicodedata.normalize("NFD", character)) == 2 and letter.isascii() and letter.isalpha()
    if not simple or accent not in ACCENTS:
        return ""
    above = accent != "\u0327"
    return f"\\{ACCENTS[accent]}{{{DOTLESS.get(letter, letter) if above else letter}}}"
