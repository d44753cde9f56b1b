"""A participant's run, seen from the line: no byte of it tells class, network, condition, check or file."""

import base64
import html
import json
import re
import struct
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from study import publishing, stimuli
from study.models import Participant, Stimulus
from summaries import exhibits
from tests.factories import CLASS_NAME, FILE_NAME, NETWORK_NAME
from tests.found_runs import make_found_run, tag_summaries

CONDITIONS = ("zorblax treatment", "plumbus baseline")
TAGGER, TAG, OTHER_TAG = "wombatometer", "thorny flapper", "gilded spout"
GOLD, PLAN, SECRET = "snorkelbeak", "we hypothesise that", "whsec-wibble"
KINDS = ("gold", "decoy", "repeat", "baseline", "surplus", "exclusion", "stimulus", "exhibit")
"""Words of ours that would tell what a picture is for, or how somebody fares."""
PNG = b"\x89PNG"
CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


@pytest.fixture
def study(db):
    """Two conditions with all kinds of checks in them, published; the summaries of the first are tagged."""
    tagged = make_found_run(summaries=3, side=32)
    tag_summaries(tagged, TAGGER, tags=[[TAG, 0.8], [OTHER_TAG, 0.1]])
    draft = publishing.create_study(tagged, "Parts of a quokkafish")
    stimuli.add_condition(draft, make_found_run(summaries=3, side=32))
    for condition, name in zip(draft.conditions.all(), CONDITIONS, strict=True):
        draft.conditions.filter(pk=condition.pk).update(name=name)
        stimuli.add_repeats(condition, 1)
        stimuli.add_decoys(condition, 1)
        stimuli.mark_gold(condition.stimuli.filter(kind="summary", repeats=None).first(), GOLD)
    draft.plan, draft.webhook_secret, draft.exclusion = PLAN, SECRET, {"gold_missed": 2}
    draft.comprehension = [{"text": "What do you name?", "choices": ["the rest", "the part"], "right": 1}]
    draft.save()
    publishing.open_study(draft)
    return draft


def secrets_of(study) -> list[str]:
    rows = study.stimuli.all()
    own = {key for row in rows for key in (*row.pictures, row.exhibit, row.title, row.group)}
    hashes = {re.sub(r"\W", "", key)[-64:] for row in rows for key in row.pictures}
    names = {CLASS_NAME, NETWORK_NAME, FILE_NAME, study.title, *CONDITIONS, GOLD, PLAN, SECRET, "menagerie"}
    names |= {TAGGER, TAG, OTHER_TAG}
    return sorted(own | names | {part for part in hashes if part})


def disguises(word: str) -> set[bytes]:
    """The ways in which a word may stand in a page, a header, JSON or base64, in lower case."""
    plain = word.encode()
    kept = {plain, quote(word).encode(), html.escape(word).encode(), word.encode("utf-16-le"), plain[::-1]}
    kept |= {plain.hex().encode(), json.dumps(word)[1:-1].encode(), re.sub(r"[ _]", "-", word).encode()}
    for shift in range(3):
        kept.add(base64.b64encode(b"x" * shift + plain)[4 if shift else 0 : -4])
    return {each.lower() for each in kept if len(each) > 3}


class Line:
    """A client that keeps all that comes over the line, by address."""

    def __init__(self):
        self.client, self.heard = Client(), []

    def call(self, method: str, address: str, **more: object):
        response = getattr(self.client, method)(address, **more)
        body = response.getvalue() if response.streaming else response.content
        cookies = response.cookies.output().encode()
        head = "\n".join(f"{name}: {value}" for name, value in response.headers.items()).encode()
        self.heard.append((f"{method} {address}", response, head + b"\n" + cookies, body))
        return self.call("get", response["Location"]) if response.status_code == 302 else response

    def page(self, response) -> str:
        return response.content.decode()

    @property
    def everything(self) -> bytes:
        return b"\n".join(head + b"\n" + body for _, _, head, body in self.heard)


def walk(study) -> Line:
    """From the link to the code, with everything on the way asked for that the pages name, and some more."""
    line, start = Line(), study.get_absolute_url()
    page = line.page(line.call("get", start))
    line.call(
        "post", start, data={"ticket": html.unescape(re.search(r'name="ticket" value="([^"]+)"', page)[1])}
    )
    line.call("post", start + "consent/", data={"of_age": "on", "agree": "on"})
    line.call("post", start + "instructions/")
    line.call("post", start + "practice/", data={"kind": "name", "words": "wheel"})
    line.call("post", start + "practice/", data={"done": "1"})
    line.call("post", start + "check/", data={"attempt": 1, "check-0": "0"})
    line.call("post", start + "check/", data={"attempt": 2, "check-0": "1"})
    work, receipts = line.call("get", start + "work/").json(), {}
    for number, trial in enumerate(work["trials"]):
        receipts[trial["key"]] = _answer(line, start, trial, by_script=number % 2)
    line.call("get", start + "nowhere/")
    line.call(
        "put", start + "answers/00000000-0000-0000-0000-000000000000/", data="[", content_type="text/plain"
    )
    told = {"receipts": {key: "" for key in receipts}, "feedback": ""}
    line.call("post", start + "finish/", data=told, content_type="application/json")
    return line


