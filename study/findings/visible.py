"""What may be shown of the findings before a declared look: progress and quality, but no estimate."""

from typing import Any

STOPPED = "stopped as declared"
"""In place of the reason, which tells how far people agree."""


def visible(content: dict[str, Any] | None, state: Any) -> dict[str, Any] | None:
    """The content of a snapshot as it is, or without any estimate where `state` (of the study's looks; None
    for a study that declared none) is masked. What is taken out cannot be got back from what is left."""
    if content is None or not getattr(state, "masked", False):
        return content
    analyses = {name: _without_estimates(analysis) for name, analysis in content["analyses"].items()}
    return content | {"analyses": analyses}


def _without_estimates(analysis: dict[str, Any]) -> dict[str, Any]:
    """Times, counts of answers and the checks on attention tell nothing of what people agree on."""
    conditions = {
        name: {key: found[key] for key in ("people", "answers")} | {"layers": {}}
        for name, found in analysis["conditions"].items()
    }
    hidden = {"layers": {}, "nothing": None, "cannot_tell": None}
    stimuli = [row | hidden | {"stopped": row["stopped"] and STOPPED} for row in analysis["stimuli"]]
    return analysis | {
        "overall": {},
        "conditions": conditions,
        "stimuli": stimuli,
        "floor": None,
        "tags": None,
    }
