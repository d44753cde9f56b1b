import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.forms import problem_of
from study.names import VERSION, form, lemmas, mechanical

PLURALS = (
    "beaks beak · wings wing · feet foot · forefeet forefoot · legs leg · leaves leaf · eyes eye · "
    "teeth tooth · antennae antenna · scales scale · stripes stripe · feathers feather · hooves hoof · "
    "hoofs hoof · ears ear · paws paw · claws claw · jaws jaw · bodies body · branches branch · "
    "shelves shelf · calves calf · halves half · knives knife · lenses lens · irises iris · geese goose · "
    "mice mouse · children child · policemen policeman · vertebrae vertebra · octopuses octopus · "
    "tentacles tentacle · fishes fish · headlights headlight · eyelashes eyelash · toes toe · bases base · "
    "boxes box · buses bus · cacti cactus"
)
STAY = (
    "glasses glass trousers scissors striped spotted pointed feathered left lower best worn frozen red hind "
    "opening painting steering wing fish moss iris lens bus grass series species this its"
)

ODD = "a an the I me is was has lies leave wolves' lenses' an's 's '"
NO_CLOCK = settings(deadline=None)
"""Dictionaries are read at their first use."""


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
    assert form(typed) == form(name)
    assert mechanical(typed) == mechanical(name)


@pytest.mark.parametrize("pair", PLURALS.split(" · "))
def test_a_part_in_the_plural_is_the_same_name_as_one_of_them(pair):
    many, one = pair.split()
    assert form(many) == many
    assert mechanical(f"The {many.upper()}") == mechanical(one) == one
    assert mechanical(f"striped {many}") == f"striped {one}"


@pytest.mark.parametrize("word", STAY.split())
def test_what_is_no_plural_stays_whatever_the_dictionary_makes_of_it(word):
    assert mechanical(word) == word


@pytest.mark.parametrize("typed", ["dog\u2019s nose", "dogs' noses", "dog's nose", "Dogs nose"])
def test_whose_part_it_is_can_be_written_in_several_ways(typed):
    assert mechanical(typed) == "dog nose"


def test_a_language_without_a_dictionary_keeps_the_form():
    assert mechanical("  鸟喙!", "zh-hans") == form("鸟喙") == "鸟喙"
    assert mechanical("wings", "zh-hans") == "wings"
    assert mechanical("Beine", "de") == "bein"


def test_the_base_forms_tell_which_names_may_be_the_same():
    assert lemmas("striped wing") == lemmas("stripes wings") == ("stripe", "wing")


def test_the_version_fits_beside_every_decision():
    assert 0 < len(VERSION) <= 20


@NO_CLOCK
@given(st.text())
def test_normalising_twice_changes_nothing(text):
    assert form(form(text)) == form(text)
    assert mechanical(mechanical(text)) == mechanical(text)
    assert mechanical(form(text)) == mechanical(text)


@NO_CLOCK
@given(st.lists(st.sampled_from(f"{PLURALS} {STAY} {ODD}".split()), max_size=4))
def test_normalising_real_words_twice_changes_nothing(words):
    text = " ".join(words)
    for language in ("en", "de", "fr", "zh-hans"):
        name = mechanical(text, language)
        assert mechanical(name, language) == name == form(name)


@NO_CLOCK
@given(st.text(alphabet=st.characters(codec="ascii"), max_size=30))
def test_case_and_surrounding_space_never_matter_to_a_name(text):
    for layer in (form, mechanical):
        assert layer(f" {text}\n") == layer(text) == layer(layer(text).upper())


@pytest.mark.parametrize("typed", ["wing", "the left front paw", "sea-horse tail", "鸟喙", "no 5"])
def test_one_to_three_words_stand_as_a_name(typed):
    assert problem_of(typed) == ""


@pytest.mark.parametrize("typed", ["", "   ", "?!", "\u200b"])
def test_an_empty_name_is_met_with_a_hint_at_the_other_answers(typed):
    assert "choose one of the other answers" in problem_of(typed)


def test_more_than_three_words_are_counted_to_the_participant():
    assert problem_of("the tip of its wing") == "Please use one to three words. You typed 4."
