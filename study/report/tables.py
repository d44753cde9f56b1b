"""The tables of a report: plain words in cells."""

from collections.abc import Iterator, Mapping
from math import hypot
from typing import Any

from study.figures import reading
from study.findings import words
from study.findings.words import LAYERS, MEASURES, SAME_PEOPLE, TWO_WAY
from study.report.document import Table
from study.report.facts import Facts
from study.report.phrases import day

Row = Mapping[str, Any]
NONE = "–"
COMPARED = ("name_agreement", "alpha", "h")
BRIEF = ("name_agreement", "alpha", "h", "nothing")


def flow(facts: Facts) -> Table:
    rows = []
    for name, number, left in facts.flow.steps:
        rows.append((name, f"{number:,}"))
        rows += [(f"– {why}", f"{number:,}") for why, number in left]
    note = "Somebody may meet several rules of exclusion. " if facts.flow.excluded else ""
    note += f"Pages that were skipped: {facts.flow.skipped:,}."
    return Table("flow", "Participant flow.", ("Step", "People"), tuple(rows), (0.6, 0.15), note=note)


def overall(facts: Facts) -> Iterator[Table]:
    """At the three layers side by side, without and with those who were excluded; once where nobody was."""
    counts = [(found["people"], found["answers"]) for found in facts.content["analyses"].values()]
    ways = [("main", " without those excluded"), ("all", " with those excluded")]
    for analysis, who in ways if len(set(counts)) > 1 else [("main", ", nobody excluded")]:
        found = facts.content["analyses"][analysis]
        people, answers = (
            words.count(found["people"], "person", "people"),
            words.count(found["answers"], "answer"),
        )
        told = f"Agreement over all summaries{who} ({people}, {answers})."
        rows = tuple(_measure(found["overall"], measure) for measure in MEASURES)
        head = ("Measure", *(name.capitalize() for name in LAYERS.values()))
        note = f"In brackets the 95 % interval {TWO_WAY}; in braces the one {SAME_PEOPLE}."
        yield Table(
            f"overall-{analysis}", told, head, rows, (0.25, 0.23, 0.23, 0.23), note=_noted(note, found)
        )


def conditions(facts: Facts) -> Table | None:
    found = facts.main["conditions"]
    if len(found) < 2:
        return None
    chosen = [measure for measure in MEASURES if measure.key in BRIEF]
    head = ("Condition", "People", "Answers", *(measure.name for measure in chosen))
    rows = tuple(
        (name, f"{own['people']:,}", f"{own['answers']:,}", *_brief(own["layers"]["merged"], chosen))
        for name, own in found.items()
    )
    note = f"Merged names, without those excluded. In brackets the 95 % interval {TWO_WAY}."
    widths = (0.18, 0.07, 0.08, 0.16, 0.18, 0.16, 0.14)
    return Table("conditions", "Agreement by condition.", head, rows, widths, note=note)


def summaries(facts: Facts) -> Table:
    found = [row for row in facts.main["stimuli"] if row["kind"] == "summary" and reading.is_told(row)]
    head = (
        "Summary",
        "Most frequent name",
        "n",
        "Agreement",
        "95 % interval",
        "H",
        "Names",
        "Unseen",
        "None",
    )
    widths = (0.22, 0.17, 0.05, 0.1, 0.12, 0.06, 0.07, 0.08, 0.07)
    note = (
        "Merged names, without those excluded. Interval: Wilson’s, for other people. Names: different ones; "
        "unseen: estimated number of names that nobody has given yet; none: share of “nothing in common” and "
        "“can’t tell” together."
    )
    rows = tuple(_summary(row) for row in found)
    behind = tuple(row["id"] for row in found)
    return Table("summaries", "Each summary.", head, rows, widths, 2, note, behind)


