"""What the figures read of a study's findings."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from study.figures.choices import Choice

ROWS_ON_A_PAGE = 20
MOST_ROWS = 200
"""In one figure, however tall; the others stand on its further pages."""
Row = Mapping[str, Any]


def analysis(content: Row, choice: Choice) -> Row:
    return content["analyses"][choice.analysis]


def summaries(content: Row, choice: Choice) -> list[Row]:
    """The summaries of each condition, in the design's order, by falling agreement; undefined ones last."""
    rows = [row for row in analysis(content, choice)["stimuli"] if row["kind"] == "summary" and is_told(row)]
    order = {name: place for place, name in enumerate(conditions(rows))}
    return sorted(rows, key=lambda row: (order[row["condition"] or ""], *_falling(row, choice.layer)))


def is_told(row: Row) -> bool:
    """What was taken out of the design before anybody answered is not part of the study."""
    return row["answers"] > 0 or not row.get("removed")


def shown(content: Row, choice: Choice) -> list[Row]:
    """Those of the chosen page."""
    rows = summaries(content, choice)
    if choice.page is None:
        return rows[:MOST_ROWS]
    return rows[(choice.page - 1) * ROWS_ON_A_PAGE : choice.page * ROWS_ON_A_PAGE]


def pages(content: Row, choice: Choice) -> int:
    return max(1, -(-len(summaries(content, choice)) // ROWS_ON_A_PAGE))


def conditions(rows: list[Row]) -> list[str]:
    """In the order in which their first stimuli stand in the design; "" where there are none."""
    return list(
        dict.fromkeys(row["condition"] or "" for row in sorted(rows, key=lambda row: row["position"]))
    )


def blocks(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    return [(name, list(own)) for name, own in groupby(rows, key=lambda row: row["condition"] or "")]


def share(row: Row, layer: str) -> float | None:
    return row["layers"][layer]["share"]["value"]


def interval(estimate: Row) -> tuple[float, float] | None:
    """For other people, and other summaries where there are several."""
    found = estimate.get("two_way") or estimate.get("same_people")
    return (found[0], found[1]) if found and None not in found else None


def modal(row: Row, layer: str) -> str:
    return " | ".join(row["layers"][layer]["modal"])


def floor(content: Row, choice: Choice) -> float | None:
    """Name agreement on decoys: what agreement comes of guessing alone. None without decoys."""
    measures = overall(content, choice, "") or {}
    agreement, above = ((measures.get(key) or {}).get("value") for key in ("name_agreement", "above_floor"))
    return None if agreement is None or above is None else max(0.0, agreement - above)


def overall(content: Row, choice: Choice, condition: str) -> Row | None:
    """Measures over all summaries of a condition; of "" over all."""
    found = analysis(content, choice)
    named = (found.get("conditions") or {}).get(condition) or {}
    measures = named.get("layers") if condition else found["overall"]
    return measures.get(choice.layer) if measures else None


def _falling(row: Row, layer: str) -> tuple[bool, float, int]:
    found = share(row, layer)
    return (found is None, -(found or 0), row["position"])
