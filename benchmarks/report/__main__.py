"""Writes docs/benchmarks.md: the discussion beside this file, with tables of the latest full results in it.

    python -m benchmarks.report

A line `{{name}}` of the discussion stands for a table; a result that is not there is said to be missing. Of a
benchmark whose full form was never run the short one's result is taken, and the page says so.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.contest import curve
from benchmarks.report import figures

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
DISCUSSION = Path(__file__).with_name("discussion.md")
TARGET = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    full, short = (read_lines(RESULTS / f"{form}.jsonl") for form in ("full", "quick"))
    contest = read(RESULTS / "parts.json")
    photographs = read(RESULTS / "photographs.json")
    makers: dict[str, Callable[[], str]] = {
        **{
            name: (lambda row=row: f"*The short form.*\n\n{figures.plain(row)}")
            for name, row in short.items()
        },
        **{name: (lambda row=row: figures.plain(row)) for name, row in full.items()},
        "contest": lambda: figures.contest(contest["rows"]),
        "differences": lambda: figures.differences(contest["rows"]),
        "builds": lambda: figures.builds(contest["rows"]),
        "photographs": lambda: figures.photographs(photographs),
        "saliency": lambda: figures.saliency((short | full)["masks"]),
        "coverage": lambda: figures.coverage(full["coverage"]),
        "truth": lambda: figures.truth(read(RESULTS / "truth.json")),
        "looks": lambda: figures.looks((short | full)["looks"]),
    }
    text = re.sub(
        r"^\{\{(\w+)\}\}$", lambda found: fill(found[1], makers), DISCUSSION.read_text(), flags=re.M
    )
    TARGET.write_text(text)
    if contest and contest["rows"]:
        curve.draw(contest["rows"], TARGET.with_name("parts-passes.png"))
    sys.stdout.write(f"Written to {TARGET.relative_to(ROOT)}\n")


def fill(name: str, makers: dict[str, Callable[[], str]]) -> str:
    try:
        return makers[name]()
    except (KeyError, TypeError):
        return f"*No full result of `{name}` is kept yet.*"


def read(path: Path) -> dict | None:
    return json.loads(path.read_text()) if path.exists() else None


def read_lines(path: Path) -> dict[str, dict]:
    if not path.exists():
        return {}
    return {name: row for line in path.read_text().splitlines() for name, row in json.loads(line).items()}


if __name__ == "__main__":
    main()
