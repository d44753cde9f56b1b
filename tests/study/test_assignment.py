from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from study.assignment import order

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
