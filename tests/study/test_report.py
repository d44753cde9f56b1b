"""The report of a real small study: nothing claimed that did not happen, as a page and as LaTeX."""

import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as some

from study import exclusions, publishing, versions
from study.models import Exclusion
from study.report import document, escaping, latex, references, tables, writing
from study.report.facts import facts
from tests.factories import CLASS_NAME, give_answers, make_design, make_participant, make_study
from tests.findings import make_content

pytestmark = pytest.mark.django_db

LATEX = shutil.which("pdflatex")


@pytest.fixture
def study(db):
    """Two conditions of two summaries; of six people one is excluded, one skips, one leaves."""
    made = make_design(conditions=2, summaries=2, target=3, least_age=18)
    for words in (
        ("wing", "beak"),
        ("Wings", "the beak"),
        ("fin", "nothing_in_common"),
        ("beak", "cannot_tell"),
    ):
        give_answers(make_participant(made), *words)
    give_answers(make_participant(made), "skipped", "wing")
    make_participant(made)
    exclusions.exclude(made.participants.order_by("number")[2], "pressed the same key", None)
    return made


def researcher():
    user = User.objects.create_superuser("keeper")
    client = Client()
    client.force_login(user)
    return client


def plain(made):
    """All words of a document."""
    words = [made.title, *made.notes]
    for section in made.sections:
        for block in section.blocks:
            if isinstance(block, document.Paragraph):
                words += [part if isinstance(part, str) else "[1]" for part in block.words]
            elif isinstance(block, document.Items):
                words += block.lines
            elif isinstance(block, document.Table):
                words += [
                    block.caption,
                    block.note,
                    *block.head,
                    *(cell for row in block.rows for cell in row),
                ]
            else:
                words += [block.caption, block.alternative_text]
    return " ".join(words)


