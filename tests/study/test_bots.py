"""Bots: what they believe is what they say, their lines lose what was asked, and no answer is lost by it."""

import asyncio
import json
from collections import Counter
from random import Random

import httpx2
import pytest
from django.core.management import CommandError, call_command

from annotations import Refusal
from study import publishing
from study.agreement import NAME, NOTHING_IN_COMMON
from study.bots import Crowd, Habits, compare, crowd, line
from study.bots.line import Line, Lost, Meter
from study.bots.pages import Page
from study.bots.tally import percentile
from study.bots.truth import beliefs
from study.models import Answer, Outcome, Participant, Stimulus
from tests.factories import make_participant, make_study

pytestmark = pytest.mark.own_loop
FAULTS = Habits(dropout=0.2, careless=0.2, drop_requests=0.15, drop_responses=0.15, kill=0.2)


def make_stimuli(*kinds):
    return [
        Stimulus(pk=place, position=place, kind=kind, accepted=["wing"] if kind == "gold" else [])
        for place, kind in enumerate(kinds, start=1)
    ]


def test_beliefs_come_from_the_seed_alone_and_add_up():
    stimuli = make_stimuli("summary", "decoy", "gold", "summary")
    known = beliefs(stimuli, seed=3)
    assert known == beliefs(stimuli, seed=3) != beliefs(stimuli, seed=4)
    for belief in known.values():
        assert sum(belief.probabilities) == pytest.approx(1)
        assert len(set(belief.answers)) == len(belief.answers)
    assert known[2].answers[0].kind == NOTHING_IN_COMMON and known[2].probabilities[0] > 0.6
    assert (known[3].answers[0].words, known[3].probabilities[0]) == ("wing", 0.95)


def test_a_repeat_is_believed_to_be_what_it_repeats():
    first, again = make_stimuli("summary", "repeat")
    again.source = first
    known = beliefs([first, again], seed=1)
    assert known[1] == known[2]


def test_names_are_drawn_as_often_as_is_believed():
    belief = beliefs(make_stimuli("summary"), seed=5)[1]
    lot = Random(0)
    drawn = Counter(belief.draw(lot) for _ in range(20_000))
    for said, probability in zip(belief.answers, belief.probabilities, strict=True):
        assert drawn[said] / 20_000 == pytest.approx(probability, abs=0.015)
    assert belief.answers[0].kind == NAME


def test_a_lost_request_never_arrives_and_a_lost_response_always_does():
    arrived = []

    def site(request):
        arrived.append(request)
        return httpx2.Response(200, json={})

    async def send(count, **losses):
        meter = Meter()
        through = Line(httpx2.MockTransport(site), meter, Random(2), **losses)
        client = httpx2.AsyncClient(transport=through)
        lost = 0
        for _ in range(count):
            try:
                await client.put("http://site/")
            except Lost:
                lost += 1
        return meter, lost

    meter, lost = asyncio.run(send(2000, drop_requests=0.1, drop_responses=0.1))
    assert lost == meter.lost_requests + meter.lost_responses
    assert len(arrived) == 2000 - meter.lost_requests == len(meter.answer_seconds)
    assert meter.lost_requests == pytest.approx(200, abs=45)
    assert meter.lost_responses == pytest.approx(180, abs=45)


def test_a_form_is_filled_as_a_willing_person_would():
    text = """<form method="get"><input name="language"></form>
    <form method="post" action="../check/"><input type="hidden" name="ticket" value="a:b">
    <input type="checkbox" name="agree"><input type="text" name="age">
    <input type="radio" name="one" value="0"><input type="radio" name="one" value="1">
    <input type="radio" name="two" value="0"><input type="radio" name="two" value="1">
    <button>Go on</button><button name="decline" value="yes">No</button></form>"""
    page = Page("http://site/s/abc/consent/", 200, text)
    assert page.name == "consent" and page.form.action == "../check/"
    assert page.form.fill("30", [1, 0]) == {
        "ticket": "a:b",
        "agree": "on",
        "age": "30",
        "one": "1",
        "two": "0",
    }


def test_percentiles_are_times_that_were_measured():
    assert percentile([], 95) == 0
    assert percentile([0.2, 0.1], 50) == 100
    assert percentile([each / 1000 for each in range(1, 101)], 95) == 95


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_or_doubled_on_bad_lines(live_server, monkeypatch):
    monkeypatch.setattr(line, "FIRST_WAIT", 0.01)
    study = make_study(4)
    sent = Crowd(study, live_server.url, 8, FAULTS, seed=1, concurrency=4)
    sent.run()
    tally = compare(sent.bots, sent.meter)
    assert (tally.lost, tally.doubled, tally.errors, tally.wrong_codes, tally.gave_up) == (0, 0, 0, 0, {})
    assert tally.lost_requests and tally.lost_responses and tally.kills
    assert tally.sent == tally.stored == Answer.objects.count()
    assert tally.completed == Participant.objects.filter(outcome=Outcome.COMPLETED).count() > 0
    assert tally.completed + tally.left == 8
    assert all(Participant.objects.values_list("simulated", flat=True))