def checks(facts: Facts) -> Table | None:
    found = facts.main
    told = []
    if (floor := found["floor"]) and floor["decoys"]:
        told.append(("Decoys that were given a name", _estimate(floor["named"]), f"{floor['answers']:,}"))
    if (same := found["consistency"]) and same["pairs"]:
        told += [
            (f"Repeats named as before, {LAYERS[layer]}", _estimate(estimate), f"{same['pairs']:,}")
            for layer, estimate in same["same"].items()
        ]
    if (attention := found["attention"]) and attention["gold"]:
        told.append(("Accepted names given", _estimate(attention["right"]), f"{attention['answers']:,}"))
    if not told:
        return None
    head = ("Check", "Share", "Answers")
    note = "Without those excluded. In brackets the 95 % interval, where there is one."
    return Table(
        "checks",
        "Guess floor, self-consistency and attention.",
        head,
        tuple(told),
        (0.5, 0.3, 0.1),
        note=note,
    )


def differences(facts: Facts) -> Table | None:
    """From the first condition, where conditions share neither people nor summaries."""
    first, *others = facts.main["conditions"].items()
    if not others or any(one.condition is None and one.kind == "summary" for one in facts.stimuli):
        return None
    chosen = [measure for measure in MEASURES if measure.key in COMPARED]
    rows = tuple(
        (f"{name} less {first[0]}", *(_difference(own, first[1], measure) for measure in chosen))
        for name, own in others
    )
    head = ("Difference", *(measure.name for measure in chosen))
    note = f"Merged names, without those excluded. In brackets the 95 % interval {TWO_WAY}."
    return Table(
        "differences", "Differences between conditions.", head, rows, (0.34, 0.2, 0.2, 0.2), note=note
    )


def _difference(own: Row, other: Row, measure: words.Measure) -> str:
    """With the interval that the two conditions' own intervals give (Zou and Donner 2008)."""
    ours, theirs = (side["layers"]["merged"][measure.key] for side in (own, other))
    if ours["value"] is None or theirs["value"] is None:
        return NONE
    gap = ours["value"] - theirs["value"]
    value = _whole(words.number(gap, share=measure.share) + (" points" if measure.share else ""))
    if not (ours["two_way"] and theirs["two_way"]):
        return value
    (low, high), (least, most) = ours["two_way"], theirs["two_way"]
    down = hypot(ours["value"] - low, most - theirs["value"])
    up = hypot(high - ours["value"], theirs["value"] - least)
    return f"{value} [{_whole(words.span([gap - down, gap + up], share=measure.share))}]"


def taggers(facts: Facts) -> Iterator[Table]:
    found = facts.main.get("tags") or {}
    if told := found.get("taggers"):
        head = ("Tagger", "Network", "Summaries", "Hit@1", "Hit@5", "Reciprocal rank", "Beyond chance")
        rows = tuple(map(_tagger, told))
        widths = (0.16, 0.14, 0.09, 0.14, 0.14, 0.14, 0.14)
        note = (
            "Merged names, without those excluded. Hit: the modal name is the first tag, or one of the first "
            "five. Beyond chance: Cohen’s kappa of modal name and first tag. In brackets the 95 % interval "
            f"{TWO_WAY}."
        )
        yield Table("tags", "People’s names and automatic tags.", head, rows, widths, 2, note)
    if pairs := found.get("pairs"):
        head = ("Compared", "On", "Difference", "p", "n")
        note = "Mean difference of reciprocal ranks, by Wilcoxon’s signed-rank test."
        rows, widths = tuple(map(_pair, pairs)), (0.36, 0.26, 0.14, 0.1, 0.06)
        yield Table("pairs", "Taggers and networks compared.", head, rows, widths, 2, note)


def _tagger(one: Row) -> tuple[str, ...]:
    hits = [_estimate(one[key]) for key in ("hit1", "hit5")]
    others = [_estimate(one[key], share=False) for key in ("mrr", "modal_agrees")]
    return (f"{one['tagger']} {one['version']}", one["network"], f"{one['summaries']:,}", *hits, *others)


def _pair(one: Row) -> tuple[str, ...]:
    on = f"summaries of {one['network']}" if one["network"] else f"classes, tagged by {one['tagger']}"
    return (f"{one['a']} and {one['b']}", on, *_test(one))


def looks(facts: Facts) -> Table | None:
    """What was seen at each."""
    if not facts.looks:
        return None
    rows = tuple(
        (
            f"{entry.number}" if entry.number else "undeclared",
            f"{entry.at:%Y-%m-%d %H:%M}",
            entry.words,
            entry.reason or NONE,
        )
        for entry in facts.looks
    )
    head = ("Look", "When (UTC)", "What was seen", "Reason")
    return Table("looks", "Looks at the estimate.", head, rows, (0.12, 0.16, 0.42, 0.24), words=4)


