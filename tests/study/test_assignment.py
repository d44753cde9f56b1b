from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.assignment import (
    Standing,
    choose_condition,
    choose_stimuli,
    latin_row,
    open_conditions,
    order,
    with_repeats,
)

numbers = st.integers(min_value=0, max_value=2**31)


@given(count=st.integers(0, 60), seed=numbers, number=numbers)
def test_an_order_holds_every_stimulus_once_and_is_the_same_when_asked_again(count, seed, number):
    assert sorted(order(count, seed=seed, number=number)) == list(range(count))
    assert order(count, seed=seed, number=number) == order(count, seed=seed, number=number)


def test_the_order_of_seed_7_and_participant_1_never_changes():
    assert order(6, seed=7, number=1) == [3, 4, 0, 1, 5, 2]


def test_every_stimulus_comes_first_about_equally_often():
    first = Counter(order(5, seed=3, number=number)[0] for number in range(1, 2001))
    assert all(330 < first[index] < 470 for index in range(5))


@pytest.mark.parametrize("count", range(2, 13))
def test_in_a_latin_square_each_stands_equally_often_in_each_place_and_follows_each_other(count):
    rows = [latin_row(count, row) for row in range(count if count % 2 == 0 else 2 * count)]
    places = Counter((place, index) for row in rows for place, index in enumerate(row))
    neighbours = Counter(pair for row in rows for pair in zip(row, row[1:], strict=False))
    assert len(places) == count**2 and len(set(places.values())) == 1
    assert len(neighbours) == count * (count - 1) and len(set(neighbours.values())) == 1
    assert latin_row(count, len(rows)) == rows[0]


def test_a_latin_row_of_nothing_or_one_is_no_trouble():
    assert (latin_row(0, 3), latin_row(1, 3)) == ([], [0])


@given(taken=st.lists(st.integers(0, 5), max_size=30), count=st.integers(0, 30), seed=numbers)
def test_the_stimuli_chosen_are_those_that_need_answers_most(taken, count, seed):
    chosen = choose_stimuli(taken, count, seed=seed, number=1)
    left = [taken[index] for index in range(len(taken)) if index not in chosen]
    assert len(set(chosen)) == len(chosen) == min(count, len(taken)) and chosen == sorted(chosen)
    assert not chosen or not left or max(taken[index] for index in chosen) <= min(left)


def test_conditions_fill_evenly_in_proportion_to_their_places():
    people = [0, 0, 0]
    for number in range(1, 61):
        standings = [Standing(count, due, True) for count, due in zip(people, (10, 10, 20), strict=True)]
        people[choose_condition(standings, seed=1, number=number)] += 1
        assert abs(people[0] - people[1]) <= 1 and abs(people[0] + people[1] - people[2]) <= 2
    assert people == [15, 15, 30]


def test_among_equals_chance_decides():
    standings = [Standing(4, 10, True)] * 2
    first = Counter(choose_condition(standings, seed=5, number=number) for number in range(1000))
    assert 430 < first[0] < 570


def test_a_full_condition_stays_open_while_it_is_two_people_behind():
    behind, ahead = Standing(8, 10, False), Standing(10, 10, False)
    assert open_conditions([behind, ahead]) == [0]
    assert open_conditions([Standing(9, 10, False), ahead]) == []
    assert open_conditions([ahead, ahead]) == []
    assert open_conditions([Standing(20, 20, False), Standing(60, 60, False)]) == []
    assert choose_condition([ahead, ahead], seed=1, number=1) in (0, 1), "who consented is never refused"


@given(
    row=st.permutations(range(12)),
    sources=st.dictionaries(st.integers(100, 110), st.integers(0, 11), max_size=6),
    seed=numbers,
)
def test_repeats_stand_well_apart_from_their_source_in_a_long_row(row, sources, seed):
    placed = with_repeats(row, sources, seed=seed, number=1)
    assert [item for item in placed if item < 100] == list(row)
    assert Counter(placed) == Counter([*row, *sources])
    for repeat, source in sources.items():
        assert abs(placed.index(repeat) - placed.index(source)) > 3


@given(row=st.permutations(range(5)), length=st.integers(2, 5), seed=numbers)
def test_repeats_are_not_adjacent_to_their_source_even_in_a_short_row(row, length, seed):
    row = [item for item in row if item < length]
    placed = with_repeats(row, {100 + item: item for item in row}, seed=seed, number=1)
    for item in row:
        assert abs(placed.index(100 + item) - placed.index(item)) > 1


@given(seed=numbers, number=numbers)
def test_where_there_is_nothing_else_the_repeat_follows(seed, number):
    assert with_repeats([7], {8: 7}, seed=seed, number=number) == [7, 8]
