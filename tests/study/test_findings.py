"""Findings against an obvious count of every answer, and small studies worked out by hand."""

from collections import Counter, defaultdict
from itertools import combinations
from math import log2
from random import Random

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from study import exclusions, naming, rights, sessions, tasks
from study.agreement import LAYERS
from study.agreement.codes import CANNOT, MISSING, NOTHING
from study.agreement.intervals import intervals
from study.findings import measure, snapshot, table
from study.findings.estimates import Estimates
from study.models import Answer, Exclusion, NameEvent, Participant, Snapshot, Stimulus, Study, Trial
from tests.factories import give_answers, make_design, make_participant, make_study

pytestmark = pytest.mark.django_db

TYPED = ["Wing", "wing", "wings", "the beak", "beak", "bill", "red tail", "tail"]
OTHER = {"nothing_in_common": NOTHING, "cannot_tell": CANNOT}


def make_answers(study: Study, people: int = 14, seed: int = 1) -> None:
    """Of people who saw their condition and the checks: all kinds of answers, revisions, gaps, exclusions.
    A preview, a bot and somebody who never consented answer too."""
    lot = Random(seed)
    conditions = list(study.conditions.order_by("position"))
    for number in range(people + 3):
        person = _person(study, number, conditions[number % 2], odd=number - people)
        shown = study.stimuli.filter(condition__in=[None, person.condition]) | study.stimuli.filter(
            condition=None
        )
        for position, stimulus in enumerate(shown.distinct().order_by("position"), 1):
            trial = Trial.objects.create(participant=person, stimulus=stimulus, position=position)
            for revision in range(1, lot.choice([0, 1, 1, 1, 1, 2]) + 1):
                _answer(trial, revision, lot)
        if number in (3, 4):
            Exclusion.objects.create(participant=person, rule="least_seconds", reason="Too fast.")
        if number == 5:
            Exclusion.objects.create(participant=person, rule="by hand", reason="?", lifted_at=timezone.now())


def _person(study: Study, number: int, condition, odd: int) -> Participant:
    consented = {} if odd == 0 else {"consented_at": timezone.now(), "consent_sha256": "0" * 64}
    return Participant.objects.create(
        study=study,
        version=study.versions.first(),
        condition=condition,
        number=number + 1,
        preview=odd == 1,
        simulated=odd == 2,
        **consented,
    )


def _answer(trial: Trial, revision: int, lot: Random) -> None:
    kind = lot.choice(["name"] * 8 + ["nothing_in_common", "cannot_tell", "skipped"])
    words = (
        TYPED[(trial.stimulus.position + int(lot.paretovariate(1.2))) % len(TYPED)] if kind == "name" else ""
    )
    seconds = lot.choice([None, lot.uniform(1, 20)])
    told = {"kind": kind, "words": words, "seconds": seconds, "software_version": "1"}
    Answer.objects.create(trial=trial, revision=revision, **told)


def make_checked_study() -> Study:
    """Two conditions of four summaries; two more are decoys, one gold and one a repeat, for everybody."""
    study = make_design(conditions=2, summaries=6)
    first = list(study.conditions.order_by("position").first().stimuli.order_by("position"))
    for stimulus in first[:2]:
        stimulus.kind, stimulus.condition = Stimulus.Kind.DECOY, None
    first[2].kind, first[2].condition, first[2].accepted = Stimulus.Kind.GOLD, None, ["beak", "A Bill"]
    first[3].kind, first[3].source = Stimulus.Kind.REPEAT, first[4]
    Stimulus.objects.bulk_update(first, ["kind", "condition", "accepted", "source"])
    return study


def merge(study: Study, *names: str, into: str, coder: str = "ada") -> None:
    NameEvent.objects.create(
        study=study,
        coder=coder,
        kind="merge",
        names=names,
        into=into,
        answers=1,
        blind=True,
        layer_version="1",
    )


