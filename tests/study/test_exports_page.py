"""The page on which data are chosen and taken: who may take what, and what is written down of it."""

import csv
import io
import zipfile

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from playwright.sync_api import expect

from study import exclusions, exports
from tests.axe import check
from tests.factories import give_answers, let_in, make_answered_study, make_participant, make_study

pytestmark = pytest.mark.django_db

HOW = {"flavour": "analysis", "people": "all"}


def researcher(client, *permissions):
    user = User.objects.create_user("researcher", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    let_in(user)
    client.force_login(user)
    return client


def taken(client, study, act="table", **chosen):
    return client.post(reverse("study:export", args=[study.slug]), HOW | {"act": act} | chosen)


def rows(response):
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))


def file_name(response):
    return response["Content-Disposition"].partition("filename=")[2].strip('"')


def test_a_chosen_table_has_the_chosen_columns_alone_and_the_log_says_who_took_them(client):
    study = make_answered_study()
    columns = ["participant", "words", "merged_name"]
    response = taken(researcher(client, "view_study"), study, table="answers", columns=columns)
    assert file_name(response) == f"answers-{study.slug}.csv"
    found = rows(response)
    assert list(found[0]) == columns and len(found) == 6
    (entry,) = LogEntry.objects.all()
    assert entry.user.username == "researcher" and entry.object_id == str(study.pk)
    assert "answers.csv: participant, words, merged_name" in entry.change_message


def test_columns_that_may_tell_who_somebody_is_need_the_permission_and_name_the_file(client):
    study = make_answered_study()
    researcher(client, "view_study")
    page = client.get(reverse("study:export", args=[study.slug]), {"table": "participants"})
    assert b"recruiter_person" not in page.content
    columns = ["participant", "recruiter_person"]
    refused = taken(client, study, table="participants", columns=columns)
    assert refused.status_code == 422 and b"not one of the columns that you may take" in refused.content
    assert not LogEntry.objects.exists()
    user = User.objects.get()
    user.user_permissions.add(Permission.objects.get(codename="export_identifiable"))
    allowed = taken(client, study, table="participants", columns=columns)
    assert file_name(allowed) == f"participants-{study.slug}-identifiable.csv"
    assert list(rows(allowed)[0]) == columns
    whole = taken(client, study, "zip", identifiable="on")
    assert file_name(whole) == f"{study.slug}-identifiable.zip"


def test_without_the_permission_the_whole_zip_has_none_of_them_whatever_is_sent(client):
    study = make_answered_study()
    response = taken(researcher(client, "view_study"), study, "zip", identifiable="on")
    assert file_name(response) == f"{study.slug}.zip"
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as bundle:
        header = bundle.read("participants.csv").decode().splitlines()[0].split(",")
    every = exports.TABLES["participants"].columns(study)
    assert not {column.id for column in every if column.identifiable} & set(header)
    assert "recruiter_person" in {column.id for column in every}


def test_the_log_tells_columns_that_repeat_for_each_stimulus_once(client):
    study = make_study(3)
    researcher(client, "view_study")
    taken(client, study, "zip")
    told = LogEntry.objects.get().change_message
    assert told.count("stimulus_…_words") == 1 and "stimulus_1" not in told


def test_the_long_standing_addresses_stay_and_are_logged(client):
    study = make_answered_study()
    researcher(client, "view_study")
    for name in ("answers", "summaries"):
        response = client.get(reverse(f"admin:study_{name}", args=[study.pk]))
        assert file_name(response) == f"{name}-{study.slug}.csv"
        assert [column.id for column in exports.TABLES[name].columns(study)] == list(rows(response)[0])
    assert LogEntry.objects.count() == 2


def test_the_excluded_are_left_out_or_marked(client):
    study = make_answered_study()
    first = study.participants.order_by("number").first()
    exclusions.exclude(first, "told us that it was a test", None)
    researcher(client, "view_study")
    columns = ["participant", "excluded", "excluded_by"]
    every = rows(taken(client, study, table="participants", columns=columns))
    assert [row["excluded"] for row in every] == ["yes", "no", "no"]
    assert every[0]["excluded_by"] == exclusions.BY_HAND
    without = rows(taken(client, study, table="participants", columns=columns, people="main"))
    assert [row["participant"] for row in without] == [row["participant"] for row in every[1:]]


