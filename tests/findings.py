"""Findings of a made-up study, in the form in which a snapshot holds them."""

from random import Random
from typing import Any

LAYERS = ("raw", "mechanical", "merged")
NAMES = ("beak", "wing", "tail", "eye", "paw", "ear", "fin", "wheel")


def estimate(value: float | None, half: float = 0.08, reason: str = "") -> dict[str, Any]:
    around = None if value is None else [round(value - half, 4), round(value + half, 4)]
    narrow = None if value is None else [round(value - half / 2, 4), round(value + half / 2, 4)]
    return {"value": value, "reason": reason, "two_way": around, "same_people": narrow, "warning": ""}


def make_content(
    summaries: int = 6,
    conditions: tuple[str, ...] = ("mobilenet_v2", "baseline"),
    *,
    decoys: int = 2,
    name: str | None = None,
    tags: bool = True,
    simulated: bool = False,
) -> dict[str, Any]:
    """So many summaries of each condition; `name` stands in place of the first summary's modal name."""
    random = Random(3)
    stimuli = []
    for condition in conditions:
        for _ in range(summaries):
            stimuli.append(make_stimulus(len(stimuli) + 1, condition, random))
    for _ in range(decoys):
        stimuli.append(make_stimulus(len(stimuli) + 1, conditions[0], random) | {"kind": "decoy"})
    if name is not None and stimuli:
        for layer in LAYERS:
            stimuli[0]["layers"][layer]["modal"] = [name]
    analysis = make_analysis(stimuli, conditions, tags)
    people = {
        "arrived": 61,
        "consented": 55,
        "completed": 50,
        "analysed": 48,
        "excluded": {"least_seconds": 1, "decoys_named": 2},
        "outcomes": {"completed": 50, "no_consent": 3},
    }
    return {
        "version": 1,
        "software": "0.1.0",
        "stamp": "0" * 64,
        "layers": {"mechanical_version": "2", "coder": "ada", "events": 7},
        "simulated": simulated,
        "people": people,
        "analyses": {"main": analysis, "all": analysis},
    }


def make_stimulus(position: int, condition: str, random: Random) -> dict[str, Any]:
    answers = random.randint(16, 24)
    count = random.randint(2, answers - 4)
    modal = random.choice(NAMES)
    layers = {}
    for step, layer in enumerate(LAYERS):
        given = max(1, count - 3 + 2 * step)
        layers[layer] = {
            "modal": [modal],
            "count": given,
            "share": estimate(given / answers, 0.15),
            "h": 1.2,
            "jaccard": 0.5,
            "distinct": 6 - step,
            "unseen": 2.0,
            "names": [[modal, given], ["thing", 2]],
        }
    return {
        "id": position,
        "position": position,
        "kind": "summary",
        "condition": condition,
        "group": "heron",
        "title": f"{condition}: heron, summary {position}",
        "exhibit": f"visual/1/heron/{position}",
        "answers": answers,
        "stopped": "",
        "saved": 0,
        "layers": layers,
        "nothing": 1 / answers,
        "cannot_tell": 1 / answers,
        "seconds": {"median": 4.0 + position % 5, "quartiles": [3.0, 7.0 + position % 5], "n": answers},
    }


def make_measures(base: float) -> dict[str, Any]:
    values = {
        "alpha": base,
        "alpha_distance": base + 0.05,
        "ac1": base + 0.1,
        "percent": base + 0.12,
        "name_agreement": base + 0.15,
        "h": 1.4,
        "jaccard": base,
        "nothing": 0.05,
        "cannot_tell": 0.04,
        "above_floor": base,
    }
    undefined = estimate(None, reason="not everybody answered every summary")
    return {name: estimate(value) for name, value in values.items()} | {"fleiss": undefined}


def make_analysis(stimuli: list[dict[str, Any]], conditions: tuple[str, ...], tags: bool) -> dict[str, Any]:
    overall = {layer: make_measures(0.3 + 0.1 * step) for step, layer in enumerate(LAYERS)}
    tagged = {
        str(row["id"]): {"segments": [[row["layers"]["merged"]["modal"][0], 0.8]]} for row in stimuli[::2]
    }
    return {
        "people": 48,
        "answers": sum(row["answers"] for row in stimuli),
        "overall": overall,
        "conditions": {name: {"people": 24, "answers": 400, "layers": overall} for name in conditions},
        "stimuli": stimuli,
        "floor": {"decoys": 2, "answers": 40, "named": estimate(0.22)},
        "consistency": {"pairs": 30, "same": {layer: estimate(0.8) for layer in LAYERS}},
        "attention": {"gold": 0, "answers": 0, "right": estimate(None, reason="the study has no gold")},
        "tags": make_tags(tagged) if tags else {"taggers": [], "pairs": [], "stimuli": {}},
    }


def make_tags(tagged: dict[str, Any]) -> dict[str, Any]:
    tagger = {"tagger": "segments", "version": "1", "network": "mobilenet_v2", "summaries": len(tagged)}
    scores = {name: estimate(0.5) for name in ("hit1", "hit5", "mrr", "modal_agrees")}
    counts = {"both": 3, "human_only": 2, "tag_only": 1, "neither": 0}
    pair = {
        "a": "segments",
        "b": "clip",
        "by": "summary",
        "tagger": "",
        "network": "mobilenet_v2",
        "difference": -0.25,
        "p": 0.0312,
        "n": 6,
        "effect": -0.5,
        "reason": "",
    }
    undefined = pair | {"b": "texture", "difference": None, "p": None, "n": 0, "reason": "nothing in common"}
    return {
        "taggers": [tagger | scores | {"confusion": counts}],
        "pairs": [pair, undefined],
        "stimuli": tagged,
    }