def counted(study: Study, layer: str, everybody: bool) -> dict:
    """The obvious way: every answer looked at, the last of each trial kept, in plain dictionaries."""
    last = {}
    for answer in Answer.objects.order_by("trial", "revision").select_related("trial__participant"):
        last[answer.trial_id] = answer
    layers = naming.layers(study)
    steps = {"raw": [], "mechanical": [layers.mechanical], "merged": [layers.mechanical, layers.merged]}
    given = defaultdict(dict)
    for answer in last.values():
        person = answer.trial.participant
        if person.preview or person.simulated or person.consented_at is None or answer.kind == "skipped":
            continue
        if not everybody and person.exclusions.filter(lifted_at=None).exists():
            continue
        name = answer.words
        for step in steps[layer]:
            name = step(name)
        given[answer.trial.stimulus_id][person.pk] = name if answer.kind == "name" else OTHER[answer.kind]
    return given


def matrix(given: dict, stimuli: list[int]) -> tuple[np.ndarray, list[str]]:
    """As `study.agreement` takes it."""
    people = sorted({person for stimulus in stimuli for person in given[stimulus]})
    names = sorted(
        {each for stimulus in stimuli for each in given[stimulus].values() if isinstance(each, str)}
    )
    codes = np.full((len(stimuli), len(people)), MISSING)
    for row, stimulus in enumerate(stimuli):
        for person, each in given[stimulus].items():
            codes[row, people.index(person)] = names.index(each) if isinstance(each, str) else each
    return codes, names


def of_kind(study: Study, kind: str) -> list[int]:
    return list(study.stimuli.filter(kind=kind).order_by("position").values_list("pk", flat=True))


@pytest.fixture
def study() -> Study:
    study = make_checked_study()
    make_answers(study)
    merge(study, "bill", into="beak")
    return study


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("analysis", ["main", "all"])
def test_what_is_told_of_each_stimulus_equals_an_obvious_count(study, layer, analysis):
    found = snapshot.renew(study).content["analyses"][analysis]
    given = counted(study, layer, analysis == "all")
    assert found["answers"] == sum(map(len, given.values()))
    assert found["people"] == len({person for own in given.values() for person in own})
    assert [row["id"] for row in found["stimuli"]] == list(study.stimuli.values_list("pk", flat=True))
    for row in found["stimuli"]:
        own = list(given[row["id"]].values())
        names = Counter(each for each in own if isinstance(each, str))
        told = row["layers"][layer]
        assert row["answers"] == len(own) and dict(map(tuple, told["names"])) == names
        assert row["nothing"] == pytest.approx(own.count(NOTHING) / len(own))
        assert row["cannot_tell"] == pytest.approx(own.count(CANNOT) / len(own))
        most = max(names.values())
        assert told["modal"] == sorted(name for name in names if names[name] == most)
        assert told["share"]["value"] == pytest.approx(most / len(own))
        low, high = told["share"]["two_way"]
        assert 0 <= low < told["share"]["value"] < high <= 1
        total = names.total()
        assert told["h"] == pytest.approx(-sum(n / total * log2(n / total) for n in names.values()))
        pairs = [
            len(set(a.split()) & set(b.split())) / len(set(a.split()) | set(b.split()))
            for a, b in combinations(names.elements(), 2)
        ]
        assert told["jaccard"] == pytest.approx(sum(pairs) / len(pairs))
        assert told["distinct"] == len(names)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("analysis", ["main", "all"])
def test_agreement_over_summaries_equals_an_obvious_count(study, layer, analysis):
    found = snapshot.renew(study).content["analyses"][analysis]["overall"][layer]
    given, stimuli = counted(study, layer, analysis == "all"), of_kind(study, "summary")
    codes, _ = matrix(given, stimuli)
    for name in ("alpha", "ac1", "percent", "name_agreement", "h", "nothing", "cannot_tell"):
        wanted = intervals(name, codes)
        assert found[name]["value"] == pytest.approx(wanted.estimate.value, abs=1e-12), name
        assert found[name]["two_way"] == pytest.approx([wanted.two_way.low, wanted.two_way.high]), name
        assert found[name]["same_people"] == pytest.approx(
            [wanted.same_people.low, wanted.same_people.high]
        ), name
    assert found["fleiss"]["value"] is None and "same number of answers" in found["fleiss"]["reason"]
    named = [
        max(Counter(each for each in given[one].values() if isinstance(each, str)).values()) / len(given[one])
        for one in of_kind(study, "decoy")
    ]
    wanted = found["name_agreement"]["value"] - sum(named) / len(named)
    assert found["above_floor"]["value"] == pytest.approx(wanted)
    low, high = found["above_floor"]["two_way"]
    assert low < wanted < high


