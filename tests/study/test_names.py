import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.forms import problem_of
from study.names import mechanical


@pytest.mark.parametrize(
    "typed, name",
    [
        ("  The Wing! ", "wing"),
        ("ＷＩＮＧ", "wing"),
        ("an  ear\tflap", "ear flap"),
        ("the the paw", "paw"),
        ("a", "a"),
        ("Sea-horse", "sea-horse"),
        ("dog\u2019s nose.", "dog\u2019s nose"),
        ("\u202ebeak\u202c", "beak"),
        ("ﬁn", "fin"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("éclair", "e\u0301clair"),
        ("鸟喙", "鸟喙"),
        ("?!", ""),
    ],
)
def test_names_that_differ_in_form_alone_become_one(typed, name):
    assert mechanical(typed) == mechanical(name)


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    assert mechanical(mechanical(text)) == mechanical(text)


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=30))
def test_case_and_surrounding_space_never_matter_to_a_name(text):
    assert mechanical(f" {text}\n") == mechanical(text) == mechanical(mechanical(text).upper())


@pytest.mark.parametrize("typed", ["wing", "the left front paw", "sea-horse tail", "鸟喙", "no 5"])
def test_one_to_three_words_stand_as_a_name(typed):
    assert problem_of(typed) == ""


@pytest.mark.parametrize("typed", ["", "   ", "?!", "\u200b"])
def test_an_empty_name_is_met_with_a_hint_at_the_other_answers(typed):
    assert "choose one of the other answers" in problem_of(typed)


def test_more_than_three_words_are_counted_to_the_participant():
    assert problem_of("the tip of its wing") == "Please use one to three words. You typed 4."
