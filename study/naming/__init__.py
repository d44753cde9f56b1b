"""Names and what coders decided about them: the layers, the decisions as rows that are only added."""

from study.naming.coders import Agreement, Coder, agreements, coders, declare_done, is_open, open_comparison
from study.naming.decisions import (
    Intent,
    Weighed,
    code,
    decide,
    hold,
    intend,
    intend_undo,
    last_row,
    merge,
    split,
    undo,
    weigh,
)
from study.naming.forgetting import forget
from study.naming.layers import Layers, decided, deciding, layers, of_events
from study.naming.sheet import Sheet, evidence, sheet
from study.naming.vocabulary import Shown, Used, Vocabulary, counts, pictures, propose, vocabulary

__all__ = [
    "Agreement",
    "Coder",
    "Intent",
    "Sheet",
    "Shown",
    "Layers",
    "Used",
    "Vocabulary",
    "Weighed",
    "agreements",
    "code",
    "coders",
    "counts",
    "decide",
    "deciding",
    "decided",
    "declare_done",
    "evidence",
    "forget",
    "hold",
    "intend",
    "intend_undo",
    "is_open",
    "last_row",
    "layers",
    "merge",
    "of_events",
    "open_comparison",
    "pictures",
    "propose",
    "sheet",
    "split",
    "undo",
    "vocabulary",
    "weigh",
]