def test_each_condition_stands_on_the_answers_of_its_own_people(study):
    found = snapshot.renew(study).content["analyses"]["main"]
    given = counted(study, "merged", False)
    assert list(found["conditions"]) == [str(one) for one in study.conditions.order_by("position")]
    for condition in study.conditions.all():
        own = set(condition.participants.values_list("pk", flat=True))
        theirs = {one: {key: each for key, each in told.items() if key in own} for one, told in given.items()}
        told = found["conditions"][condition.name]
        assert told["answers"] == sum(map(len, theirs.values()))
        assert told["people"] == len({key for one in theirs.values() for key in one})
        stimuli = list(condition.stimuli.filter(kind="summary").values_list("pk", flat=True))
        codes, _ = matrix(theirs, stimuli)
        wanted = intervals("alpha", codes).estimate.value
        assert told["layers"]["merged"]["alpha"]["value"] == pytest.approx(wanted)


def test_checks_equal_an_obvious_count(study):
    found = snapshot.renew(study).content["analyses"]["main"]
    raw = counted(study, "raw", False)
    decoys = [each for one in of_kind(study, "decoy") for each in raw[one].values()]
    assert (found["floor"]["decoys"], found["floor"]["answers"]) == (2, len(decoys))
    assert found["floor"]["named"]["value"] == pytest.approx(
        sum(isinstance(each, str) for each in decoys) / len(decoys)
    )
    gold = [
        each for one in of_kind(study, "gold") for each in counted(study, "mechanical", False)[one].values()
    ]
    assert (found["attention"]["gold"], found["attention"]["answers"]) == (1, len(gold))
    assert found["attention"]["right"]["value"] == pytest.approx(
        sum(each in ("beak", "bill") for each in gold) / len(gold)
    )
    repeat = study.stimuli.get(kind="repeat")
    for layer in LAYERS:
        given = counted(study, layer, False)
        first, again = given[repeat.source_id], given[repeat.pk]
        both = [first[person] == again[person] for person in first.keys() & again.keys()]
        assert found["consistency"]["pairs"] == len(both)
        assert found["consistency"]["same"][layer]["value"] == pytest.approx(sum(both) / len(both))


def test_three_people_and_two_summaries_by_hand():
    """Wing, wings, beak and tail, tail, nothing: merging makes beak a wing."""
    study = make_study(2)
    for answers in (["wing", "tail"], ["wings", "tail"], ["beak", "nothing_in_common"]):
        person = make_participant(study)
        give_answers(person, *_in_order_of(person, answers))
    merge(study, "beak", into="wing")
    found = snapshot.renew(study).content["analyses"]["main"]
    first, second = (row["layers"] for row in found["stimuli"])
    assert [first[layer]["share"]["value"] for layer in LAYERS] == pytest.approx([1 / 3, 2 / 3, 1])
    assert first["raw"]["modal"] == ["beak", "wing", "wings"] and first["merged"]["names"] == [["wing", 3]]
    assert second["merged"]["share"]["value"] == pytest.approx(2 / 3) and second["merged"]["h"] == 0
    assert found["stimuli"][1]["nothing"] == pytest.approx(1 / 3)
    overall = {layer: found["overall"][layer] for layer in LAYERS}
    assert [overall[layer]["name_agreement"]["value"] for layer in LAYERS] == pytest.approx(
        [0.5, 2 / 3, 5 / 6]
    )
    assert [overall[layer]["percent"]["value"] for layer in LAYERS] == pytest.approx([1 / 6, 1 / 3, 2 / 3])
    # Of six answers three are wing, two tail, one nothing: alpha = 1 - (6 - 1) 4 / ((3 - 1) 2 (6 + 3 + 2)).
    assert overall["merged"]["alpha"]["value"] == pytest.approx(1 - 5 * 4 / (2 * 22))
    assert overall["merged"]["fleiss"]["value"] == pytest.approx((2 / 3 - 14 / 36) / (1 - 14 / 36))
    assert "10" in overall["merged"]["name_agreement"]["warning"]
    assert overall["merged"]["above_floor"]["reason"] and found["floor"]["named"]["reason"]


