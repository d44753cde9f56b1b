"""Names and what coders decided about them: the layers, the decisions as rows that are only added."""

from study.naming.coders import Agreement, Coder, agreements, coders, declare_done, is_open, open_comparison
from study.naming.decisions import code, last_row, merge, split, undo
from study.naming.forgetting import forget
from study.naming.layers import Layers, deciding, layers, of_events
from study.naming.vocabulary import Used, Vocabulary, counts, propose, vocabulary

__all__ = [
    "Agreement",
    "Coder",
    "Layers",
    "Used",
    "Vocabulary",
    "agreements",
    "code",
    "coders",
    "counts",
    "deciding",
    "declare_done",
    "forget",
    "is_open",
    "last_row",
    "layers",
    "merge",
    "of_events",
    "open_comparison",
    "propose",
    "split",
    "undo",
    "vocabulary",
]