@pytest.mark.django_db(transaction=True)
def test_bots_pass_the_check_and_answer_the_questions(live_server):
    study = make_study(1, opened=False)
    study.questions = [{"key": "sight", "text": "How well do you see?", "choices": ["well", "badly"]}]
    study.comprehension = [
        {"text": "What is asked for?", "choices": ["a colour", "a part"], "right": 1},
        {"text": "May you guess?", "choices": ["yes", "no", "sometimes"], "right": 0},
    ]
    study.save()
    publishing.open_study(study)
    Crowd(study, live_server.url, 2, Habits(dropout=0, careless=0, drop_requests=0, drop_responses=0)).run()
    for participant in Participant.objects.all():
        assert participant.outcome == Outcome.COMPLETED and participant.comprehension_attempts == 1
        assert participant.profile["sight"] in ("well", "badly")


@pytest.mark.django_db(transaction=True)
def test_the_command_shows_a_table_and_writes_what_was_believed(live_server, tmp_path, capsys):
    study = make_study(3)
    truth = tmp_path / "truth.json"
    options = {"dropout": 0.0, "drop_requests": 0.0, "drop_responses": 0.0, "truth": truth}
    call_command("run_bots", study.slug, participants=2, address=live_server.url, **options)
    shown = capsys.readouterr().out
    assert "answers given" in shown and "answers lost" in shown
    told = json.loads(truth.read_text())
    assert [each["exhibit"] for each in told["stimuli"]] == list(
        study.stimuli.order_by("position").values_list("exhibit", flat=True)
    )
    believed = {(one["kind"], one["words"]) for each in told["stimuli"] for one in each["answers"]}
    careless = {each["participant"] for each in told["participants"] if each["careless"]}
    given = Answer.objects.exclude(trial__participant__code__in=careless).values_list("kind", "words")
    assert set(given) <= believed
    assert {each["participant"] for each in told["participants"]} == set(
        Participant.objects.values_list("code", flat=True)
    )


@pytest.mark.django_db(transaction=True)
def test_the_command_says_what_the_study_finds_beside_what_is_true(live_server, tmp_path, capsys):
    study, truth = make_study(3), tmp_path / "truth.json"
    sound = {"dropout": 0.0, "drop_requests": 0.0, "drop_responses": 0.0, "kill": 0.0, "careless": 0.0}
    spoken = {"synonyms": 0.5, "forms": 0.5, "slips": 0.1, "truth": truth}
    call_command("run_bots", study.slug, participants=4, address=live_server.url, **sound, **spoken)
    shown = capsys.readouterr().out
    assert "alpha, raw" in shown and "modal names right" in shown and "No names are merged yet" in shown
    told = json.loads(truth.read_text())
    assert told["speech"] == {"synonyms": 0.5, "forms": 0.5, "slips": 0.1}
    assert {"beak", "bill"} <= set(told["synonyms"]["beak"])
    alpha = told["expected"]["alpha"]
    assert alpha["raw"] < alpha["mechanical"] < alpha["merged"]
    assert {one["measure"] for one in told["findings"]} >= {"alpha, raw", "alpha, merged", "can't tell"}
    assert told["modal_names"]["summaries"] == 3
    make_participant(study)
    call_command("run_bots", study.slug, participants=1, address=live_server.url, **sound)
    assert "Others took part as well" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_bots_do_not_take_part_unmarked(live_server, monkeypatch):
    monkeypatch.setattr(crowd, "simulated_ticket", lambda study: "simulated.someone:forged")
    with pytest.raises(Refusal, match="another key or database"):
        Crowd(make_study(), live_server.url, 2, Habits(kill=0)).run()
    assert not Participant.objects.exists()


@pytest.mark.django_db
def test_who_cannot_take_part_is_refused_in_a_sentence():
    with pytest.raises(CommandError, match="no study 'nowhere'") as refusal:
        call_command("run_bots", "nowhere", participants=1)
    assert refusal.value.returncode == 2
    with pytest.raises(CommandError, match="not open"):
        call_command("run_bots", make_study(opened=False).slug, participants=1)
    with pytest.raises(CommandError, match="No site answers at"):
        call_command("run_bots", make_study().slug, participants=1, address="http://127.0.0.1:9")
    with pytest.raises(CommandError, match="not a share from 0 to 1"):
        call_command("run_bots", "any", "--participants=1", "--kill=2")
    with pytest.raises(Refusal):
        Crowd(make_study(opened=False), "http://127.0.0.1:9", 1)
