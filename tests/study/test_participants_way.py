"""A participant's way, walked through the pages with Django's client."""

import csv
import html
import io
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from PIL import Image as Pillow

from study import exports, publishing
from study.models import Answer, Outcome, Participant, Recruit, Trial
from tests.factories import CLASS_NAME, FILE_NAME, NETWORK_NAME, give_answers, make_participant, make_study

pytestmark = pytest.mark.django_db


def start_of(study):
    return reverse("study:start", args=[study.slug])


CONSENT = {"of_age": "on", "agree": "on"}
CHECK = [{"text": "What do you name?", "choices": ["the outlined part", "the background"], "right": 0}]
QUESTIONS = [
    {"key": "sight", "text": "Do you wear glasses?", "choices": ["yes", "no"]},
    {"key": "job", "text": "Job?"},
]


def press_start(client, study):
    return client.post(start_of(study), {"ticket": ticket_of(client, study)}, follow=True)


def ticket_of(client, study):
    page = client.get(start_of(study)).content.decode()
    return html.unescape(re.search(r'name="ticket" value="([^"]+)"', page)[1])


def walk_to_first_trial(client, study):
    """The address of the first trial."""
    press_start(client, study)
    client.post(start_of(study) + "consent/", CONSENT)
    client.post(start_of(study) + "instructions/")
    return client.post(start_of(study) + "practice/", {"done": "1"}, follow=True).redirect_chain[-1][0]


def answer(client, address, words="", kind="name", **more):
    return client.post(address, {"kind": kind, "words": words, **more}, follow=True)


def address(response):
    return response.redirect_chain[-1][0]


def rows_of(study):
    return list(csv.DictReader(io.StringIO("".join(exports.answer_lines(study)))))


def test_from_start_to_thanks_and_the_csv_holds_exactly_those_answers(client):
    study = make_study(3)
    here = walk_to_first_trial(client, study)
    second = address(answer(client, here, " The  Wing!", seconds="3.25"))
    third = address(answer(client, second, kind="nothing_in_common", words="left over"))
    assert address(answer(client, third, kind="skipped")) == start_of(study) + "feedback/"
    end = client.post(start_of(study) + "feedback/", {"feedback": "Nice!\0"}, follow=True)
    participant = Participant.objects.get()
    assert address(end) == start_of(study) + "thanks/" and participant.feedback == "Nice!"
    assert participant.completion_code and participant.completion_code in end.content.decode()
    rows = rows_of(study)
    assert [(row["kind"], row["words"], row["name"]) for row in rows] == [
        ("name", " The  Wing!", "wing"),
        ("nothing_in_common", "", ""),
        ("skipped", "", ""),
    ]
    assert [row["trial"] for row in rows] == ["1", "2", "3"] and rows[0]["seconds"] == "3.250"
    assert {row["stimulus"] for row in rows} == set(study.stimuli.values_list("exhibit", flat=True))
    assert {row["participant"] for row in rows} == {participant.code}


def test_opening_any_page_creates_nothing(client):
    study = make_study()
    for page in ("", "consent/", "questions/", "practice/", "check/", "feedback/", "thanks/"):
        client.get(start_of(study) + page)
    assert not Participant.objects.exists() and not Trial.objects.exists()


def test_pressing_start_twice_makes_one_participant():
    study = make_study()
    ticket = ticket_of(Client(), study)
    for _ in range(2):
        Client().post(start_of(study), {"ticket": ticket})
    assert Participant.objects.count() == 1


def test_a_forged_ticket_starts_nothing(client):
    study = make_study()
    page = client.post(start_of(study), {"ticket": "of-my-own:making"})
    assert b"press Start once more" in page.content and not Participant.objects.exists()


def test_consent_needs_the_age_and_the_box_and_keeps_the_hash_of_the_text(client):
    study = make_study(least_age=21)
    assert b"at least 21 years" in press_start(client, study).content
    refused = client.post(start_of(study) + "consent/", {"of_age": "on"}).content.decode()
    assert "Please tick the box" in refused and refused.count(" checked") == 1
    refused = client.post(start_of(study) + "consent/", {"agree": "on"})
    assert b"Please tick this box" in refused.content and not Trial.objects.exists()
    client.post(start_of(study) + "consent/", CONSENT)
    participant = Participant.objects.get()
    assert participant.consented_at and len(participant.consent_sha256) == 64
    assert participant.trials.count() == study.stimuli.count()


def test_who_does_not_want_to_take_part_gets_thanks_and_a_code(client):
    study = make_study()
    press_start(client, study)
    end = client.post(start_of(study) + "consent/", {"decline": "1"}, follow=True).content.decode()
    participant = Participant.objects.get()
    assert participant.outcome == Outcome.NO_CONSENT and participant.completion_code in end
    assert "perfectly fine" in end and not Trial.objects.exists()


