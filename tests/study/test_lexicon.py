"""Replaying decisions on names, proposals, and two coders' agreement, against slow and obvious references."""

import json
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study import names
from study.lexicon import Decision, Entry, Lexicon, apart, compare, propose, replay, standing
from study.lexicon.spelling import slips

NAMES = ["ant", "bee", "cat", "dog", "elk", "fox"]
CODES = ["", "x", "y"]


def slowly(decisions):
    """Groups as a list of [name, code, members], searched from the start each time."""
    undone = [each.undoes for each in decisions if each.kind == "undo"]
    groups = [[name, "", {name}] for name in NAMES]

    def of(name):
        return next(group for group in groups if name in group[2])

    for each in decisions:
        if each.key in undone or not each.names:
            continue
        if each.kind == "merge":
            target = of(each.into)
            others = [group for group in groups if group is not target and group[2] & set(each.names)]
            shared = {group[1] for group in others if group[1]}
            code = target[1] or (shared.pop() if len(shared) == 1 else "")
            members = set().union(target[2], *(group[2] for group in others))
            groups = [group for group in groups if not group[2] & members]
            groups.append([each.into, code, members])
        elif each.kind == "split":
            for name in each.names:
                group = of(name)
                if len(group[2]) > 1:
                    group[2].remove(name)
                    group[0] = min(group[2]) if group[0] == name else group[0]
                    groups.append([name, "", {name}])
        elif each.kind == "code":
            for name in each.names:
                of(name)[1] = each.into
    merged = {name: group[0] for group in groups for name in group[2] if name != group[0]}
    return merged, {group[0]: group[1] for group in groups if group[1]}


@st.composite
def logs(draw):
    made = []
    for key in range(1, draw(st.integers(0, 12)) + 1):
        kind = draw(st.sampled_from(["merge", "merge", "split", "code", "undo"]))
        chosen = tuple(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)))
        into = draw(st.sampled_from(CODES if kind == "code" else NAMES)) if kind != "split" else ""
        known = [each.key for each in made if each.kind != "undo"]
        if kind == "undo":
            if known:
                made.append(Decision(key, kind, undoes=draw(st.sampled_from(known))))
            continue
        made.append(Decision(key, kind, chosen, into))
    return made


def told(table):
    """As bytes."""
    return json.dumps([table.merged, table.codes]).encode()


@given(logs())
def test_replay_gives_what_moving_names_between_lists_gives(log):
    table = replay(log)
    assert (dict(table.merged), dict(table.codes)) == slowly(log)


@given(logs(), st.randoms(use_true_random=False))
def test_replaying_the_log_gives_the_same_table_byte_for_byte_in_whatever_order_rows_are_read(log, random):
    shuffled = random.sample(log, len(log))
    assert told(replay(log)) == told(replay(list(log))) == told(replay(shuffled))


@given(logs())
def test_an_undone_decision_is_as_if_it_had_never_been(log):
    undone = {each.undoes for each in log if each.kind == "undo"}
    never = [each for each in log if each.key not in undone and each.kind != "undo"]
    assert told(replay(log)) == told(replay(never))
    assert standing(log) == never[::-1]


@given(logs())
def test_undoing_everything_from_the_last_on_passes_through_every_earlier_table(log):
    decisions = [each for each in log if each.kind != "undo"]
    tables = [told(replay(decisions[:count])) for count in range(len(decisions) + 1)]
    for back, each in enumerate(reversed(decisions), 1):
        decisions.append(Decision(1000 + back, "undo", undoes=each.key))
        assert told(replay(decisions)) == tables[-1 - back]


@given(logs())
def test_a_forgotten_name_changes_nothing_for_the_others(log):
    mark = {"bee": "∅1", "elk": "∅2"}
    cut = [
        Decision(
            each.key,
            each.kind,
            tuple(mark.get(name, name) for name in each.names),
            each.into if each.kind == "code" else mark.get(each.into, each.into),
            each.undoes,
        )
        for each in log
    ]
    left = [name for name in NAMES if name not in mark]
    before, after = replay(log), replay(cut)
    for one, other in combinations(left, 2):
        together = [table.group(one) == table.group(other) for table in (before, after)]
        # A split is named after the first name left, which may be another one now; groups stay.
        assert together[0] == together[1]
    assert "∅" not in told(after).decode() and "\\u2205" not in told(after).decode()


@pytest.mark.parametrize(
    "log, merged",
    [
        ([("merge", "a", "b"), ("merge", "b", "c")], {"a": "c", "b": "c"}),
        ([("merge", "b", "c"), ("merge", "a", "b")], {"a": "b", "c": "b"}),
        ([("merge", "a", "b"), ("merge", "b", "a")], {"b": "a"}),
        ([("merge", "ab", "c"), ("split", "c", "")], {"b": "a"}),
        ([("merge", "ab", "c"), ("split", "abc", "")], {}),
        ([("merge", "a", "a")], {}),
        ([("merge", "a", "b"), ("merge", "b", "c"), ("undo", 1, "")], {"b": "c"}),
        ([("merge", "a", "b"), ("split", "a", ""), ("undo", 1, "")], {}),
    ],
)
def test_chains_circles_and_undos_within_are_well_defined(log, merged):
    made = [
        Decision(key, kind, undoes=what) if kind == "undo" else Decision(key, kind, tuple(what), into)
        for key, (kind, what, into) in enumerate(log, 1)
    ]
    assert replay(made).merged == merged


