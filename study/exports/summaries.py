"""One row a summary: how far people agree on its name, at each layer of the names."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import Count

from study import names, results
from study.agreement import LAYERS, NameAgreement, name_agreement
from study.exports.choice import Choice
from study.exports.columns import Column, Type
from study.models import Exclusion, Stimulus

NOT_YET = "not computed yet: open the study's results first"
WORDS = {
    "raw": "of the words exactly as typed",
    "mechanical": "of the words in their singulars",
    "merged": "of the merged names",
}


class Told(NamedTuple):
    stimulus: Stimulus
    agreement: NameAgreement
    found: dict[str, Any]
    """Of the study's findings; {} where there are none."""
    made: datetime | None
    """When that was computed."""
    reason: str
    """Why no estimate is told."""
    simulated: bool


def _known(read: Callable[[NameAgreement], object]) -> Callable[[Told], object]:
    """An estimate: empty before a declared look is due."""
    return lambda told: None if told.reason else read(told.agreement)


def _share(id: str, description: str, read: Callable[[NameAgreement], object]) -> Column:
    return Column(id, description, _known(read), Type.NUMBER, "computed", decimals=4)


FIRST: tuple[Column, ...] = (
    Column(
        "stimulus", "key of the summary, as in answers.csv", lambda t: t.stimulus.exhibit, source="design"
    ),
    Column("title", "network, class and rank of the summary", lambda t: t.stimulus.title, source="design"),
    Column("group", "class of the summary", lambda t: t.stimulus.group, source="design"),
    Column(
        "answers",
        "number of answers of any kind; to skip is none",
        lambda t: t.agreement.answers,
        Type.INTEGER,
        "computed",
    ),
    Column(
        "names",
        "number of answers that are names",
        _known(lambda a: a.named),
        Type.INTEGER,
        "computed",
    ),
    Column(
        "modal_name",
        "most frequent normalised name; several that tie are parted by ' | '",
        _known(lambda a: " | ".join(a.modal_names)),
        source="computed",
    ),
    Column(
        "modal_name_tied",
        "yes if several names are most frequent",
        _known(lambda a: a.tied),
        Type.YES_NO,
        "computed",
    ),
    Column(
        "modal_count",
        "answers that gave the modal name (each of them, if tied)",
        _known(lambda a: a.modal_count),
        Type.INTEGER,
        "computed",
    ),
    _share("modal_share", "name agreement: modal_count / answers; empty if undefined", lambda a: a.share),
    Column(
        "modal_share_undefined",
        "why modal_share is empty",
        lambda t: t.reason or t.agreement.reason,
        source="computed",
    ),
    _share(
        "nothing_in_common_share",
        "share of all answers; empty without answers",
        lambda a: a.nothing_in_common,
    ),
    _share("cannot_tell_share", "share of all answers; empty without answers", lambda a: a.cannot_tell),
    Column(
        "distinct_names",
        "number of different normalised names",
        _known(lambda a: a.distinct),
        Type.INTEGER,
        "computed",
    ),
    Column(
        "condition",
        "who sees it; empty if everybody",
        lambda t: str(t.stimulus.condition or ""),
        source="design",
    ),
    Column(
        "stimulus_kind",
        "summary, decoy, gold or repeat",
        lambda t: t.stimulus.kind,
        source="design",
        allowed=tuple(Stimulus.Kind.values),
    ),
    Column(
        "stimulus_position",
        "number of the stimulus in the study, as in the columns of participants.csv",
        lambda t: t.stimulus.position,
        Type.INTEGER,
        "design",
    ),
    Column("simulated", "yes if programs alone took part", lambda t: t.simulated, Type.YES_NO),
    Column(
        "stimulus_stopped",
        "yes if answers to it are no longer collected, as was declared beforehand",
        lambda t: t.stimulus.stopped_at is not None,
        Type.YES_NO,
    ),
    Column("stop_reason", "why it was stopped", lambda t: None if t.reason else t.stimulus.stop_reason),
    Column(
        "answers_saved",
        "how many answers short of the number wanted it was stopped",
        lambda t: t.stimulus.answers_saved,
        Type.INTEGER,
    ),
    Column(
        "estimates_made",
        "when the columns of the three layers were computed (ISO 8601, UTC); answers may have come since",
        lambda t: t.made,
        Type.TIME,
        "computed",
    ),
    Column(
        "estimates_missing",
        "why the columns of the three layers are empty",
        lambda t: t.reason or ("" if t.found else NOT_YET),
        source="computed",
    ),
)