def compiled(folder, source, files=()):
    """How many pages pdflatex makes of it."""
    (folder / "report.tex").write_text(source)
    for name, data in files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    command = [LATEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "report.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-1500:]
    log = (folder / "report.log").read_text(errors="replace")
    assert "Undefined control sequence" not in log and "undefined references" not in log
    return int(re.search(r"Output written on report\.pdf \((\d+) page", log).group(1))


def test_the_flow_counts_everybody_once_from_arrival_to_analysis(study):
    seen = facts(study).flow
    assert (seen.arrived, seen.consented, seen.answered, seen.analysed) == (6, 6, 5, 4)
    assert seen.excluded == 1 and seen.rules == {"by hand": 1} and seen.skipped == 1
    assert seen.steps[1] == ("Consented", 6, (("gave no answer", 1),))


def test_the_methods_follow_from_what_was_done(study):
    words = plain(writing.write(study))
    assert "an age of at least 18 years" in words and "in 2 conditions" in words
    assert "random order (seed 7)" in words and "3 answers for each summary" in words
    assert "“pressed the same key”" in words and "No rules of exclusion were declared." in words
    assert "comprehension" not in words and "Latin square" not in words and "decoy" in words
    assert study.versions.get().sha256 in words and "2 summaries" in words
    assert "No synonyms were merged" in words and "No looks at the estimate were declared" in words


def test_the_limitations_are_the_studys_own(study):
    words = " ".join(writing.write(study).sections[3].blocks[0].lines)
    assert "Only 4 participants are" in words and "1 exclusion was made by hand" in words
    assert "There were no decoys" in words and "still open" in words
    publishing.close_study(study)
    assert "still open" not in plain(writing.write(study))


def test_what_was_taken_out_of_the_design_is_told_and_falls_short_of_nothing(study):
    gone = study.stimuli.get(condition__position=1, position=1)
    gone.removed_at = timezone.now()
    gone.save()
    told = plain(writing.write(study))
    assert "The study showed 3 summaries" in told
    assert "1 further stimulus was taken out of the design after people had answered" in told
    assert "(taken out of the design)" in told and "3 summaries have fewer answers" in told


def test_exclusions_that_were_made_or_taken_back_by_hand_are_told_as_such(study):
    exclusion = exclusions.exclude(study.participants.order_by("number")[3], "in haste", None)
    exclusions.lift(exclusion, "a mistake", User.objects.create_user("ada"))
    told = plain(writing.write(study))
    assert "The server evaluated the rules" not in told
    assert "1 participant was excluded by hand, with the reason “pressed the same key”" in told
    assert "1 exclusion was taken back by the researchers" in told


def test_a_rule_whose_limit_was_changed_counts_people_by_the_limit_of_their_time(db):
    made = make_study(1, exclusion={"least_seconds": 2})
    for limit, words in ((2, ("wing", "fin")), (3, ("beak",))):
        made.exclusion = {"least_seconds": limit}
        made.save()
        versions.publish(made)
        for each in words:
            give_answers(make_participant(made), each)
    for person in made.participants.all():
        Exclusion.objects.create(participant=person, rule="least_seconds", reason="Too fast.")
    assert [(rule.limit, rule.met) for rule in facts(made).rules] == [(2, 2), (3, 1)]


def test_tables_give_every_measure_at_three_layers_with_and_without_those_excluded(study):
    made = {block.key: block for block in writing.write(study).sections[2].blocks if hasattr(block, "rows")}
    main, everybody = made["overall-main"], made["overall-all"]
    assert "4 people" in main.caption and "5 people" in everybody.caption
    assert main.head == ("Measure", "As typed", "Mechanical", "Merged") and len(main.rows) == 11
    assert len(made["conditions"].rows) == 2 and len(made["summaries"].rows) == 4


def test_agreement_is_told_once_where_nobody_is_excluded(study):
    Exclusion.objects.all().delete()
    made = {block.key: block for block in writing.write(study).sections[2].blocks if hasattr(block, "rows")}
    assert "5 people" in made["overall-main"].caption and "nobody excluded" in made["overall-main"].caption
    assert "overall-all" not in made


def test_nothing_is_unseen_without_a_minus_sign():
    assert tables._decimal(-0.01, 1) == "0.0" and tables._decimal(-0.2, 1) == "−0.2"


def test_conditions_are_compared_with_the_first_and_the_difference_has_an_interval(study):
    made = {block.key: block for block in writing.write(study).sections[2].blocks if hasattr(block, "rows")}
    ((name, agreement, *_),) = made["differences"].rows
    first, second = facts(study).main["conditions"].values()
    values = [one["layers"]["merged"]["name_agreement"]["value"] for one in (first, second)]
    assert name.endswith(f"less {study.conditions.first().name}")
    assert agreement.startswith(f"{100 * (values[1] - values[0]):.0f}".replace("-", "−")) and "[" in agreement


def test_tags_floor_and_repeats_stand_in_tables_where_there_are_any(study):
    words = plain(writing.document(replace(facts(study), content=make_content())))
    assert "segments 1" in words and "segments and clip" in words and "−0.25" in words and "0.031" in words
    assert "Decoys that were given a name" in words and "Repeats named as before, merged" in words
    assert "Wilcoxon" in words and "the same share for decoys, 15 %" in words


def test_every_source_that_is_cited_stands_in_the_references(study):
    made = writing.write(study)
    assert "krippendorff2011" in made.cited and set(made.cited) <= set(references.REFERENCES)
    assert references.bibtex(made.cited).count("@") == len(made.cited)


def test_a_study_of_bots_says_so_first(db):
    made = make_study(2)
    give_answers(make_participant(made, simulated=True), "wing", "beak")
    words = plain(writing.write(made))
    assert words.count("imulated") >= 3 and "Country" not in words


def test_a_study_without_anybody_has_a_report_all_the_same(db):
    words = plain(writing.write(make_study(1)))
    assert "There are no answers yet." in words and "0 people arrived" in words


def test_masked_estimates_stand_in_no_part_of_the_report(db):
    study = make_study(
        2,
        opened=False,
        looks={"measure": "alpha", "layer": "merged", "aim": "precision", "value": 0.1, "at": [5, 10]},
    )
    publishing.open_study(study)
    for _ in range(3):
        give_answers(make_participant(study), "wing", "beak")
    made = writing.write(study)
    tables = [block.key for section in made.sections for block in section.blocks if hasattr(block, "rows")]
    assert "overall-main" not in tables and "summaries" not in tables and "flow" in tables
    assert "Estimates are masked." in made.notes[0] and "at 5 and 10 participants" in plain(made)
    client = researcher()
    address = reverse("study:figure", args=[study.slug, "forest", "svg"])
    assert CLASS_NAME not in client.get(address).content.decode()
    seen = client.get(reverse("study:report", args=[study.slug])).content.decode()
    assert "wing" not in seen and "table-overall" not in seen and "table-flow" in seen


def test_the_page_shows_words_tables_figures_and_what_people_typed_as_data(study):
    give_answers(make_participant(study), "<script>alert(1)</script>", "wing\u202egnp")
    page = researcher().get(reverse("study:report", args=[study.slug]))
    seen = page.content.decode()
    assert page.status_code == 200 and "<script>alert" not in seen and "\u202e" not in seen
    assert 'id="table-overall-main"' in seen and 'id="figure-forest"' in seen and "Limitations" in seen
    assert reverse("study:result", args=[study.slug, study.stimuli.first().pk]) in seen
    assert 'href="#reference-gwet2008"' in seen and 'id="reference-gwet2008"' in seen


def test_figures_come_as_svg_pdf_and_png_and_those_that_do_not_exist_do_not(study):
    client = researcher()
    for format, kind in (("svg", "image/svg+xml"), ("pdf", "application/pdf"), ("png", "image/png")):
        got = client.get(reverse("study:figure", args=[study.slug, "forest", format]), {"layer": "raw"})
        assert got.status_code == 200 and got["Content-Type"] == kind
        assert ("attachment" in got.get("Content-Disposition", "")) == (format != "svg")
        assert "script" not in got["Content-Security-Policy"] and "'none'" in got["Content-Security-Policy"]
    for name, format in (("nonsense", "svg"), ("forest", "gif")):
        assert client.get(reverse("study:figure", args=[study.slug, name, format])).status_code == 404
    asked = client.get(reverse("study:figure", args=[study.slug, "forest", "svg"]), {"layer": "fourth"})
    assert asked.status_code == 404


def test_a_figure_is_drawn_anew_once_something_changed(study):
    client, address = researcher(), reverse("study:figure", args=[study.slug, "forest", "svg"])
    before = client.get(address).content
    assert client.get(address).content == before
    give_answers(make_participant(study), "wing", "beak")
    assert client.get(address).content != before


@pytest.mark.skipif(not LATEX, reason="pdflatex is not installed, so no report was compiled")
def test_the_latex_compiles_with_its_figures_and_tables(study, tmp_path):
    give_answers(make_participant(study), "50% & $x_1^2$ \\end{document} #~{}", "翅膀 \u202e🙂 l'été")
    got = researcher().get(reverse("study:report_latex", args=[study.slug]))
    assert got["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(got.content))
    names = set(archive.namelist())
    assert {"report.tex", "references.bib", "README.txt", "figures/forest.pdf", "figures/flow.pdf"} <= names
    drawn = [(name, archive.read(name)) for name in names if name.startswith("figures/")]
    source = archive.read("report.tex").decode()
    assert "[U+7FC5]" in source.replace("{[}", "[").replace("{]}", "]") and source.isascii()
    assert compiled(tmp_path, source, drawn) >= 4


@pytest.mark.skipif(not LATEX, reason="pdflatex is not installed, so no text was compiled")
def test_any_text_makes_latex_that_compiles(tmp_path):
    found = []

    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(some.text(max_size=60))
    def collect(text):
        assert escaping.escaped(text).isascii()
        found.append(text)

    collect()
    found += [chr(number) for number in (*range(0x20, 0x250), 0x301, 0x1F600, 0x7FC5, 0xFFFD)]
    found += ["[2cm]", "*", "--", "---", "?`!`", ",,", "<<>>", "a" * 300, "^^41", "%", "\\\\", "\\input{x}"]
    rows = tuple((text, text) for text in found)
    table = document.Table("any", "".join(found[:20]), ("one", "two"), rows, (0.4, 0.4), 2, found[3])
    words = document.Paragraph(tuple(found), found[5])
    sections = (document.Section("Anything", (words, document.Items(tuple(found)), table)),)
    made = document.Document("".join(found[-12:]), (), sections, "")
    assert compiled(tmp_path, latex.tex(made)) > 5


def test_what_latex_cannot_show_is_written_by_its_number():
    assert escaping.escaped("a_b") == r"a\_b" and escaping.escaped("é") == r"\'{e}"
    assert escaping.escaped("翅") == r"{\ttfamily{[}U+7FC5{]}}"
    assert escaping.escaped("ï") == r"\"{\i}" and escaping.escaped("ç") == r"\c{c}"