WORDS = st.text(alphabet="abc ", max_size=9)


def edits(one, other):
    """By its definition."""
    if not one or not other:
        return len(one) + len(other)
    found = [edits(one[1:], other) + 1, edits(one, other[1:]) + 1]
    found.append(edits(one[1:], other[1:]) + (one[0] != other[0]))
    if len(one) > 1 and len(other) > 1 and one[:2] == other[1::-1]:
        found.append(edits(one[2:], other[2:]) + 1)
    return min(found)


@given(st.text(alphabet="abc", max_size=5), st.text(alphabet="abc", max_size=5))
def test_letters_apart_are_counted_as_defined(one, other):
    assert apart(one, other) == edits(one, other)


@given(st.lists(WORDS, max_size=8, unique=True))
def test_slips_are_found_as_if_every_pair_was_compared(words):
    def near(one, other):
        longer = max(len(one), len(other))
        return longer >= 4 and apart(one, other) <= (2 if longer >= 8 else 1)

    every = [(one, other, apart(one, other)) for one, other in combinations(sorted(words), 2)]
    assert list(slips(words)) == [each for each in every if near(*each[:2])]


def proposed(*told, **more):
    entries = [Entry(name, answers, answers, dict(where)) for name, answers, where in told]
    made = propose(entries, lemmas=names.lemmas, known=names.is_known, **more)
    return {each.names: {evidence.kind for evidence in each.evidence} for each in made}


@pytest.mark.parametrize(
    "one, other, kind",
    [
        ("wing tip", "tip of wing", "words"),
        ("stripe", "striped", "words"),
        ("seahorse", "sea-horse", "written"),
        ("beak", "baek", "spelling"),
        ("colour", "color", "spelling"),
        ("wing", "left wing", "head"),
        ("tip", "tip of wing", "head"),
    ],
)
def test_pairs_are_proposed_with_what_speaks_for_them(one, other, kind):
    found = proposed((one, 5, {}), (other, 2, {}))
    assert kind in found[one, other]


def test_different_parts_are_not_proposed():
    assert proposed(("leg 1", 5, {1: 5}), ("leg 2", 2, {2: 2})) == {}
    assert proposed(("ear", 5, {1: 5}), ("eat", 2, {2: 2}), ("tail", 9, {3: 9}), ("wheel", 4, {4: 4})) == {}


def test_synonyms_repeats_and_pictures_in_common_are_told():
    found = proposed(
        ("beak", 9, {1: 5, 2: 4}),
        ("bill", 6, {1: 3, 2: 3}),
        ("tail", 9, {3: 3, 4: 3, 5: 3}),
        synonyms=[["beak", "bill", "neb"]],
        repeats=Counter({("beak", "bill"): 2, ("beak", "gone"): 1}),
    )
    assert found == {("beak", "bill"): {"synonyms", "repeats", "company"}}


def test_two_coders_are_compared_by_codes_and_by_what_they_put_together():
    answers = {"beak": 10, "bill": 5, "snout": 5, "tail": 20}
    one = Lexicon({"bill": "beak", "snout": "beak"}, {})
    other = Lexicon({"beak": "bill"}, {"bill": "beak", "snout": "nose"})
    told = compare(answers, one, other)
    assert told.names == 4 and told.same.value == 3 / 4 and told.same_weighted.value == 35 / 40
    assert told.differ == (("snout", 5, "beak", "nose"),)
    # One coder: beak .75, tail .25; the other: beak .5, nose .25, tail .25.
    assert told.kappa.value == pytest.approx((0.75 - (0.375 + 0.0625)) / (1 - (0.375 + 0.0625)))
    # Of six pairs the first put three together, the second one of these.
    assert told.pairs.value == pytest.approx(4 / 6) and told.pairs_together.value == pytest.approx(1 / 3)
    assert told.pairs_adjusted.value == pytest.approx((1 - 3 / 6) / (2 - 3 / 6))


def test_what_cannot_be_said_of_coders_is_said_in_words():
    nothing = compare({}, Lexicon(), Lexicon())
    for told in (nothing.same, nothing.kappa, nothing.kappa_weighted, nothing.pairs):
        assert told.value is None and told.reason
    alone = compare({"a": 1, "b": 2}, Lexicon(), Lexicon())
    assert alone.pairs.value == 1 and alone.pairs_together.value is None
    assert alone.same.value == 1
