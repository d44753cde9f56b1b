"""What hides or turns text is written out where staff read it; everything else stays as it was typed."""

import unicodedata

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from study.display import visible

TURNING = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C]
HIDING = [0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD, 0x180E, 0xE0041, 0x2028, 0x3164]
CONTROLS = [0x00, 0x07, 0x08, 0x09, 0x0D, 0x1B, 0x7F, 0x85]


@pytest.mark.parametrize("number", TURNING + HIDING + CONTROLS)
def test_a_character_that_hides_or_turns_is_written_out(number):
    assert visible(f"wing{chr(number)}tip") == f"wing[U+{number:04X}]tip"


@pytest.mark.parametrize(
    "words", ["Flügel", "鸟的翅膀", "ذيل الطائر", "כנף", "l'aile", "one\ntwo", "🦜", "é", ""]
)
def test_words_of_any_language_stay_as_they_are(words):
    assert visible(words) == words


@given(st.text())
def test_nothing_is_lost_and_nothing_hidden_is_left(words):
    shown = visible(words)
    assert not [one for one in shown if one != "\n" and unicodedata.category(one) in {"Cc", "Cf", "Zl", "Zp"}]
    assert [one for one in words if one.isalnum() and one in shown] == [one for one in words if one.isalnum()]


def test_in_a_page_markup_stays_text():
    page = Template("{% load typed %}{{ words|visible }}").render(Context({"words": "<b>\u202e&"}))
    assert page == "&lt;b&gt;[U+202E]&amp;"