def test_nobody_has_to_answer_the_questions(client):
    study = make_study(questions=QUESTIONS)
    press_start(client, study)
    asked = client.post(start_of(study) + "consent/", CONSENT, follow=True)
    assert address(asked) == start_of(study) + "questions/" and b"Do you wear glasses?" in asked.content
    given = {"question-0": "something else", "question-1": "\0" + "x" * 500}
    client.post(start_of(study) + "questions/", given)
    participant = Participant.objects.get()
    assert participant.profile == {"job": "x" * 200} and participant.questioned_at


def test_practice_answers_kindly_and_keeps_nothing(client):
    study = make_study()
    press_start(client, study)
    client.post(start_of(study) + "consent/", CONSENT)
    client.post(start_of(study) + "instructions/")
    for sent, said in (
        ({"kind": "name", "words": " The Wheels"}, "Well done"),
        ({"kind": "name", "words": "roof"}, "Most people would type"),
        ({"kind": "cannot_tell"}, "You can always answer so"),
        ({"kind": "name", "words": ""}, "Please type a name"),
    ):
        assert said in client.post(start_of(study) + "practice/", sent, follow=True).content.decode()
    assert not Answer.objects.exists() and Participant.objects.get().practised_at is None


def test_who_cannot_see_the_pictures_goes_with_a_code(client):
    study = make_study()
    press_start(client, study)
    client.post(start_of(study) + "consent/", CONSENT)
    client.post(start_of(study) + "instructions/")
    asked = client.post(start_of(study) + "practice/", {"unseen": "1"}, follow=True)
    assert b"End the study here" in asked.content and not Participant.objects.get().outcome
    end = client.post(start_of(study) + "practice/", {"unsuitable": "1"}, follow=True)
    participant = Participant.objects.get()
    assert participant.outcome == Outcome.DEVICE_UNSUITABLE
    assert participant.completion_code in end.content.decode()


def test_the_check_leaves_two_attempts_and_then_a_kind_way_out(client):
    study = make_study(comprehension=CHECK)
    here = walk_to_first_trial(client, study)
    assert here == start_of(study) + "check/"
    unanswered = client.post(here, {"attempt": 1})
    assert b"Please choose one" in unanswered.content
    for _ in range(2):  # the same page sent twice counts once
        again = client.post(here, {"attempt": 1, "check-0": "1"}, follow=True)
        assert b"Not quite yet" in again.content
    end = client.post(here, {"attempt": 2, "check-0": "1"}, follow=True).content.decode()
    participant = Participant.objects.get()
    assert participant.outcome == Outcome.SCREENED_OUT and participant.completion_code in end
    assert "you have done nothing wrong" in end


def test_who_understands_goes_on_to_the_trials(client):
    study = make_study(comprehension=CHECK)
    here = walk_to_first_trial(client, study)
    assert "/trial/" in address(client.post(here, {"attempt": 1, "check-0": "0"}, follow=True))


def test_a_recruiters_query_is_taken_once_and_then_stripped(client):
    study = make_study(1)
    person, submission = "a" * 24, "b" * 24
    query = {"PROLIFIC_PID": person, "SESSION_ID": submission, "STUDY_ID": "c" * 24}
    stripped = client.get(start_of(study), query)
    assert (stripped.status_code, stripped.url) == (303, start_of(study)) and not Participant.objects.exists()
    assert stripped.cookies["arrival"]["httponly"] and person not in str(stripped.cookies)
    press_start(client, study)
    recruit = Recruit.objects.get()
    assert (recruit.person, recruit.submission, recruit.platform) == (person, submission, "prolific")
    assert client.cookies["arrival"].value == ""


def test_somebody_elses_link_in_the_same_browser_begins_anew_and_a_second_submission_does_not(client):
    study = make_study(1)
    for person, submission in (("one", "1"), ("two", "2")):
        client.get(start_of(study), {"PROLIFIC_PID": person, "SESSION_ID": submission})
        assert address(press_start(client, study)) == start_of(study) + "consent/"
    assert Participant.objects.count() == 2
    client.get(start_of(study), {"PROLIFIC_PID": "two", "SESSION_ID": "3"})
    again = client.post(start_of(study), {"ticket": ticket_of(client, study)})
    assert again.status_code == 403 and b"took part already" in again.content
    assert Participant.objects.count() == 2
    client.get(start_of(study), {"PROLIFIC_PID": "two", "SESSION_ID": "2"})
    assert client.get(start_of(study)).url == start_of(study) + "consent/"


