"""Names of WordNet synsets, from the table that timm brings along."""

import importlib.util
from collections import Counter
from functools import cache
from pathlib import Path

TABLE = "data/_info/imagenet_synset_to_lemma.txt"


@cache
def names() -> dict[str, str]:
    """Synset -> its first lemma, with underscores; synsets that share a lemma ("crane") are left out."""
    module = importlib.util.find_spec("timm")
    table = Path(module.submodule_search_locations[0]) / TABLE if module else None
    if table is None or not table.is_file():
        return {}
    rows = [line.split("\t", 1) for line in table.read_text(encoding="utf-8").splitlines() if "\t" in line]
    lemmas = {synset: text.split(",")[0].strip().replace(" ", "_") for synset, text in rows}
    uses = Counter(lemmas.values())
    return {synset: lemma for synset, lemma in lemmas.items() if uses[lemma] == 1}
