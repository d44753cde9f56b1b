"""What stands below each figure, and the same for those who do not see it."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from study.figures import reading, words
from study.figures.choices import Choice

LAYERS = {"raw": "names as typed", "mechanical": "names alike but for their form", "merged": "merged names"}
CAPTIONS = {
    "forest": "Name agreement of each summary: the share of all answers that gave its most frequent name "
    "({layer}). Whiskers are 95 % intervals for other people of the same kind, by Wilson’s method. Diamonds "
    "are means over summaries with 95 % intervals for other people and other summaries, by a two-way "
    "jackknife.{floor}",
    "names": "Answers to each summary: the most frequent name, other names, “nothing in common” and “can’t "
    "tell”, as shares of all answers ({layer}).",
    "layers": "Agreement over all summaries for names as typed, after mechanical normalisation, and after "
    "merging by a coder. Whiskers are 95 % intervals for other people and other summaries, by a two-way "
    "jackknife. Thin lines are single summaries.",
    "confusion": "Most frequent name of each summary ({layer}) against its first automatic tag; numbers are "
    "counts of summaries.",
    "times": "Seconds on a page, by the browser’s clock: median with quartiles.",
    "flow": "Participants from arrival to analysis.",
}


def caption(name: str, content: Mapping[str, Any], choice: Choice | None = None) -> str:
    chosen = choice or Choice()
    told = CAPTIONS[name].format(layer=LAYERS[chosen.layer], floor=_floor(content, chosen))
    aside = " Participants who were excluded are counted too." if chosen.analysis == "all" else ""
    bots = " Simulated: all answers are of bots." if content.get("simulated") else ""
    return told + aside + bots


def footnote(name: str, content: Mapping[str, Any], choice: Choice) -> str:
    """What must be known of a figure that stands alone, without its caption."""
    if choice.masked:
        return ""
    told = [LAYERS[choice.layer]] if "{layer}" in CAPTIONS[name] else []
    told += ["with those excluded"] if choice.analysis == "all" and name != "flow" else []
    return " · ".join([*told, "simulated: bots, not people"] if content.get("simulated") else told)


def alternative_text(name: str, content: Mapping[str, Any], choice: Choice | None = None) -> str:
    """In one or two sentences what the figure shows; its numbers stand in the tables beside it."""
    chosen = choice or Choice()
    if chosen.masked:
        return chosen.masked
    return f"{caption(name, content, chosen)}{_told(name, content, chosen)}"


def _floor(content: Mapping[str, Any], choice: Choice) -> str:
    floor = reading.floor(content, choice)
    if floor is None:
        return ""
    return f" The dotted line is the same share for decoys, {words.percent(floor)}."


def _told(name: str, content: Mapping[str, Any], choice: Choice) -> str:
    if name not in ("forest", "names"):
        return ""
    rows = reading.shown(content, choice)
    shares = [found for row in rows if (found := reading.share(row, choice.layer)) is not None]
    if not shares:
        return " No summary has a name yet."
    least, middle, most = (words.percent(found) for found in (min(shares), median(shares), max(shares)))
    return f" {len(rows)} summaries, from {least} to {most}, half of them at {middle} or more."
