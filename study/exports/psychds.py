"""The same files laid out as a Psych-DS dataset, with the metadata that its specification asks for.

Source: psych-ds.github.io, schema 1.5.1: data files are named by keywords and values under data/, and the
metadata list each of their columns and no other.
"""

import json
import re
from typing import Any

from study.exports.choice import Choice, name_of
from study.exports.columns import Column
from study.exports.dictionary import Contents
from study.exports.tables import TABLES

SCHEMA = "1.5.1"
IGNORED = "documentation/\nanalysis/\n"


def places(choice: Choice) -> dict[str, str]:
    """Where each table and each file beside them goes."""
    word = re.sub(r"[^a-zA-Z0-9]", "", choice.study.slug)
    tables = {}
    for table in TABLES.values():
        described = name_of(table.name, table.chosen(choice), "").replace("-", "")
        tables[table.name] = f"data/study-{word}_description-{described}_data.csv"
    documents = ("dictionary.csv", "dictionary.md", "schema.json", "manifest.json")
    return (
        tables
        | {name: f"documentation/{name}" for name in documents}
        | {
            "load.py": "analysis/load.py",
            "load.R": "analysis/load.R",
            "README.txt": "README.md",
        }
    )


def told(choice: Choice, contents: Contents) -> dict[str, str]:
    """The metadata: of the whole, of each data file, and what a validator passes over."""
    files = {
        "dataset_description.json": _json(_description(choice, contents)),
        ".psychds-ignore": IGNORED,
    }
    for file, columns in contents.items():
        files[file.removesuffix(".csv") + ".json"] = _json({"variableMeasured": _variables(columns)})
    return files


def _description(choice: Choice, contents: Contents) -> dict[str, Any]:
    study = choice.study
    every = {column.id: column for columns in contents.values() for column in columns}
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": study.title,
        "description": "What participants call the parts that a network uses: answers, participants, "
        "agreement on the name of each summary, and how names were merged.",
        "schemaVersion": f"Psych-DS {SCHEMA}",
        "keywords": ["name agreement", "visual summaries", "interpretability"],
        "variableMeasured": _variables(tuple(every.values())),
    }


def _variables(columns: tuple[Column, ...]) -> list[dict[str, str]]:
    return [
        {"@type": "PropertyValue", "name": column.id, "description": column.description} for column in columns
    ]


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
