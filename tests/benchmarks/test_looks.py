"""The figures of `benchmarks/looks.py`, on studies made by hand."""

import numpy as np
import pytest

from benchmarks import looks
from study.agreement import stopping


def test_a_study_stops_at_its_first_claim():
    stops = np.array([[False, True, True], [False, False, False]])
    assert looks.percent(stops) == 50
    assert looks.spent(stops, (10, 20, 40)) == 30


def test_looks_of_a_plan_spend_less_than_one_look_would():
    for correction in looks.looks.CORRECTIONS:
        assert 0 < max(looks.plan(correction, looks.AT).spends) < 0.05


def test_a_summary_is_followed_to_its_stop_and_held_against_its_end():
    rule = stopping.Rule()
    assert looks.follow(np.zeros(40, int), rule) == (stopping.STOP, True, 30)
    changed = np.array([0] * 10 + [1] * 30)
    assert looks.follow(changed, rule) == (stopping.STOP, False, 30)
    decision, wrong, saved = looks.follow(np.arange(40), rule)
    assert (decision, wrong) == (stopping.FUTILE, False) and saved > 0


def test_every_rule_is_told_for_every_size(monkeypatch):
    monkeypatch.setattr(looks, "UNITS", (5,))
    found = looks.report(2)
    assert set(found["false_stops"]["5"]) == {
        *looks.looks.CORRECTIONS,
        "same_people",
        "plain",
        "two_way",
        "one_look",
    }
    assert found["late"].keys() == {"5"} and found["truth"] == pytest.approx(0.508, abs=0.01)