def test_a_study_of_others_is_not_there_whatever_the_permissions(client):
    study = make_answered_study()
    study.created_by = User.objects.create_user("owner", is_staff=True)
    study.save()
    researcher(client, "view_study", "change_study", "export_identifiable")
    assert client.get(reverse("study:export", args=[study.slug])).status_code == 404
    assert taken(client, study, "zip").status_code == 404
    assert client.get(reverse("admin:study_answers", args=[study.pk])).status_code == 404


def test_a_wrong_choice_is_said_beside_it_and_nothing_is_taken(client):
    study = make_answered_study()
    researcher(client, "view_study")
    nothing = taken(client, study, table="answers")
    assert nothing.status_code == 422 and b"Choose at least one column." in nothing.content
    mixed = taken(client, study, "zip", flavour="spreadsheet", psych_ds="on")
    assert mixed.status_code == 422 and b"exact to the byte" in mixed.content
    assert not LogEntry.objects.exists()


def test_a_formula_and_markup_in_a_name_are_shown_as_text(client):
    study = make_study(2)
    give_answers(make_participant(study), "=1+1", "<b>wing</b>")
    page = researcher(client, "view_study").get(reverse("study:export", args=[study.slug]))
    assert b"&lt;b&gt;wing&lt;/b&gt;" in page.content and b"<b>wing</b>" not in page.content


@pytest.fixture
def masked():
    """A study whose estimate is hidden: its only look is not due yet."""
    looks = {"measure": "alpha", "layer": "merged", "aim": "precision", "value": 0.1, "at": [10]}
    study = make_study(1, looks=looks)
    give_answers(make_participant(study), "beak")
    return study


def test_before_a_look_estimates_are_empty_with_the_reason(client, masked):
    researcher(client, "view_study")
    response = client.get(reverse("admin:study_summaries", args=[masked.pk]))
    (row,) = rows(response)
    assert row["answers"] == "1" and "hidden until look 1 of 1" in row["modal_share_undefined"]
    assert {row[name] for name in ("modal_name", "modal_share", "distinct_names", "raw_h")} == {""}
    assert not masked.looks_taken.exists()


def test_before_a_look_answers_are_taken_with_a_reason_only_and_that_is_a_look(client, masked):
    researcher(client, "view_study")
    page = reverse("study:export", args=[masked.slug])
    old = client.get(reverse("admin:study_answers", args=[masked.pk]))
    assert old.status_code == 302 and old["Location"].startswith(page)
    assert b"beak" not in client.get(page).content
    refused = taken(client, masked, table="answers", columns=["words"])
    assert refused.status_code == 422 and b"Say why you take them" in refused.content
    assert not masked.looks_taken.exists() and not LogEntry.objects.exists()
    given = taken(client, masked, table="answers", columns=["words"], reason="A reader asked for them.")
    assert [row["words"] for row in rows(given)] == ["beak"]
    (look,) = masked.looks_taken.all()
    assert (look.by, look.reason, look.number) == ("researcher", "A reader asked for them.", None)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_page_passes_axe_and_gives_what_was_ticked(page, client, live_server):
    study = make_answered_study()
    client.force_login(User.objects.create_superuser("keeper"))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        for table in ("answers", "participants"):
            page.goto(f"{live_server.url}/desk/{study.slug}/export/?table={table}")
            check(page)
    page.get_by_role("link", name="answers 6").click()
    page.get_by_label("words", exact=True).uncheck()
    page.get_by_role("button", name="Show the first rows").click()
    expect(page.get_by_role("columnheader", name="words", exact=True)).to_have_count(0)
    expect(page.get_by_label("words", exact=True)).not_to_be_checked()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download answers.csv").click()
    with open(download.value.path(), newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 6 and "words" not in found[0] and "kind" in found[0]
