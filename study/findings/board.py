"""The findings as the results page lays them out: rows and cells of words, each with its address."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from study import exclusions, naming
from study.findings import words
from study.findings.answers import spellings
from study.models import Stimulus, Study

AT_ONCE = 60
SORTS = {
    "": ("in the study’s order", None, False),
    "low": ("lowest agreement first", "share", False),
    "high": ("highest agreement first", "share", True),
    "spread": ("widest spread of names first", "h", True),
    "nothing": ("most “nothing in common” first", "nothing", True),
    "slow": ("slowest first", "seconds", True),
}


@dataclass(frozen=True)
class Choice:
    """Which stimuli are listed, and by which analysis and layer."""

    analysis: str = "main"
    layer: str = "merged"
    condition: str = ""
    group: str = ""
    kind: str = ""
    sort: str = ""
    page: int = 1


@dataclass(frozen=True)
class Line:
    """One measure: what it is, and its estimates by analysis and layer, or by condition."""

    measure: words.Measure
    cells: list[words.Told]
    without: list[words.Told] = field(default_factory=list)


@dataclass(frozen=True)
class Check:
    kind: str
    """Of its stimuli."""
    name: str
    what: str
    """Is counted."""
    told: words.Told
    of: str


@dataclass(frozen=True)
class Given:
    """A merged name of one stimulus."""

    name: str
    count: int
    share: float
    address: str
    typed: list[tuple[str, int]]
    """How, and how often so."""


def tell(study: Study, content: Mapping[str, Any], choice: Choice) -> dict[str, Any]:
    """What the results page shows. `content` may be without estimates; then nothing is made of them."""
    found, left_out = content["analyses"][choice.analysis], content["people"]["excluded"]
    rows = _chosen(found["stimuli"], choice)
    start = (choice.page - 1) * AT_ONCE
    return {
        "content": content,
        "choice": choice,
        "analysis": found,
        "sentence": words.sentence(content),
        "excluded": [(exclusions.named(rule), count) for rule, count in left_out.items()],
        "agreement": _agreement(content),
        "conditions": _conditions(study, found, choice),
        "behind": _behind(study, analysis=choice.analysis),
        "layer_name": words.LAYERS[choice.layer],
        "checks": _checks(found),
        "warnings": _warnings(found),
        "listed": _pictured(study, rows[start : start + AT_ONCE], choice),
        "total": len(rows),
        "pages": range(1, -(-len(rows) // AT_ONCE) + 1),
        "groups": sorted({row["group"] for row in found["stimuli"]}),
    }


def tell_one(study: Study, content: Mapping[str, Any], stimulus: Stimulus) -> dict[str, Any]:
    """What the page of one stimulus shows, with and without the people who are excluded."""
    found = {
        name: next((row for row in analysis["stimuli"] if row["id"] == stimulus.pk), None)
        for name, analysis in content["analyses"].items()
    }
    row = found["main"]
    if not row or not row["layers"]:
        return {"content": content, "row": row}
    asked = {"stimulus": stimulus.pk}
    typed = defaultdict(list, spellings(row, naming.layers(study)))
    return {
        "content": content,
        "row": row,
        "lines": [_of_one(study, stimulus, found, layer) for layer in words.LAYERS],
        "names": [
            Given(
                name, count, count / row["answers"], _behind(study, **asked, name=name), typed.get(name, [])
            )
            for name, count in row["layers"]["merged"]["names"]
        ],
        "tags": _tags(content["analyses"]["main"], stimulus),
    }


def _agreement(content: Mapping[str, Any]) -> list[Line]:
    """Every measure at every layer, without the excluded and (where there are some) with them."""
    main, everybody = (content["analyses"][name]["overall"] for name in ("main", "all"))
    differ = bool(content["people"]["excluded"])
    return [
        Line(measure, _cells(main, measure), _cells(everybody, measure) if differ else [])
        for measure in words.MEASURES
        if main
    ]


def _cells(overall: Mapping[str, Any], measure: words.Measure) -> list[words.Told]:
    return [_told(overall[layer], measure) for layer in words.LAYERS]


def _told(measures: Mapping[str, Any], measure: words.Measure) -> words.Told:
    return words.told(measures.get(measure.key), share=measure.share, unit=measure.unit)


def _conditions(study: Study, found: Mapping[str, Any], choice: Choice) -> dict[str, Any] | None:
    """Side by side, where there is something to compare."""
    conditions = found["conditions"]
    if len(conditions) < 2:
        return None
    shown = all(one["layers"] for one in conditions.values())
    lines = [
        Line(measure, [_told(one["layers"][choice.layer], measure) for one in conditions.values()])
        for measure in words.MEASURES
        if shown
    ]
    keys = dict(study.conditions.values_list("name", "pk"))
    counts = [
        (name, one["people"], one["answers"], _behind(study, condition=keys[name], analysis=choice.analysis))
        for name, one in conditions.items()
        if name in keys
    ]
    return {"counts": counts, "lines": lines}


def _checks(found: Mapping[str, Any]) -> list[Check]:
    """The planted checks that the study has and that people answered."""
    floor, same, gold = found["floor"], found["consistency"], found["attention"]
    told = []
    if floor and floor["decoys"]:
        of = f"{words.count(floor['decoys'], 'decoy')}, {words.count(floor['answers'], 'answer')}"
        told.append(
            Check("decoy", "Guess floor", "decoys that were given a name", words.told(floor["named"]), of)
        )
    for layer, estimate in same["same"].items() if same["pairs"] else []:
        what = f"summary and repeat answered alike ({words.LAYERS[layer]})"
        of = words.count(same["pairs"], "pair")
        told.append(Check("repeat", "Self-consistency", what, words.told(estimate), of))
    if gold["gold"]:
        of = f"{words.count(gold['gold'], 'stimulus', 'stimuli')}, {words.count(gold['answers'], 'answer')}"
        what = "gold that was given an accepted name"
        told.append(Check("gold", "Attention", what, words.told(gold["right"]), of))
    return told


def _warnings(found: Mapping[str, Any]) -> list[str]:
    """Each once, in the order in which they come."""
    estimates = [one for layer in found["overall"].values() for one in layer.values()]
    return list(dict.fromkeys(one["warning"] for one in estimates if one["warning"]))


def _chosen(rows: list[dict[str, Any]], choice: Choice) -> list[dict[str, Any]]:
    wanted = {"condition": choice.condition, "group": choice.group, "kind": choice.kind}
    kept = [row for row in rows if all(not value or row[key] == value for key, value in wanted.items())]
    _, key, largest = SORTS[choice.sort]
    if key is None or not all(row["layers"] for row in kept):
        return kept
    known = [row for row in kept if _value(row, key, choice.layer) is not None]
    known.sort(key=lambda row: _value(row, key, choice.layer) or 0, reverse=largest)
    return known + [row for row in kept if _value(row, key, choice.layer) is None]


def _value(row: Mapping[str, Any], key: str, layer: str) -> float | None:
    if key == "seconds":
        return row["seconds"]["median"]
    if key == "nothing":
        return row["nothing"]
    own = row["layers"][layer]
    return own["share"]["value"] if key == "share" else own["h"]


def _pictured(study: Study, rows: list[dict[str, Any]], choice: Choice) -> list[dict[str, Any]]:
    """The rows of a page with their pictures and the addresses behind their numbers."""
    shown = study.stimuli.filter(pk__in=[row["id"] for row in rows])
    pictures = {pk: (keys or [None])[0] for pk, keys in shown.values_list("pk", "pictures")}
    return [row | _of_row(study, row, choice) | {"picture": pictures.get(row["id"])} for row in rows]


def _of_row(study: Study, row: Mapping[str, Any], choice: Choice) -> dict[str, Any]:
    asked = {"stimulus": row["id"], "analysis": choice.analysis, "layer": choice.layer}
    told: dict[str, Any] = {"behind": _behind(study, **asked)}
    if not row["layers"]:
        return told
    own = row["layers"][choice.layer]
    return told | {
        "own": own,
        "share": words.told(own["share"]),
        "behind_modal": [(name, _behind(study, **asked, name=name)) for name in own["modal"]],
        "behind_nothing": _behind(study, **asked, kind="nothing_in_common"),
        "behind_cannot": _behind(study, **asked, kind="cannot_tell"),
    }


def _of_one(study: Study, stimulus: Stimulus, found: Mapping[str, Any], layer: str) -> dict[str, Any]:
    own = {name: row["layers"][layer] for name, row in found.items()}
    asked = {"stimulus": stimulus.pk, "layer": layer}
    return {
        "layer": words.LAYERS[layer],
        "share": {name: words.told(one["share"]) for name, one in own.items()},
        "modal": [(name, _behind(study, **asked, name=name)) for name in own["main"]["modal"]],
        **{key: own["main"][key] for key in ("h", "jaccard", "distinct", "unseen")},
    }


def _tags(found: Mapping[str, Any], stimulus: Stimulus) -> list[tuple[str, list[Any]]]:
    tags = (found.get("tags") or {}).get("stimuli", {})
    return sorted(tags.get(str(stimulus.pk), {}).items())


def _behind(study: Study, **asked: Any) -> str:
    return f"{reverse('study:answers_behind', args=[study.slug])}?{urlencode(asked)}"
