"""Figures of a study's findings: what they show, for whom, and that the same findings give the same bytes."""

import io
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from PIL import Image as Pillow

from study import figures
from study.figures import reading, words
from tests.factories import make_picture
from tests.findings import make_content

NAMES = sorted(figures.FIGURES)


def draw(name, content, format="svg", **choice):
    return figures.draw(name, content, format, **choice)


def told(data):
    """All words of an SVG."""
    return " ".join(ElementTree.fromstring(data).itertext())


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_svg_pdf_and_png_of_one_drawing_and_the_same_bytes_again(name):
    content = make_content(3)
    for format, start in (("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")):
        data = draw(name, content, format)
        assert data.startswith(start) and b"CreationDate" not in data and b"dc:date" not in data
        assert data == draw(name, make_content(3), format)


def test_the_forest_tells_names_counts_conditions_means_and_the_guess_floor():
    seen = told(draw("forest", make_content(3)))
    assert "mobilenet_v2" in seen and "baseline" in seen and "mean 65 %" in seen
    assert "decoys: " in seen and "heron, summary 3" in seen and "heron, summary 7" not in seen
    for row in make_content(3)["analyses"]["main"]["stimuli"][:6]:
        assert f"{row['layers']['merged']['count']} of {row['answers']}" in seen


def test_summaries_stand_by_condition_and_falling_agreement_those_without_a_name_last():
    content = make_content(4)
    row = content["analyses"]["main"]["stimuli"][2]
    row["layers"]["merged"] |= {
        "modal": [],
        "count": 0,
        "share": {"value": None, "reason": "nobody gave a name", "two_way": None, "same_people": None},
    }
    rows = reading.summaries(content, figures.Choice())
    assert [one["condition"] for one in rows] == ["mobilenet_v2"] * 4 + ["baseline"] * 4
    assert rows[3]["id"] == row["id"] and "nobody gave a name" in told(draw("forest", content))
    shares = [reading.share(one, "merged") for one in rows[4:]]
    assert shares == sorted(shares, reverse=True)


def test_a_forest_of_many_summaries_has_pages_with_each_summary_once():
    content, found = make_content(25), []
    assert figures.pages("forest", content) == 3
    for page in (1, 2, 3):
        found += reading.shown(content, figures.Choice(page=page))
    assert sorted(row["id"] for row in found) == list(range(1, 51))
    tall = Pillow.open(io.BytesIO(draw("forest", content, "png")))
    assert tall.height > Pillow.open(io.BytesIO(draw("forest", content, "png", page=3))).height


def test_pictures_stand_beside_their_summaries_and_a_broken_one_does_not_matter():
    content = make_content(2)
    plain = draw("forest", content).count(b"<image")
    pictures = {1: make_picture(1), 2: b"no picture"}
    assert draw("forest", content, pictures=pictures).count(b"<image") == plain + 1


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(some.text(min_size=1, max_size=100))
def test_any_name_can_be_drawn_in_every_format(name):
    content = make_content(1, ("only",), name=name)
    for figure in ("forest", "names", "confusion"):
        ElementTree.fromstring(draw(figure, content))
    draw("names", content, "png")
    draw("forest", content, "pdf")


def test_names_are_data_never_formulas_and_nothing_in_them_is_hidden():
    seen = told(draw("forest", make_content(1, ("only",), name="$\\frac{a}{b}$ \u202egnp <b>")))
    assert "$\\frac{a}{b}$" in seen and "[U+202E]" in seen and "<b>" in seen


def test_chinese_names_stay_text_in_svg_and_are_drawn_or_written_by_number_elsewhere():
    content = make_content(1, ("only",), name="翅膀")
    assert "翅膀" in told(draw("forest", content))
    assert draw("forest", content, "pdf").startswith(b"%PDF") and draw("forest", content, "png")


def test_long_names_are_cut_and_wide_characters_take_two_places():
    assert words.plain("wing", 10) == "wing"
    assert words.plain("a very long name for a wing", 10) == "a very lo…"
    assert words.ends("a network: heron, summary 3", 14) == "a netw…mmary 3"
    assert words.plain("翅膀翅膀翅膀", 7) == "翅膀翅…"
    assert words.plain("a\n  b") == "a b"


def test_a_study_without_tags_says_so_in_words():
    assert "No summary of this study has" in told(draw("confusion", make_content(2, tags=False)))
    assert "segments" in told(draw("confusion", make_content(2)))


def test_what_has_no_summaries_and_no_times_says_so():
    content = make_content(0, decoys=0)
    for name in ("forest", "names", "layers"):
        assert "no summaries" in told(draw(name, content))
    assert "No browser measured" in told(draw("times", content))


def test_masked_figures_tell_why_and_no_number():
    content = make_content(2)
    for name in figures.ESTIMATES:
        seen = told(draw(name, content, masked="Masked until the next look."))
        assert "Masked until" in seen and "%" not in seen and "heron" not in seen


def test_simulated_and_excluded_are_told_below_the_figure():
    content = make_content(2, simulated=True)
    assert "all answers are of bots" in figures.caption("forest", content)
    for name in NAMES:
        assert "bots, not people" in told(draw(name, content))
    assert "names as typed · with those excluded" in told(draw("names", content, layer="raw", analysis="all"))
    assert "excluded" in figures.caption("forest", content, figures.Choice(analysis="all"))
    assert "15 %" in figures.alternative_text("forest", content)


def test_the_flow_shows_each_step_and_who_left():
    steps = [("Arrived", 12, [("no consent", 2)]), ("Consented", 10, []), ("In the main analysis", 9, [])]
    seen = told(draw("flow", make_content(1), flow=steps))
    assert "n = 12" in seen and "no consent: 2" in seen and "n = 9" in seen


def test_matplotlib_is_loaded_by_drawing_alone():
    asked = "import sys, study.figures; sys.exit(any(m.startswith('matplotlib') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", asked], timeout=60).returncode == 0
