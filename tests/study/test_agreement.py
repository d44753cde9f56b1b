import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.agreement import NO_ANSWERS, NO_NAMES, distances, name_agreement
from study.agreement.codes import MISSING
from study.agreement.intervals import intervals


def test_name_agreement_is_the_share_of_all_answers_that_give_the_modal_name():
    given = (
        [("name", "wing")] * 5
        + [("name", "feather")] * 2
        + [("nothing_in_common", ""), ("cannot_tell", "")]
        + [("cannot_tell", "")]
    )
    agreement = name_agreement(given)
    assert (agreement.modal_names, agreement.modal_count, agreement.share) == (("wing",), 5, 0.5)
    assert (agreement.answers, agreement.named, agreement.distinct) == (10, 7, 2)
    assert (agreement.nothing_in_common, agreement.cannot_tell) == (0.1, 0.2)
    assert not agreement.tied and agreement.reason == ""


def test_names_that_tie_are_all_said():
    agreement = name_agreement(
        [("name", "wing"), ("name", "beak"), ("name", "beak"), ("name", "wing"), ("name", "x")]
    )
    assert agreement.modal_names == ("beak", "wing") and agreement.tied
    assert (agreement.modal_count, agreement.share) == (2, 0.4)


def test_without_answers_nothing_is_defined_and_the_reason_is_said():
    agreement = name_agreement([])
    assert agreement.share is agreement.nothing_in_common is agreement.cannot_tell is None
    assert agreement.reason == NO_ANSWERS and agreement.modal_names == ()


def test_without_names_the_agreement_is_undefined_but_the_other_shares_are_not():
    agreement = name_agreement([("nothing_in_common", ""), ("cannot_tell", "")])
    assert agreement.share is None and agreement.reason == NO_NAMES
    assert (agreement.nothing_in_common, agreement.cannot_tell) == (0.5, 0.5)


NAMES = st.lists(
    st.sampled_from(["wing", "left wing", "beak", "red beak", "tail", "left tail tip"]), max_size=14
)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(NAMES)
def test_h_words_and_unseen_names_equal_their_definitions_said_slowly(names):
    agreement = name_agreement([("name", name) for name in names] + [("cannot_tell", "")])
    if not names:
        assert agreement.h is agreement.mean_jaccard is agreement.unseen is None
        return
    shares = [names.count(name) / len(names) for name in set(names)]
    assert agreement.h == pytest.approx(-sum(share * math.log2(share) for share in shares))
    pairs = [(set(a.split()), set(b.split())) for a, b in itertools.combinations(names, 2)]
    if pairs:
        expected = sum(len(a & b) / len(a | b) for a, b in pairs) / len(pairs)
        assert agreement.mean_jaccard == pytest.approx(expected)
    else:
        assert agreement.mean_jaccard is None
    once = sum(names.count(name) == 1 for name in set(names))
    twice = sum(names.count(name) == 2 for name in set(names))
    factor = (len(names) - 1) / len(names)
    assert agreement.unseen == pytest.approx(factor * once * (once - 1) / (2 * (twice + 1)))


def test_h_is_nought_where_all_agree_and_one_bit_where_two_names_share():
    assert name_agreement([("name", "wing")] * 7 + [("nothing_in_common", "")]).h == 0
    assert name_agreement([("name", "wing"), ("name", "beak")] * 4).h == 1


def test_more_unseen_names_are_expected_the_more_names_were_given_once():
    ten = [("name", f"name {number}") for number in range(10)]
    assert name_agreement(ten).unseen == pytest.approx(0.9 * 10 * 9 / 2)
    assert name_agreement(ten + ten).unseen == 0


def test_declared_distances_of_synonyms_of_one_code_and_of_all_others():
    labels = ["beak", "bill", "nose", "wing"]
    merged = {"bill": "beak"}
    code = {"beak": "face", "nose": "face"}
    table = distances.between(labels, lambda name: merged.get(name, name), lambda name: code.get(name, ""))
    assert (
        table
        == [
            [0, 0.1, 0.4, 1, 1, 1],
            [0.1, 0, 0.4, 1, 1, 1],
            [0.4, 0.4, 0, 1, 1, 1],
            [1, 1, 1, 0, 1, 1],
            [1, 1, 1, 1, 0, 1],
            [1, 1, 1, 1, 1, 0],
        ]
    ).all()


def test_names_without_a_code_are_not_of_one_code():
    table = distances.between(["a", "b", "c"], lambda name: name, lambda name: "1" if name == "c" else "")
    assert (table == 1 - np.eye(5)).all()


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(NAMES.filter(bool), min_size=1, max_size=5))
def test_the_mean_jaccard_over_summaries_is_that_of_each_summary(given_names):
    labels = sorted({name for names in given_names for name in names})
    codes = np.full((len(given_names), 14), MISSING)
    for row, names in enumerate(given_names):
        codes[row, : len(names)] = [labels.index(name) for name in names]
    each = [name_agreement([("name", name) for name in names]).mean_jaccard for names in given_names]
    each = [value for value in each if value is not None]
    pair = intervals("jaccard", codes, distance=distances.jaccard(labels))
    assert pair.estimate.value == (pytest.approx(sum(each) / len(each)) if each else None)


def test_no_labels_leave_a_table_of_what_is_no_name():
    assert distances.jaccard([]).tolist() == [[0, 1], [1, 0]]
    assert distances.between([], str, str).tolist() == [[0, 1], [1, 0]]
