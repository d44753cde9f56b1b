"""What is true of bots, and that findings say it: from the words that they use to the intervals."""

import itertools
from collections import Counter
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import truth
from benchmarks.simulated import judging, plans, studies, tags
from study import naming
from study.agreement import NAME, NOTHING_IN_COMMON
from study.agreement.coefficients import krippendorff_alpha
from study.bots import speech, verdicts
from study.bots.population import accepted, expected
from study.bots.speech import Speech, utterances, vocabulary
from study.bots.truth import Belief, Mind, Population, Said, beliefs
from study.findings import measure, table
from study.models import Stimulus, Study
from tests.factories import make_study

MUCH = Speech(synonyms=0.3, forms=0.3, slips=0.1)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_two_meanings_share_an_utterance_and_all_add_up(language):
    owners = Counter()
    for word in vocabulary(language):
        heard = utterances(MUCH, word, language)
        assert sum(each.probability for each in heard) == pytest.approx(1)
        owners.update({each.words for each in heard})
    assert max(owners.values()) == 1


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_mechanical_layer_takes_away_form_and_nothing_else(language):
    """The study's own layer against what bots know of their words."""
    layers = naming.of_events(Study(language=language), "", [])
    names = {}
    for word in vocabulary(language):
        for each in utterances(MUCH, word, language):
            names.setdefault(layers.mechanical(each.words), set()).add(each.formless)
    assert all(len(own) == 1 for own in names.values())
    known = [set(group) for group in names.values()]
    assert len(known) == len(set.union(*known))


def test_words_are_drawn_as_often_as_is_told():
    lot = Random(1)
    drawn = Counter(MUCH.put("beak", "en", lot) for _ in range(20_000))
    for each in utterances(MUCH, "beak", "en"):
        assert drawn[each.words] / 20_000 == pytest.approx(each.probability, abs=0.015)
    assert speech.synonyms("en", Speech(synonyms=0.1))["beak"] == ["beak", "bill"]
    assert speech.PLAIN.put("beak", "en", lot) == "beak"


def test_what_is_expected_is_what_very_many_bots_say():
    """Closed form against drawing: names as typed, without form, and as meant."""
    people, units = 60, 600
    population = Population(modal=(5, 3))
    stimuli = [Stimulus(pk=one, position=one, kind="summary") for one in range(1, units + 1)]
    known = beliefs(stimuli, seed=2, population=population)
    minds = [Mind(one, 2, known, careless=one % 10 == 0, speech=MUCH) for one in range(people)]
    said = [[mind.say(one.pk) for mind in minds] for one in stimuli]
    truth = expected(population, careless=0.1, speech=MUCH)
    heard = {each.words: (word, each) for word in vocabulary("en") for each in utterances(MUCH, word, "en")}
    layers = {
        "raw": lambda words: words,
        "mechanical": lambda words: heard[words][1].formless,
        "merged": lambda words: heard[words][0],
    }
    for layer, name in layers.items():
        number = itertools.count()
        numbers = {}
        codes = [[_code(one, name, numbers, number) for one in row] for row in said]
        assert krippendorff_alpha(codes).value == pytest.approx(truth.alpha[layer], abs=0.02)
    assert np.mean([[one.kind == NOTHING_IN_COMMON for one in row] for row in said]) == pytest.approx(
        truth.nothing, abs=0.01
    )


def _code(said, name, numbers, number):
    if said.kind != NAME:
        return -2 if said.kind == NOTHING_IN_COMMON else -3
    key = name(said.words)
    if key not in numbers:
        numbers[key] = next(number)
    return numbers[key]


def test_without_doubt_everything_is_as_it_must_be():
    sure = Population(modal=(10**9, 1), floor=(10**9, 1), consistency=1.0)
    truth = expected(sure)
    assert (truth.alpha["merged"], truth.percent["raw"]) == pytest.approx((1, 1), abs=1e-8)
    assert (truth.floor, truth.nothing) == pytest.approx((0, 0), abs=1e-8)
    lost = expected(sure, careless=1.0)
    assert lost.alpha["merged"] == pytest.approx(0, abs=1e-8)
    assert (lost.floor, lost.nothing, lost.cannot_tell) == pytest.approx((0.6, 0.2, 0.2))
    gold = Belief((Said(NAME, "beak"), Said(NAME, "wing")), (0.9, 0.1))
    assert accepted(gold, ["beak"]) == pytest.approx(0.9)
    assert accepted(gold, ["beak"], speech=Speech(synonyms=0.2, slips=0.1)) == pytest.approx(0.9 * 0.8 * 0.9)


