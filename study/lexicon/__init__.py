"""What is made of a study's names: groups and codes as coders decided, proposals, coders' agreement. Pure."""

from study.lexicon.coders import Comparison, compare
from study.lexicon.proposals import Entry, Evidence, Proposal, propose
from study.lexicon.replay import (
    CODE,
    DECISIONS,
    FORGOTTEN,
    MERGE,
    SPLIT,
    UNDO,
    Decision,
    Lexicon,
    replay,
    standing,
)
from study.lexicon.spelling import apart

__all__ = [
    "CODE",
    "DECISIONS",
    "FORGOTTEN",
    "MERGE",
    "SPLIT",
    "UNDO",
    "Comparison",
    "Decision",
    "Entry",
    "Evidence",
    "Lexicon",
    "Proposal",
    "apart",
    "compare",
    "propose",
    "replay",
    "standing",
]