def test_when_all_places_are_taken_who_comes_is_told_so_kindly_with_a_code(client):
    study = make_study(1, target=1)
    give_answers(make_participant(study), "wing")
    page = press_start(client, study).content.decode()
    latest = Participant.objects.latest("pk")
    assert latest.outcome == Outcome.QUOTA_FULL and latest.completion_code in page
    assert "All places" in page


def test_answers_may_be_changed_by_going_back_where_the_study_says_so(client):
    study = make_study(2, revisable=True)
    first = walk_to_first_trial(client, study)
    second = answer(client, first, "wing")
    assert f'href="{first}"' in second.content.decode()
    assert b'value="wing"' in client.get(first).content
    assert address(answer(client, first, "beak")) == address(second)
    assert list(Answer.objects.values_list("words", "revision")) == [("wing", 1), ("beak", 2)]


def test_every_other_address_leads_to_the_one_page_where_the_participant_may_be(client):
    study = make_study(3)
    here = walk_to_first_trial(client, study)
    later = reverse("study:trial", args=[study.slug, Trial.objects.get(position=3).key])
    for other in (
        "",
        "consent/",
        "questions/",
        "instructions/",
        "practice/",
        "check/",
        "feedback/",
        "thanks/",
    ):
        assert client.get(start_of(study) + other).url == here
    assert client.get(later).url == here and client.post(later, {"kind": "cannot_tell"}).url == here
    assert client.get(here).status_code == 200 and not Answer.objects.exists()


def test_an_answer_sent_twice_or_with_other_words_changes_nothing_and_the_participant_goes_on(client):
    study = make_study(3)
    first = walk_to_first_trial(client, study)
    second = address(answer(client, first, "wing"))
    assert address(answer(client, first, "wing")) == second
    assert address(answer(client, first, "something else")) == second
    assert address(answer(client, first, "far too many words here")) == second
    assert list(Answer.objects.values_list("words", flat=True)) == ["wing"]


def test_the_last_answer_sent_twice_keeps_the_completion_code(client):
    study = make_study(1)
    only = walk_to_first_trial(client, study)
    assert b"All your answers are saved" in answer(client, only, "wing").content
    end = client.post(start_of(study) + "feedback/", follow=True).content.decode()
    code = re.search(r'id="code">(\w+)<', end)[1]
    assert code in client.post(start_of(study) + "feedback/", follow=True).content.decode()
    assert code in answer(client, only, "beak").content.decode()
    assert code in client.get(start_of(study), follow=True).content.decode()
    assert Participant.objects.get().completion_code == code


def test_before_the_last_answer_no_completion_code_exists(client):
    study = make_study(2)
    answer(client, walk_to_first_trial(client, study), "wing")
    client.post(start_of(study) + "feedback/")
    assert Participant.objects.get().completion_code == ""
    assert client.get(start_of(study) + "thanks/").status_code == 302


@pytest.mark.parametrize(
    "words, said",
    [("", "Please type a name"), ("one two three four", "You typed 4"), ("x" * 101, "shorter name")],
)
def test_words_that_are_no_name_are_met_with_a_message_and_stay_in_the_field(client, words, said):
    here = walk_to_first_trial(client, make_study())
    page = client.post(here, {"kind": "name", "words": words}).content.decode()
    assert said in page and f'value="{words}"' in page and 'aria-invalid="true"' in page
    assert not Answer.objects.exists()


def test_nonsense_in_the_measured_fields_never_costs_an_answer(client):
    here = walk_to_first_trial(client, make_study())
    answer(client, here, "wing", seconds="-1e999", shown="yesterday", focus_losses="2", pastes="many")
    stored = Answer.objects.get()
    assert (stored.words, stored.seconds, stored.shown_at) == ("wing", None, None)
    assert stored.evidence == {"focus_losses": 2}


def test_the_moment_of_showing_comes_back_signed(client):
    here = walk_to_first_trial(client, make_study())
    shown = html.unescape(re.search(r'name="shown" value="([^"]+)"', client.get(here).content.decode())[1])
    answer(client, here, "wing", shown=shown)
    stored = Answer.objects.get()
    assert stored.shown_at <= stored.received_at


def test_typed_markup_is_shown_as_text(client):
    here = walk_to_first_trial(client, make_study())
    page = client.post(here, {"kind": "name", "words": "<script>a b c d"}).content.decode()
    assert "&lt;script&gt;a b c d" in page and "<script>a" not in page


def test_pictures_are_for_the_participant_alone_and_only_while_at_work(client):
    study = make_study(1)
    here = walk_to_first_trial(client, study)
    source = re.search(r'<img src="([^"]+/picture/[^"]+)"', client.get(here).content.decode())[1]
    seen = client.get(source)
    assert seen["Content-Type"] == "image/png" and "private" in seen["Cache-Control"]
    other = Client()
    assert other.get(source).status_code == 404
    walk_to_first_trial(other, study)
    assert other.get(source).status_code == 404
    assert client.get(source.replace("-0.png", "-1.png")).status_code == 404
    answer(client, here, "wing")
    client.post(start_of(study) + "feedback/")
    assert client.get(source).status_code == 404