def test_a_true_name_is_possible_until_the_answers_speak_against_it():
    layers = SimpleNamespace(mechanical=str, merged=str)
    known = {1: Belief((Said(NAME, "wing"), Said(NAME, "beak")), (0.6, 0.4))}

    def told(names):
        most = max(names.values())
        modal = [name for name, count in names.items() if count == most]
        layer = {"modal": modal, "count": most, "names": [list(one) for one in names.items()]}
        return verdicts.modal([{"id": 1, "kind": "summary", "layers": {"merged": layer}}], layers, known)

    assert told({"wing": 5, "beak": 2}) == verdicts.Modal(1, 1, 1)
    assert told({"wing": 3, "beak": 3}) == verdicts.Modal(1, 0.5, 1)
    assert told({"wing": 3, "beak": 5}) == verdicts.Modal(1, 0, 1)
    assert told({"wing": 1, "beak": 15}) == verdicts.Modal(1, 0, 0)


@pytest.mark.django_db
def test_findings_of_simulated_studies_hold_the_truth():
    """Three small studies by the pages' own functions; of the numbers one in twenty may lie outside."""
    told, rows = [], []
    for number in (3, 4, 5):
        plan = plans.draw(number, small=True)
        study = studies.make(plan)
        studies.answer(plan, study)
        row = truth.judge(plan, study.pk)
        assert row["summaries"] == plan.summaries and row["merges"] > 0
        assert row["modal"]["possible"] == row["modal"]["summaries"]
        told += row["verdicts"]["main"]
        rows.append(row | {"number": number, "http": False, "seconds": 1.0})
        assert row == truth.judge(plan, study.pk), "judging again changes nothing"
    assert {one["measure"] for one in told} >= set(truth.DEMANDED)
    assert all(one["low"] is not None for one in told)
    assert sum(one["inside"] for one in told) / len(told) >= 0.93
    found, outside = truth.report(rows), [truth.short(row)["outside"] for row in rows]
    assert (found["studies"], found["modal"]["possible"], found["undefined"]) == (3, 1, 0)
    assert sum(map(len, outside)) == sum(not one["inside"] for one in told)


@pytest.mark.django_db
def test_layers_differ_as_bots_meant_it_and_a_knowing_coder_mends_it():
    plan = plans.draw(8, small=True)
    study = studies.make(plan)
    studies.answer(plan, study)
    truth.merge(plan, study)
    layers = naming.layers(study)
    read = table.read(study, layers=layers)
    count = {layer: len(labels) for layer, labels in read.labels.items()}
    assert count["raw"] > count["mechanical"] > count["merged"]
    meant = {layers.mechanical(word) for word in vocabulary(plan.language)}
    assert set(read.labels["merged"]) <= meant
    assert layers.events
    assert not list(judging.groups(plan, layers, ())), "nothing is merged that nobody typed"


@pytest.mark.django_db
def test_tags_are_set_beside_names_and_never_reach_participants(client):
    plan = plans.draw(6, small=True)
    study = studies.make(plan)
    studies.answer(plan, study)
    truth.merge(plan, study)
    tags.tag(plan, study, studies.believed(plan, study))
    layers = naming.layers(study)
    section = measure.analysis(study, table.read(study, layers=layers), layers)["tags"]
    row = section["taggers"][0]
    assert (row["tagger"], row["summaries"], section["pairs"]) == (tags.NAME, plan.summaries, [])
    assert 0 <= row["hit1"]["value"] <= row["mrr"]["value"] <= row["hit5"]["value"] <= 1
    assert len(section["stimuli"]) == plan.summaries
    confusion = row["confusion"]
    assert confusion["both"] + confusion["human_only"] > 0 and confusion["tag_only"] > 0


@pytest.mark.django_db
def test_a_study_without_tags_or_answers_has_an_empty_section():
    study = make_study(2)
    layers = naming.layers(study)
    section = measure.analysis(study, table.read(study, layers=layers), layers)["tags"]
    assert section == {"taggers": [], "pairs": [], "stimuli": {}}
    plan = plans.draw(6, small=True)
    study = studies.make(plan)
    tags.tag(plan, study, studies.believed(plan, study))
    layers = naming.layers(study)
    row = measure.analysis(study, table.read(study, layers=layers), layers)["tags"]["taggers"][0]
    assert row["hit1"]["value"] is None and row["hit1"]["reason"]