def _answer(line: Line, start: str, trial: dict, by_script: bool) -> str:
    line.call("get", f"{start}trial/{trial['key']}/")
    for picture in trial["pictures"]:
        line.call("get", picture["address"])
    given = {"kind": "nothing_in_common", "words": ""}
    if by_script:
        line.call("put", f"{start}answers/{trial['key']}/", data=given, content_type="application/json")
    else:
        line.call("post", f"{start}trial/{trial['key']}/", data=given)
    return trial["key"]


def end(line: Line, study) -> str:
    line.call("post", study.get_absolute_url() + "feedback/", data={"feedback": "Nice!"})
    participant = Participant.objects.latest("pk")
    receipt = reverse("study:receipt", args=[participant.receipt_key])
    line.call("get", receipt)
    line.call("get", receipt + "download.json")
    line.call("post", receipt + "withdraw/")
    return participant.completion_code


def chunks_of(png: bytes) -> list[bytes]:
    found, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        found.append(png[at + 4 : at + 8])
        at += 12 + length
    return found


def without_chance(page: bytes) -> str:
    """A page without what is random or counted in it."""
    told = re.sub(r"[0-9a-f-]{36,}", "KEY", page.decode())
    told = re.sub(r'value="[^"]{20,}"', 'value="SIGNED"', told)
    return re.sub(r"/r/[\w-]+|\d+", "N", told)


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_word_is_found_in_its_disguises(before):
    told = f"{before}{CLASS_NAME} of {before}"
    ways = [told.upper(), told[::-1], told.encode().hex(), base64.b64encode(told.encode()).decode()]
    assert all(any(each in way.lower().encode() for each in disguises(CLASS_NAME)) for way in ways)


def test_no_byte_on_the_line_tells_what_is_studied(study):
    line = walk(study)
    text = b"\n".join(head + body for _, _, head, body in line.heard if not body.startswith(PNG)).lower()
    assert [kind for kind in KINDS if re.search(rb"\b" + kind.encode() + rb"s?\b", text)] == []
    assert not [each for each in study.codes.all() if each.code.encode() in line.everything]
    code, heard = end(line, study), line.everything.lower()
    others = study.codes.exclude(code=code).values_list("code", flat=True)
    assert code.lower().encode() in heard
    assert not [other for other in others if other.lower().encode() in heard]
    assert [(word, way) for word in secrets_of(study) for way in disguises(word) if way in heard] == []


def test_pictures_hold_pixels_alone_and_all_look_alike_from_outside(study):
    line = walk(study)
    sent = [(head, body) for _, response, head, body in line.heard if response["Content-Type"] == "image/png"]
    assert len(sent) >= study.stimuli.filter(condition=study.conditions.first()).count()
    assert {chunk for _, body in sent for chunk in chunks_of(body)} <= CHUNKS
    assert len({body[16:33] for _, body in sent}) == 1, "size, depth or colours tell kinds apart"
    assert len({re.sub(rb"\d+", b"", head) for head, _ in sent}) == 1


def test_two_conditions_cannot_be_told_apart_by_any_page(study):
    seen = {}
    for _ in range(2):
        line = walk(study)
        condition = Participant.objects.latest("pk").condition
        pages = [
            (without_chance(name.encode()), without_chance(body))
            for name, _, _, body in line.heard
            if not body.startswith(PNG)
        ]
        seen[condition.name] = pages
    assert set(seen) == set(CONDITIONS)
    one, other = seen.values()
    assert one == other


def test_the_trials_of_a_participant_differ_in_nothing_but_keys(study):
    line = walk(study)
    work = next(response.json() for name, response, _, _ in line.heard if name.endswith("/work/"))
    kinds = Stimulus.objects.filter(trials__participant=Participant.objects.get()).values_list(
        "kind", flat=True
    )
    assert set(kinds) == {"summary", "gold", "decoy", "repeat"}
    alike = {
        re.sub(r"[0-9a-f-]{36,}", "KEY", json.dumps(trial | {"position": 0}, sort_keys=True))
        for trial in work["trials"]
    }
    assert len(alike) == 1


def test_the_study_s_summaries_have_tags_that_could_leak(study):
    keys = list(study.stimuli.filter(kind="summary", repeats=None).values_list("exhibit", flat=True))
    told = {tag for said in exhibits.tags_of(keys).values() for each in said for tag, _ in each.tags}
    assert told == {TAG, OTHER_TAG}