def _layer(layer: str, *path: str | int) -> Callable[[Told], object]:
    """What the findings say at one layer; None where they say nothing."""

    def read(told: Told) -> object:
        value: Any = None if told.reason else told.found.get("layers", {}).get(layer)
        for step in path:
            if value is None:
                return None
            value = value[step]
        return value

    return read


def _of_layer(layer: str) -> Iterator[Column]:
    of = WORDS[layer]

    def number(id: str, description: str, *path: str | int) -> Column:
        told = f"{description}, {of}"
        return Column(f"{layer}_{id}", told, _layer(layer, *path), Type.NUMBER, "computed", decimals=4)

    def modal(told: Told) -> object:
        names = _layer(layer, "modal")(told)
        return None if names is None else " | ".join(names)

    yield Column(f"{layer}_modal_name", f"the most frequent, {of}", modal, source="computed")
    yield number("modal_share", "share of answers that give it", "share", "value")
    for end, place in (("low", 0), ("high", 1)):
        yield number(f"modal_share_{end}", f"{end} end of its 95 % interval", "share", "two_way", place)
    yield number("h", "H statistic in bits", "h")
    yield number("jaccard", "mean word overlap (Jaccard) of two people's names", "jaccard")
    distinct = _layer(layer, "distinct")
    yield Column(f"{layer}_distinct", f"number of different names, {of}", distinct, Type.INTEGER, "computed")
    yield number("unseen", "about how many more names others would give (Chao1)", "unseen")


COLUMNS = FIRST + tuple(column for layer in LAYERS for column in _of_layer(layer))


def rows(choice: Choice) -> Iterator[Told]:
    """By the study's own order. People alone are counted, or programs where nobody else came."""
    study, simulated = choice.study, results.is_simulated(choice.study)
    found, given = _found(choice), _given(choice, simulated)
    made = choice.findings.made_at
    for stimulus in study.stimuli.select_related("condition").order_by("position"):
        own = ((kind, name) for kind, name, count in given.get(stimulus.pk, ()) for _ in range(count))
        agreement = name_agreement(own)
        yield Told(stimulus, agreement, found.get(stimulus.pk, {}), made, choice.masked, simulated)


def _found(choice: Choice) -> dict[int, dict[str, Any]]:
    if choice.findings.content is None:
        return {}
    analysis = choice.findings.content["analyses"]["main" if choice.without_excluded else "all"]
    return {each["id"]: each for each in analysis["stimuli"]}


def _given(choice: Choice, simulated: bool) -> dict[int, list[tuple[str, str, int]]]:
    """By stimulus how often each answer was given: as many rows as there are different words."""
    rows = results.answers(choice.study).filter(trial__participant__simulated=simulated)
    if choice.without_excluded:
        standing = Exclusion.objects.filter(participant__study=choice.study, lifted_at=None)
        rows = rows.exclude(trial__participant__in=standing.values("participant"))
    counted = rows.order_by("trial__stimulus").values_list("trial__stimulus", "kind", "words")
    counted = counted.annotate(count=Count("pk"))
    return {
        stimulus: [(kind, names.form(words), count) for _, kind, words, count in own]
        for stimulus, own in groupby(counted.iterator(), key=lambda row: row[0])
    }