def versions(facts: Facts) -> Table | None:
    if not facts.published:
        return None
    rows = tuple(
        (f"{one.number}", day(one.published_at) if one.published_at else NONE, one.sha256, f"{one.people:,}")
        for one in facts.published
    )
    head = ("Version", "Published", "SHA-256 of the design", "Participants")
    return Table("versions", "Versions of the design.", head, rows, (0.09, 0.2, 0.45, 0.14), words=3)


def runs(facts: Facts) -> Table | None:
    if not facts.runs:
        return None
    head = ("Run", "Network", "SHA-256 of the weights", "Image set", "Preset", "Engine", "Seed")
    rows = tuple(
        (
            f"{run.pk}",
            run.network.name,
            run.network.sha256,
            run.image_set.name,
            run.preset,
            run.engine_version,
            f"{run.seed}",
        )
        for run in facts.runs
    )
    widths = (0.05, 0.16, 0.31, 0.16, 0.1, 0.08, 0.06)
    return Table("runs", "Runs behind the stimuli.", head, rows, widths, words=7)


def _measure(overall: Row, measure: words.Measure) -> tuple[str, ...]:
    cells = [_both(overall[layer].get(measure.key), measure) for layer in LAYERS]
    return (_name(measure) + (f" ({measure.unit})" if measure.unit else ""), *cells)


def _name(measure: words.Measure) -> str:
    """A measure that goes on from the one before it is told whole."""
    return measure.name.replace("… ", "Name agreement ")


def _both(found: Row | None, measure: words.Measure) -> str:
    told = words.told(found, share=measure.share)
    spans = [
        f"[{told.two_way}]" if told.two_way else "",
        f"{{{told.same_people}}}" if told.same_people else "",
    ]
    return NONE if told.reason else " ".join(filter(None, [_whole(told.value), *map(_whole, spans)]))


def _whole(words: str) -> str:
    """No line breaks within."""
    return words.replace(" ", "\u00a0")


def _noted(note: str, found: Row) -> str:
    """With the reasons of what is not defined, and the warnings, each once."""
    estimates = [(measure, found["overall"]["merged"].get(measure.key)) for measure in MEASURES]
    undefined = [(measure, one["reason"]) for measure, one in estimates if one and one["value"] is None]
    reasons = [f"{_name(measure)} is not defined: {reason}." for measure, reason in undefined]
    warnings = dict.fromkeys(one["warning"] for _, one in estimates if one and one["warning"])
    return " ".join([note, *reasons, *(_sentence(warning) for warning in warnings)])


def _brief(measures: Row, chosen: list[words.Measure]) -> list[str]:
    return [_estimate(measures[measure.key], share=measure.share) for measure in chosen]


def _estimate(found: Row | None, *, share: bool = True) -> str:
    told = words.told(found, share=share)
    if told.reason:
        return NONE
    span = told.two_way or told.same_people
    return f"{_whole(told.value)} [{_whole(span)}]" if span else _whole(told.value)


def _summary(row: Row) -> tuple[str, ...]:
    found = row["layers"]["merged"]
    told = words.told(found["share"])
    none = None if row["nothing"] is None else row["nothing"] + (row["cannot_tell"] or 0)
    return (
        row["title"]
        + (" (stopped early)" if row["stopped"] else "")
        + (" (taken out of the design)" if row.get("removed") else ""),
        " | ".join(found["modal"]) or told.reason,
        f"{row['answers']:,}",
        told.value or NONE,
        told.two_way or NONE,
        _decimal(found["h"]),
        f"{found['distinct']:,}",
        _decimal(found["unseen"], 1),
        NONE if none is None else f"{words.number(none)} %",
    )


def _test(one: Row) -> tuple[str, str, str]:
    if one["difference"] is None or one["p"] is None:
        return one["reason"], NONE, f"{one['n']}"
    p = "< 0.001" if one["p"] < 0.001 else f"{one['p']:.3f}"
    return _decimal(one["difference"]), p, f"{one['n']}"


def _decimal(value: float | None, places: int = 2) -> str:
    if value is None:
        return NONE
    text = f"{value:.{places}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")