def _in_order_of(person: Participant, answers: list[str]) -> list[str]:
    """People see summaries in orders of their own."""
    shown = person.trials.order_by("position").values_list("stimulus__position", flat=True)
    places = sorted(shown)
    return [answers[places.index(place)] for place in shown]


def test_of_a_changed_answer_the_last_revision_counts_and_a_skipped_page_is_none():
    study = make_study(1, revisable=True)
    first, second = make_participant(study), make_participant(study)
    for words in ("wing", "beak"):
        sessions.answer(first, first.trials.get().key, kind="name", words=words)
    give_answers(second, "skipped")
    (row,) = snapshot.renew(study).content["analyses"]["main"]["stimuli"]
    assert (row["answers"], row["layers"]["raw"]["names"]) == (1, [["beak", 1]])


def test_where_nobody_gave_a_name_there_is_no_share():
    study = make_study(1)
    give_answers(make_participant(study), "nothing_in_common")
    (row,) = snapshot.renew(study).content["analyses"]["main"]["stimuli"]
    assert (row["layers"]["merged"]["share"]["reason"], row["nothing"]) == ("nobody gave a name", 1.0)


def test_a_study_without_answers_tells_reasons_and_no_number():
    found = snapshot.renew(make_study(2)).content["analyses"]["main"]
    for layer in LAYERS:
        for estimate in found["overall"][layer].values():
            assert estimate["value"] is None and estimate["reason"]
    assert all(row["layers"]["raw"]["share"]["value"] is None for row in found["stimuli"])
    assert "NaN" not in str(found) and "nan" not in str(found)


def test_bots_count_only_where_nobody_else_came():
    study = make_study(2)
    give_answers(make_participant(study, simulated=True), "wing", "wing")
    alone = snapshot.renew(study).content
    give_answers(make_participant(study), "tail")
    beside = snapshot.renew(study).content
    assert alone["simulated"] and alone["analyses"]["main"]["answers"] == 2
    assert not beside["simulated"] and beside["analyses"]["all"]["answers"] == 1


def test_people_are_counted_by_how_far_they_came_and_by_what_excludes_them(study):
    told = snapshot.renew(study).content["people"]
    assert told["arrived"] == 15 and told["consented"] == 14 and told["completed"] == 0
    assert told["excluded"] == {"least_seconds": 2} and told["analysed"] == 12


def _changes() -> dict:
    return {
        "an answer": lambda study: give_answers(study.participants.first(), "beak"),
        "somebody who arrives": make_participant,
        "an exclusion": lambda study: exclusions.exclude(study.participants.first(), "?", None),
        "a merge": lambda study: merge(study, "tail", into="beak"),
        "the coder who counts": lambda study: Study.objects.filter(pk=study.pk).update(coder="keeper"),
        "a withdrawal": lambda study: rights.withdraw(study.participants.first()),
        "a stop": lambda study: study.stimuli.filter(position=1).update(stopped_at=timezone.now()),
        "a removal": lambda study: study.stimuli.filter(position=1).update(removed_at=timezone.now()),
    }


@pytest.mark.parametrize("change", sorted(_changes()))
def test_whatever_findings_depend_on_changes_their_stamp(change):
    study = make_study(3)
    give_answers(make_participant(study), "wing")
    before = snapshot.stamp(study)
    assert snapshot.stamp(study) == before
    _changes()[change](study)
    assert snapshot.stamp(Study.objects.get(pk=study.pk)) != before


