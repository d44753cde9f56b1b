"""Participants read the study's language, on every page and in every message."""

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils.translation import trans_real

from study import publishing, sessions, texts
from study.models import Outcome, Participant
from tests.factories import make_participant, make_study

ROOM = Path(sessions.__file__).parent.parent
CATALOGUE = ROOM / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
SAID = re.compile(
    r"""\{%\s*translate\s+(["'])(.+?)\1|(?<![\w.])(?:_|gettext|gettext_lazy)\(\s*(["'])(.+?)\3\s*\)"""
)
SPOKEN_EVERYWHERE = {"meronym", "cookie", "json", "strong", "position", "count"}


def chinese_study(**settings):
    study = make_study(2, opened=False, language="zh-hans", **settings)
    usual = texts.of("zh-hans")
    study.consent, study.instructions, study.thanks = usual.consent, usual.instructions, usual.thanks
    study.save()
    publishing.open_study(study)
    return study


def english_words(page):
    """Of the page's text, alternative texts and messages for scripts."""
    body = re.sub(
        r'<script.*?</script>|<p class="code".*?</p>', "", page[page.index("<title>") :], flags=re.S
    )
    told = re.findall(r'(?:alt|data-(?!key|start|copy=)[a-z-]+|aria-label|title)="([^"]*)"', body)
    text = " ".join([re.sub(r"<[^>]*>", " ", body), *told])
    return {word.lower() for word in re.findall(r"[A-Za-z]{4,}", html.unescape(text))} - SPOKEN_EVERYWHERE


def test_every_sentence_of_the_pages_has_its_chinese():
    sources = [*ROOM.glob("templates/study/*.html"), *ROOM.glob("*.py")]
    said = {match[1] or match[3] for path in sources for match in SAID.findall(path.read_text())}
    known = trans_real.translation("zh-hans")
    assert len(said) > 100
    assert [sentence for sentence in sorted(said) if sentence not in known._catalog] == []


@pytest.mark.skipif(not shutil.which("msgfmt"), reason="gettext is not installed")
def test_the_compiled_catalogue_is_the_written_one(tmp_path):
    made = tmp_path / "django.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", made, CATALOGUE], check=True)
    assert made.read_bytes() == CATALOGUE.with_suffix(".mo").read_bytes()


def test_the_usual_texts_come_in_every_language_and_else_in_english():
    assert texts.of("en").consent.startswith("You are invited")
    assert texts.of("zh-hans").consent.startswith("诚邀您") and texts.of("tlh") == texts.of("en")
    assert (
        "\n" not in texts.of("zh-hans").thanks and texts.translated("Own words?", "zh-hans") == "Own words?"
    )


@pytest.mark.django_db
def test_a_chinese_study_says_nothing_in_english(client):
    study = chinese_study(
        questions=[{"key": "eyes", "text": "您戴眼镜吗?", "choices": ["是", "否"]}],
        comprehension=[{"text": "要说出什么?", "choices": ["部分", "背景"], "right": 0}],
        revisable=True,
    )
    start = reverse("study:start", args=[study.slug])
    pages = [client.get(start)]
    ticket = re.search(r'name="ticket" value="([^"]+)"', pages[0].content.decode())[1]
    for address, sent in (
        ("", {"ticket": "forged"}),
        ("", {"ticket": html.unescape(ticket)}),
        ("consent/", {}),
        ("consent/", {"of_age": "on", "agree": "on"}),
        ("questions/", {}),
        ("instructions/", {}),
        ("practice/", {"kind": "name", "words": "a b c d"}),
        ("practice/", {"kind": "cannot_tell"}),
        ("practice/", {"kind": "name", "words": "车轮"}),
        ("practice/", {"unseen": "1"}),
        ("practice/", {"done": "1"}),
        ("check/", {"attempt": 1}),
        ("check/", {"attempt": 1, "check-0": 1}),
        ("check/", {"attempt": 2, "check-0": 0}),
    ):
        pages.append(client.post(start + address, sent, follow=True))
    for sent in ({"kind": "name"}, {"kind": "name", "words": "车轮"}, {"kind": "skipped"}):
        pages.append(client.post(pages[-1].request["PATH_INFO"], sent, follow=True))
    pages.append(client.post(start + "feedback/", follow=True))
    names = {page.request["PATH_INFO"].split("/")[3] for page in pages}
    assert names >= {"", "consent", "questions", "instructions", "practice", "check", "trial", "feedback"}
    for page in pages:
        told = page.content.decode()
        assert '<html lang="zh-hans">' in told
        assert english_words(told) == set(), page.request["PATH_INFO"]
    assert Participant.objects.get().outcome == Outcome.COMPLETED


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", [each for each in Outcome.values if each != Outcome.WITHDREW])
def test_every_end_is_told_kindly_in_both_languages_with_its_code(client, outcome):
    for study in (make_study(1), chinese_study()):
        participant = make_participant(study)
        sessions.end(participant, outcome)
        participant.refresh_from_db()
        client.cookies.clear()
        response = enter(client, participant)
        told = response.content.decode()
        assert participant.completion_code in told and participant.receipt_key in told
    assert english_words(told) == set()


def enter(client, participant):
    """The page to which this participant's browser is led."""
    from study import views

    client.cookies.load(views.enter(participant.study, participant).cookies.output(header=""))
    return client.get(reverse("study:start", args=[participant.study.slug]), follow=True)
