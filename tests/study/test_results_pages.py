"""The researchers' pages on what a study found: numbers, what stands behind each, and what stays hidden."""

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from study import exclusions, looks, sessions
from study.agreement.looks import PRECISION, Declaration, written
from study.findings import snapshot, words
from study.findings.estimates import estimate
from study.models import Snapshot, Stimulus, Study
from tests.axe import check
from tests.factories import give_answers, make_design, make_participant, make_study

pytestmark = pytest.mark.django_db


def address(study: Study, name: str = "results", *more: object) -> str:
    return reverse(f"study:{name}", args=[study.slug, *more])


def text_of(response) -> str:
    """What a reader sees, without tags and with single spaces."""
    plain = re.sub(r"<(script|style|head).*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.S)
    return " ".join(html.unescape(plain).split())


def make_named(*names: str, **settings: object) -> Study:
    """One summary, and what each person called it."""
    study = make_study(1, **settings)
    for name in names:
        give_answers(make_participant(study), name)
    return study


def test_what_was_found_is_said_in_one_sentence_with_its_numbers(admin_client):
    study = make_named(*["wing"] * 7, "Wings", "beak", "nothing_in_common")
    told = text_of(admin_client.get(address(study)))
    assert "10 participants gave 10 answers" in told
    assert "80 % of those who saw one gave its most frequent name" in told and "Nobody is excluded" in told
    row = re.search(r"Name agreement share giving.*?Krippendorff", told)[0]
    assert re.findall(r"\d+ %", row)[:3] == ["70 %", "80 %", "80 %"], "as typed, mechanical, merged"


def test_with_and_without_those_excluded_stand_side_by_side(admin_client):
    study = make_named("wing", "wing", "beak")
    exclusions.exclude(study.participants.get(number=3), "did not look", None)
    told = text_of(admin_client.get(address(study)))
    assert "2 participants gave 2 answers" in told and "by hand: 1" in told
    row = re.search(r"Name agreement share giving.*?above that of decoys", told)[0]
    assert "left out 100 %" in row and "counted too 67 %" in row
    assert "3 answers" in text_of(admin_client.get(address(study, "answers_behind") + "?analysis=all"))


def test_every_number_of_a_summary_leads_to_exactly_the_answers_that_it_counts(admin_client):
    study = make_named("wing", "Wings", "beak", "nothing_in_common", "cannot_tell", "skipped")
    give_answers(make_participant(study, preview=True), "wing")
    page = admin_client.get(address(study)).content.decode()
    behind = {html.unescape(one) for one in re.findall(r'href="([^"]*/results/answers/[^"]*)"', page)}
    counted = {one.split("&", 3)[-1]: admin_client.get(one).context["found"].total for one in behind}
    assert sorted(counted.values()) == [1, 1, 2, 5, 5], counted
    named = admin_client.get(next(one for one in behind if "name=wing" in one))
    assert [answer.words for answer in named.context["found"].answers] == ["wing", "Wings"]
    person = study.participants.get(number=2)
    assert reverse("study:person", args=[study.slug, person.code]) in named.content.decode()


def test_answers_are_found_by_name_at_each_layer_and_told_a_page_at_a_time(admin_client, monkeypatch):
    study = make_named("Wing", "wing", "wing", "wings", "wing")
    behind = address(study, "answers_behind")
    totals = [
        admin_client.get(behind, {"layer": layer, "name": "wing"}).context["found"].total
        for layer in ("raw", "mechanical", "merged")
    ]
    assert totals == [3, 5, 5]
    monkeypatch.setattr("study.findings.answers.AT_ONCE", 2)
    seen, page = [], admin_client.get(behind + "?kind=name")
    while page.context["further"]:
        seen += [answer.pk for answer in page.context["found"].answers]
        page = admin_client.get(behind + page.context["further"])
    seen += [answer.pk for answer in page.context["found"].answers]
    assert len(seen) == len(set(seen)) == 5 and "kind=name" in page.context["first"]


@pytest.mark.parametrize("asked", ["?layer=none", "?condition=none", "?sort=none", "?page=0", "?group=none"])
def test_an_address_that_asks_for_what_there_is_not_is_told_so(admin_client, asked):
    response = admin_client.get(address(make_study(1)) + asked)
    assert response.status_code == 400 and "does not have" in text_of(response)


def test_the_page_of_a_stimulus_leads_from_the_names_to_the_summary_and_its_run(admin_client):
    study = make_named("Wing", "wings", "beak")
    stimulus = study.stimuli.get()
    response = admin_client.get(address(study, "result", stimulus.pk))
    page, run = response.content.decode(), response.context["run"]
    assert reverse("summaries:run", args=[run.pk]) in page and run.network.sha256 in page
    assert reverse("summaries:summary", args=[response.context["summary"].pk]) in page
    assert f"engine {run.engine_version}" in page and stimulus.pictures[0] in page
    assert "“Wing”" not in page and re.search("wing 2 67 % 67 % Wing , wings", text_of(response))
    run.delete()
    assert "deleted since" in text_of(admin_client.get(address(study, "result", stimulus.pk)))


def test_summaries_are_sorted_and_chosen_by_condition_and_kind(admin_client):
    study = make_design(conditions=2, summaries=2)
    first, second = study.conditions.order_by("position")
    study.stimuli.filter(condition=first, position=1).update(kind=Stimulus.Kind.DECOY)
    for number in range(4):
        person = make_participant(study)
        for trial in person.trials.order_by("position"):
            words = "wing" if trial.stimulus.position % 2 else f"part {number}"
            sessions.answer(person, str(trial.key), kind="name", words=words)
    listed = lambda asked: admin_client.get(address(study) + asked).context["listed"]  # noqa: E731
    assert [row["condition"] for row in listed(f"?condition={second}")] == [str(second)] * 2
    assert [row["kind"] for row in listed("?kind=decoy")] == ["decoy"]
    shares = [row["own"]["share"]["value"] for row in listed("?sort=low")]
    assert shares == sorted(shares) and len(shares) == 4
    assert [row["own"]["share"]["value"] for row in listed("?sort=high")] == shares[::-1]
    told = text_of(admin_client.get(address(study)))
    assert "Conditions side by side" in told and "Guess floor" in told and "only 1 decoys" not in told


def test_a_name_that_is_code_or_hides_itself_is_harmless(admin_client):
    study = make_named("<b>wing</b>", "<b>wing</b>", "wi\u202eng")
    stimulus = study.stimuli.get()
    for where in (address(study), address(study, "result", stimulus.pk), address(study, "answers_behind")):
        page = admin_client.get(where).content.decode()
        assert "<b>wing" not in page and "\u202e" not in page


def test_nothing_of_a_masked_estimate_is_in_any_page(admin_client):
    plan = Declaration("name_agreement", "merged", PRECISION, 0.2, (5, 10))
    study = make_named("wingspan", "wingspan", "wingspan", "beaky", looks=written(plan))
    stimulus = study.stimuli.get()
    places = [address(study), address(study, "result", stimulus.pk), address(study, "answers_behind")]
    pages = [admin_client.get(place) for place in places]
    for response in pages:
        page = response.content.decode()
        assert "wingspan" not in page and "beaky" not in page and "75 %" not in page
    assert "4 participants gave 4 answers" in text_of(pages[0])
    assert pages[2].status_code == 403 and "masked" in text_of(pages[1])


def test_a_large_study_shows_its_last_findings_and_that_newer_ones_are_on_their_way(
    admin_client, monkeypatch
):
    study = make_named("wing", "wing")
    snapshot.renew(study)
    monkeypatch.setattr(snapshot, "AT_ONCE", 0)
    monkeypatch.setattr(snapshot.current_app, "send_task", lambda *args, **more: None)
    give_answers(make_participant(study), "beak")
    told = text_of(admin_client.get(address(study)))
    assert "2 participants gave 2 answers" in told and "Newer findings are being made" in told
    newest = admin_client.get(address(study, "results_newest")).json()["newest"]
    assert newest == Snapshot.objects.get().stamp
    Snapshot.objects.all().delete()
    assert "made for the first time" in text_of(admin_client.get(address(study)))


def test_a_page_takes_as_many_queries_however_many_answers_there_are(admin_client):
    study = make_study(3)

    def queries() -> dict[str, int]:
        counted = {}
        for place in (address(study), address(study, "answers_behind")):
            admin_client.get(place)
            with CaptureQueriesContext(connection) as told:
                assert admin_client.get(place).status_code == 200
            counted[place] = len(told)
        return counted

    for name in ("wing", "beak"):
        give_answers(make_participant(study), name, "wing", "tail")
    before = queries()
    for _ in range(4):
        give_answers(make_participant(study), "wing", "wing", "tail")
    assert queries() == before and max(before.values()) <= 24


def test_a_stopped_and_a_removed_stimulus_keep_their_answers(admin_client):
    study = make_study(2)
    give_answers(make_participant(study), "wing", "wing")
    study.stimuli.filter(position=1).update(removed_at=timezone.now())
    study.stimuli.filter(position=2).update(stopped_at=timezone.now(), stop_reason="settled", answers_saved=9)
    told = text_of(admin_client.get(address(study)))
    assert "removed" in told and "stopped, 9 saved" in told and "gave 2 answers" in told


def test_where_all_who_answered_are_excluded_nobody_says_that_there_are_no_answers(admin_client):
    study = make_named("wing", "beak")
    for person in study.participants.all():
        exclusions.exclude(person, "did not look", None)
    for name in ("results", "report"):
        told = text_of(admin_client.get(address(study, name)))
        assert "Nobody has answered" not in told and "There are no answers" not in told
        assert "0 participants gave 0 answers" in told and "50 %" in told, name


def test_why_a_summary_was_stopped_since_the_last_look_is_hidden_until_the_next(admin_client):
    study = make_named(
        "wing", "wing", looks=written(Declaration("name_agreement", "merged", PRECISION, 0.2, (2, 10)))
    )
    at_work = make_participant(study)
    looks.take(study, "ada", "results")
    study.stimuli.update(stopped_at=timezone.now(), stop_reason="with a chance of 0.9951.", answers_saved=9)
    where = address(study, "result", study.stimuli.get().pk)
    assert "0.9951" in text_of(admin_client.get(where))
    give_answers(at_work, "beak")
    told = text_of(admin_client.get(where))
    assert "of the last look" in told and "9 answers saved" in told and "0.9951" not in told


def test_the_flow_is_drawn_as_it_is_now_whatever_look_the_findings_are_of(admin_client):
    plan = Declaration("alpha", "merged", PRECISION, 0.1, (2, 9))
    study = make_named("wing", "wing", looks=written(plan))
    looks.take(study, "ada", "results")
    where = address(study, "figure", "flow", "svg")
    assert b"n = 2" in admin_client.get(where).content
    for _ in range(3):
        give_answers(make_participant(study), "beak")
    assert b"n = 5" in admin_client.get(where).content


def test_numbers_are_written_as_people_read_them():
    assert words.number(0.746) == "75" and words.number(0.7434, share=False) == "0.74"
    assert words.number(-0.004, share=False) == "0.00" and words.number(-0.25, share=False) == "−0.25"
    assert words.span([0.1, 0.255]) == "10 to 26" and words.span(None) == ""
    assert words.told(estimate(None, "no answers yet")) == words.Told("", "no answers yet")


def sign_in(page, client, address: str) -> None:
    known = {name: cookie.value for name, cookie in client.cookies.items()}
    page.context.add_cookies(
        [{"name": name, "value": value, "url": address} for name, value in known.items()]
    )


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_who_waits_for_findings_is_shown_them_without_doing_anything(
    page, live_server, admin_client, monkeypatch
):
    study = make_named("wing", "wing")
    monkeypatch.setattr(snapshot, "AT_ONCE", 0)
    monkeypatch.setattr(snapshot.current_app, "send_task", lambda *args, **more: None)
    sign_in(page, admin_client, live_server.url)
    page.goto(live_server.url + address(study))
    page.get_by_text("made for the first time").wait_for()
    check(page)
    snapshot.renew(study)
    page.get_by_text("2 participants gave 2 answers").wait_for()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_researcher_goes_from_the_sentence_to_an_answer(page, live_server, admin_client):
    study = make_named("Wing", "wings", "beak")
    sign_in(page, admin_client, live_server.url)
    errors = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.goto(live_server.url + address(study))
    page.get_by_role("heading", name="What was found").wait_for()
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 800})
        check(page)
    page.get_by_role("link", name=re.compile("summary 1")).first.click()
    page.get_by_role("heading", name="Where it comes from").wait_for()
    check(page)
    page.get_by_role("cell", name="wing", exact=True).get_by_role("link").first.click()
    page.get_by_text("2 answers, in the order").wait_for()
    check(page)
    page.get_by_role("link", name="No. 1", exact=True).click()
    page.get_by_role("heading", name="Participant 1").wait_for()
    assert not errors