def test_lifting_an_exclusion_brings_the_findings_back():
    study = make_study(2)
    give_answers(make_participant(study), "wing", "tail")
    exclusion = exclusions.exclude(study.participants.get(), "?", None)
    assert snapshot.findings(study).content["analyses"]["main"]["answers"] == 0
    exclusions.lift(exclusion, "a mistake", User.objects.create_user("keeper"))
    assert snapshot.findings(study).content["analyses"]["main"]["answers"] == 2


def test_findings_are_measured_once_for_each_state_and_the_oldest_go():
    study = make_study(2)
    first = snapshot.renew(study)
    assert snapshot.renew(study).pk == first.pk and Snapshot.objects.count() == 1
    for _ in range(snapshot.KEPT + 2):
        make_participant(study)
        newest = snapshot.renew(study)
    assert Snapshot.objects.count() == snapshot.KEPT and snapshot.latest(study) == newest


def test_who_measures_the_same_state_at_the_same_time_gets_the_row_that_was_first(monkeypatch):
    study, real = make_study(2), measure.content

    def and_another_was_faster(*args):
        Snapshot.objects.create(study=study, stamp=snapshot.stamp(study), content={"first": True})
        return real(*args)

    monkeypatch.setattr(measure, "content", and_another_was_faster)
    assert snapshot.renew(study).content == {"first": True} and Snapshot.objects.count() == 1


def test_what_was_measured_of_many_names_holds_on_to_no_table_of_them():
    study = make_study(1)
    for number in range(15):
        give_answers(make_participant(study), f"part {number}")
    layers = naming.layers(study)
    found = Estimates(table.read(study, layers=layers), layers)
    own = found.table.units(Stimulus.Kind.SUMMARY), range(15)
    assert found.measures("raw", *own) == found.measures("mechanical", *own)
    assert len(found._known) == 10, "a measure each, since both layers have the same names"
    assert sum(len(part) for key in found._known for _, part in key[1:]) < 1000, "bytes"


def test_who_withdraws_while_findings_are_measured_is_in_none_that_are_kept(monkeypatch):
    study, real, told = make_study(1), measure.content, []
    for name in ("wing", "unheard of"):
        give_answers(make_participant(study), name)

    def and_somebody_withdraws(*args):
        content = real(*args)
        if not told:
            told.append(content)
            rights.withdraw(study.participants.last())
        return content

    monkeypatch.setattr(measure, "content", and_somebody_withdraws)
    made = snapshot.renew(study)
    assert "unheard of" in str(told) and "unheard of" not in str(made.content)
    assert Snapshot.objects.get() == made and made.stamp == snapshot.stamp(study)


def test_a_large_study_is_measured_by_a_worker_and_shows_its_last_findings_meanwhile(monkeypatch):
    study, sent = make_study(2), []
    monkeypatch.setattr(snapshot, "AT_ONCE", 0)
    monkeypatch.setattr(snapshot.current_app, "send_task", lambda name, args, **_: sent.append((name, args)))
    give_answers(make_participant(study), "wing")
    assert snapshot.findings(study) == snapshot.Findings(None, False, None)
    assert sent == [("study.tasks.renew_findings", [study.pk])] and tasks.renew_findings.name == sent[0][0]
    tasks.renew_findings(study.pk)
    assert snapshot.findings(study).fresh and len(sent) == 1
    give_answers(study.participants.get(), "tail")
    old = snapshot.findings(study)
    assert not old.fresh and old.content["analyses"]["main"]["answers"] == 1 and len(sent) == 2


def test_a_table_takes_as_many_queries_however_many_answers_there_are(study):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as told:
            table.read(study, layers=layers)
            snapshot.stamp(study)
        return len(told)

    layers = naming.layers(study)
    before = queries()
    make_answers_of_more_people(study)
    assert queries() == before <= 16


def make_answers_of_more_people(study: Study) -> None:
    for number in range(100, 110):
        person = _person(study, number, study.conditions.first(), odd=-1)
        for position, stimulus in enumerate(study.stimuli.all(), 1):
            trial = Trial.objects.create(participant=person, stimulus=stimulus, position=position)
            _answer(trial, 1, Random(number))