@pytest.mark.parametrize("opened, said", [(False, "not open yet"), (True, "has ended")])
def test_a_study_that_is_not_open_refuses_kindly(client, opened, said):
    study = make_study(opened=opened)
    if opened:
        publishing.close_study(study)
    page = client.get(start_of(study))
    assert page.status_code == 403 and said in page.content.decode()
    assert client.post(start_of(study), {"ticket": "x"}).status_code == 403


def test_who_has_consented_may_finish_after_the_study_was_closed(client):
    study = make_study(1)
    here = walk_to_first_trial(client, study)
    publishing.close_study(study)
    assert address(answer(client, here, "wing")) == start_of(study) + "feedback/"


def test_who_has_not_consented_is_told_so_when_the_study_closes(client):
    study = make_study(1)
    press_start(client, study)
    publishing.close_study(study)
    page = client.post(start_of(study) + "consent/", CONSENT, follow=True)
    told = page.content.decode()
    assert "has ended" in told and "Nothing about you has been stored" not in told
    assert not Trial.objects.exists()


def test_the_cookie_of_one_study_opens_no_other(client):
    one, other = make_study(1), make_study(1)
    walk_to_first_trial(client, one)
    client.cookies["participant"]["path"] = start_of(other)
    assert client.get(start_of(other) + "consent/").url == start_of(other)


def test_the_first_page_is_light(client):
    study = make_study()
    page = client.get(start_of(study)).content
    loaded = re.findall(rb'(?:href|src)="/static/([^"]+)"', page)
    modules = [b"study/outbox.js", b"study/trials.js"]
    files = {finders.find(name.decode()) for name in [*loaded, *modules]}
    assert len(page) + sum(Path(file).stat().st_size for file in files) < 150_000


def test_pages_are_not_kept_by_the_browser(client):
    here = walk_to_first_trial(client, make_study())
    assert "no-store" in client.get(here)["Cache-Control"]


def test_the_order_differs_between_participants_and_follows_the_seed():
    study = make_study(6)
    orders = [
        tuple(make_participant(study).trials.values_list("stimulus__position", flat=True)) for _ in range(4)
    ]
    assert len(set(orders)) == 4
    again = publishing.create_study(_run_of(study), "again")
    again.seed = study.seed
    again.save()
    publishing.open_study(again)
    repeated = make_participant(again).trials.values_list("stimulus__position", flat=True)
    assert tuple(repeated) == orders[0]


def test_a_preview_counts_nowhere():
    study = make_study(2, opened=False)
    give_answers(make_participant(study, preview=True), "wing", "beak")
    assert rows_of(study) == []
    publishing.open_study(study)
    assert make_participant(study).number == 1


def test_class_network_and_file_names_leak_nowhere(client):
    study = make_study(3)
    bodies, pictures, addresses = [], [], []

    def look(response):
        addresses.extend(location for location, _ in getattr(response, "redirect_chain", []))
        bodies.append(response.content.decode() + str(response.headers) + str(response.cookies))
        sources = re.findall(r'<img src="([^"]+/picture/[^"]+)"', bodies[-1])
        pictures.extend(client.get(source) for source in sources)
        addresses.extend(sources)
        return response

    look(client.get(start_of(study)))
    look(press_start(client, study))
    look(client.post(start_of(study) + "consent/", CONSENT, follow=True))
    look(client.post(start_of(study) + "instructions/", follow=True))
    page = look(client.post(start_of(study) + "practice/", {"done": "1"}, follow=True))
    look(client.get(start_of(study) + "work/"))
    while "/trial/" in address(page):
        page = look(answer(client, address(page), "wing"))
    look(client.post(start_of(study) + "feedback/", follow=True))
    assert len(pictures) == 3 and all(picture.status_code == 200 for picture in pictures)
    seen = "\n".join([*bodies, *addresses, *(str(picture.headers) for picture in pictures)]).lower()
    stimuli = study.stimuli.all()
    for secret in (
        CLASS_NAME,
        NETWORK_NAME,
        FILE_NAME,
        "content/",
        *(key for s in stimuli for key in s.pictures),
    ):
        assert secret.lower() not in seen, secret
    for picture in pictures:
        assert CLASS_NAME.encode() not in picture.content
        assert set(Pillow.open(io.BytesIO(picture.content)).info) == set()


def _run_of(study):
    from summaries.models import Run

    return Run.objects.get(pk=study.stimuli.first().exhibit.split("/")[1])
