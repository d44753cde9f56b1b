"""What a study finds after a crowd took part, beside what is true of that crowd."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from study import naming, results
from study.bots.crowd import Crowd
from study.bots.population import Expected, accepted, expected
from study.bots.verdicts import Modal, Verdict, modal, of_agreement, verdict
from study.findings import measure, table
from study.models import Stimulus
from summaries import exhibits

OTHERS = "Others took part as well, so what the study finds is not these bots' alone, and is not compared."
NOBODY = "Nobody answered, so there is nothing to compare."
NOT_MERGED = "No names are merged yet; what is true of merged names is so once all synonyms are."


@dataclass(frozen=True)
class Judgement:
    expected: Expected
    """Of everybody, whoever may be excluded."""
    verdicts: list[Verdict] = field(default_factory=list)
    modal: Modal | None = None
    remarks: list[str] = field(default_factory=list)
    reason: str = ""
    """Why nothing is compared."""


def judge(crowd: Crowd) -> Judgement:
    """By the analysis with everybody, since no rule knows for sure who did not look."""
    language = crowd.version.setting("language")
    truth = expected(crowd.population, careless=crowd.habits.careless, speech=crowd.speech, language=language)
    if not _alone(crowd):
        return Judgement(truth, reason=OTHERS)
    layers = naming.layers(crowd.study)
    read = table.read(crowd.study, layers=layers)
    if not len(read.unit):
        return Judgement(truth, reason=NOBODY)
    found = measure.analysis(crowd.study, read, layers)
    verdicts = [*of_agreement(found, truth), *_of_gold(crowd, found)]
    merging = crowd.speech.synonyms or crowd.speech.slips
    remarks = [*_of_tags(crowd, layers, found), *([NOT_MERGED] if merging and not layers.events else [])]
    return Judgement(truth, verdicts, modal(found["stimuli"], layers, crowd.beliefs), remarks)


def as_plain(judgement: Judgement) -> dict[str, Any]:
    """For a file."""
    return {
        "expected": asdict(judgement.expected),
        "findings": [asdict(one) | {"inside": one.inside} for one in judgement.verdicts],
        "modal_names": asdict(judgement.modal) if judgement.modal else None,
        "remarks": judgement.remarks,
    }


def _alone(crowd: Crowd) -> bool:
    came = crowd.study.participants.filter(preview=False).values_list("token", flat=True)
    return results.is_simulated(crowd.study) and set(came) <= {bot.browser.token for bot in crowd.bots}


def _of_gold(crowd: Crowd, found: dict[str, Any]) -> Iterator[Verdict]:
    """By what is believed of the very items that the study has."""
    gold = [one for one in crowd.version.stimuli.filter(kind=Stimulus.Kind.GOLD) if one.accepted]
    if gold and found["attention"]["gold"]:
        shares = [
            accepted(
                crowd.beliefs[one.pk],
                {word.casefold() for word in one.accepted},
                careless=crowd.habits.careless,
                speech=crowd.speech,
                language=crowd.version.setting("language"),
            )
            for one in gold
        ]
        yield verdict("attention", sum(shares) / len(shares), found["attention"]["right"])


def _of_tags(crowd: Crowd, layers: naming.Layers, found: dict[str, Any]) -> Iterator[str]:
    """How often the true modal names are among the tags, and how often the found ones are."""
    for row in found["tags"]["taggers"]:
        places = list(_places(crowd, layers, row))
        for key, most in (("hit1", 1), ("hit5", 5)):
            true = sum(place <= most for place in places) / len(places)
            if (value := row[key]["value"]) is not None:
                yield (
                    f"hit@{most} of {row['tagger']} on {row['network']}: {value:.0%} of the modal names "
                    f"found, {true:.0%} of the true ones"
                )


def _places(crowd: Crowd, layers: naming.Layers, row: dict[str, Any]) -> Iterator[float]:
    """Of each tagged summary the rank of its true modal name."""
    shown = list(crowd.version.stimuli.filter(kind=Stimulus.Kind.SUMMARY))
    tags = exhibits.tags_of(one.exhibit for one in shown)
    for one in shown:
        for each in tags[one.exhibit]:
            if (each.tagger, each.version, each.network) == (row["tagger"], row["version"], row["network"]):
                true = layers.merged(layers.mechanical(crowd.beliefs[one.pk].modal))
                said = [
                    {layers.merged(layers.mechanical(word)) for word in tag.split(",")}
                    for tag, _ in each.tags
                ]
                yield next((place for place, names in enumerate(said, 1) if true in names), float("inf"))
