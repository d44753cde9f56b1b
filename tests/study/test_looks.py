"""Looks: what each may spend, against published boundaries; when one is due; what is masked in between."""

from types import SimpleNamespace

import pytest

from study.agreement import looks
from study.agreement.looks import Declaration

FIVE = [1, 2, 3, 4, 5]


def declaration(correction: str = looks.OBRIEN_FLEMING, **more: object) -> Declaration:
    usual = {"measure": "alpha", "layer": "mechanical", "aim": looks.BOUND, "value": 0.667}
    return Declaration(**usual | {"at": (10, 20, 30, 40, 50), "correction": correction} | more)


def test_published_constants_of_five_looks_keep_a_level_of_five_percent():
    """Jennison and Turnbull 2000, tables 2.1 and 2.3."""
    assert 2 * looks.crossing([2.413] * 5, FIVE) == pytest.approx(0.05, abs=2e-4)
    assert 2 * looks.crossing([2.040 * (5 / k) ** 0.5 for k in FIVE], FIVE) == pytest.approx(0.05, abs=2e-4)


@pytest.mark.parametrize(
    ("correction", "published"),
    [
        (looks.OBRIEN_FLEMING, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        (looks.POCOCK, [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_spending_gives_the_published_boundaries_of_five_looks(correction, published):
    """Reboussin, DeMets, Kim and Lan 2000, for a level of 5 % on two sides."""
    spends = [each / 2 for each in looks.increments(declaration(correction), [10, 20, 30, 40, 50])]
    assert looks.boundaries(spends, FIVE) == pytest.approx(published, abs=2e-4)


@pytest.mark.parametrize("correction", looks.CORRECTIONS)
@pytest.mark.parametrize("taken", [[10, 20, 30, 40, 50], [13, 24, 39, 49, 57], [20, 50]])
def test_all_looks_together_spend_the_level_even_if_late_or_left_out(correction, taken):
    plan = declaration(correction)
    assert sum(looks.increments(plan, taken)) == pytest.approx(0.05)
    spent = [looks.level_at(plan, taken[: k + 1]) for k in range(len(taken))]
    found = looks.boundaries([each / 2 for each in looks.increments(plan, taken)], taken)
    assert 2 * looks.crossing(found, taken) == pytest.approx(0.05, abs=1e-5)
    assert all(0 < each < 0.05 for each in spent)


def test_a_single_look_at_the_end_spends_the_whole_level():
    for correction in looks.CORRECTIONS:
        assert looks.level_at(declaration(correction, at=(40,)), [40]) == pytest.approx(0.05, abs=1e-5)


def test_a_decision_follows_from_the_interval_alone():
    def among(low: float | None, high: float | None) -> SimpleNamespace:
        return SimpleNamespace(low=low, high=high)

    bound, narrow = declaration(), declaration(aim=looks.PRECISION, value=0.1)
    assert looks.decide(bound, among(0.67, 0.8)) == looks.REACHED
    assert looks.decide(bound, among(0.6, 0.8)) == looks.GO_ON
    assert looks.decide(bound, among(0.4, 0.66)) == looks.FUTILE
    assert looks.decide(narrow, among(0.45, 0.64)) == looks.REACHED
    assert looks.decide(narrow, among(0.4, 0.64)) == looks.GO_ON
    assert looks.decide(narrow, among(None, None)) == looks.GO_ON


def test_a_declaration_is_written_and_read_again():
    assert looks.read(looks.written(declaration())) == declaration()
    assert looks.read({}) is None
    assert looks.read({"stopping": {"lead": 0.99}}) is None
