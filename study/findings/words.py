"""Findings in words: what each number is called, and how it is written with its intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TWO_WAY = "to other people and summaries"
SAME_PEOPLE = "to other summaries, same people"


@dataclass(frozen=True)
class Measure:
    key: str
    name: str
    means: str
    share: bool = True
    """Told in percent."""
    unit: str = ""


MEASURES = (
    Measure("name_agreement", "Name agreement", "share giving a summary’s most frequent name, on average"),
    Measure("above_floor", "… above that of decoys", "less the same share for decoys"),
    Measure("alpha", "Krippendorff’s alpha", "agreement beyond chance, each name a category", share=False),
    Measure("alpha_distance", "Alpha by distance", "synonyms 0.1, same code 0.4, else 1 apart", share=False),
    Measure("ac1", "Gwet’s AC1", "less swayed where one name dominates", share=False),
    Measure("percent", "Percent agreement", "share of pairs of people who answer alike"),
    Measure("fleiss", "Fleiss’ kappa", "where every summary has as many answers", share=False),
    Measure("h", "H statistic", "spread of the names, 0 where all are one", share=False, unit="bits"),
    Measure(
        "jaccard", "Mean Jaccard", "words that two people’s names share, of the words in either", share=False
    ),
    Measure("nothing", "Nothing in common", "share of answers"),
    Measure("cannot_tell", "Can’t tell", "share of answers"),
)
"""In the order in which pages and reports tell them."""
BY_KEY = {measure.key: measure for measure in MEASURES}
LAYERS = {"raw": "as typed", "mechanical": "mechanical", "merged": "merged"}
"""What each layer of the names is called."""


@dataclass(frozen=True)
class Told:
    """One estimate, ready to be read."""

    value: str
    reason: str = ""
    two_way: str = ""
    same_people: str = ""
    warning: str = ""


def told(found: Mapping[str, Any] | None, *, share: bool = True, unit: str = "") -> Told:
    """An estimate of a snapshot; undefined is a reason and no number."""
    if not found or found["value"] is None:
        return Told("", (found or {}).get("reason") or "not measured")
    value = number(found["value"], share=share)
    value = f"{value} %" if share else f"{value} {unit}".strip()
    spans = (span(found[name], share=share) for name in ("two_way", "same_people"))
    return Told(value, "", *spans, found["warning"])


def span(ends: list[float] | None, *, share: bool = True) -> str:
    return f"{number(ends[0], share=share)} to {number(ends[1], share=share)}" if ends else ""


def number(value: float, *, share: bool = True) -> str:
    """A share in whole percent, anything else with two decimals; the minus sign is one."""
    text = f"{100 * value:.0f}" if share else f"{value:.2f}"
    if not float(text):
        text = text.lstrip("-")
    return text.replace("-", "−")


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def sentence(content: Mapping[str, Any], layer: str = "merged") -> str:
    """What was found, in one sentence that claims no more than there is."""
    found = content["analyses"]["main"]
    who = "simulated participant" if content["simulated"] else "participant"
    summaries = sum(row["kind"] == "summary" and row["answers"] > 0 for row in found["stimuli"])
    base = f"{count(found['people'], who)} gave {count(found['answers'], 'answer')}"
    if not found["overall"]:
        return f"{base}; the estimate is masked until the next declared look."
    agreement = told(found["overall"][layer]["name_agreement"])
    if agreement.reason:
        return f"{base}; name agreement is not defined: {agreement.reason}."
    interval = f" (95 % interval {TWO_WAY}: {agreement.two_way} %)" if agreement.two_way else ""
    return (
        f"{base}. On average over {count(summaries, 'summary', 'summaries')}, {agreement.value} of those "
        f"who saw one gave its most frequent name{interval}."
    )
