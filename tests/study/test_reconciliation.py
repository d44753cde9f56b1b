"""Our people against the recruiter's: each pair of states has its action; a file is taken whole or not."""

import csv
import io
import itertools
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from annotations import Refusal
from study import reconciliation, recruitment, settlement, submissions
from study.models import Code, Exclusion, Outcome, Participant, Recruit
from study.recruitment import Arrival
from study.submissions import Line
from tests.factories import make_participant, make_study

HEADER = "Submission id,Participant id,Status,Started at,Completion code,Age"


@pytest.fixture
def study(db):
    study = make_study(1)
    study.recruiter = "prolific"
    study.save()
    recruitment.register_codes(study, {outcome: f"C-{outcome}" for outcome in Outcome.values})
    return study


@pytest.fixture
def desk(admin_client, study):
    """Sends to the page of the study and gives what it says."""

    def send(data=None, follow=True):
        address = reverse("admin:study_reconcile", args=[study.pk])
        return admin_client.post(address, data, follow=follow) if data else admin_client.get(address)

    return send


def person(study, name, outcome="", *, live=False, **fields):
    """Somebody from Prolific in this state; their submission is called after them."""
    participant = make_participant(study)
    recruitment.bind(participant, Arrival("prolific", person=f"p-{name}", submission=f"s-{name}"))
    if outcome:
        fields |= {"outcome": outcome, "finished_at": timezone.now(), "completion_code": f"C-{outcome}"}
    lease = timezone.now() + timedelta(minutes=20 if live else -20)
    Participant.objects.filter(pk=participant.pk).update(lease_until=lease, **fields)
    return participant


def listed(*submissions):
    """A recruiter's file: name, status, code."""
    rows = [f"s-{name},p-{name},{status},2026-05-01,{code},33" for name, status, code in submissions]
    return "\n".join([HEADER, *rows]).encode()


def upload(data, name="export.csv"):
    file = io.BytesIO(data)
    file.name = name
    return {"do": "upload", "file": file}


def actions(study, data):
    return {row.submission: row.action for row in reconciliation.rows(study, submissions.read(data))}


def test_the_cells_that_cost_money_or_places_have_the_action_that_saves_them(study):
    for name in ("nocode", "late", "good", "left out"):
        person(study, name, "completed")
    person(study, "returned", live=True)
    person(study, "half", live=True)
    excluded = person(study, "excluded", "completed")
    Exclusion.objects.create(participant=excluded, rule="gold_missed", reason="missed three")
    data = listed(
        ("nocode", "AWAITING REVIEW", "NOCODE"),
        ("late", "TIMED-OUT", ""),
        ("good", "APPROVED", "C-completed"),
        ("returned", "RETURNED", ""),
        ("half", "AWAITING REVIEW", "C-completed"),
        ("excluded", "APPROVED", "C-completed"),
        ("stranger", "AWAITING REVIEW", "C-completed"),
        ("passer-by", "RETURNED", ""),
    )
    assert actions(study, data) == {
        "s-nocode": "approve",
        "s-late": "pay by bonus",
        "s-good": "nothing",
        "s-left out": "look",
        "s-returned": "release",
        "s-half": "look",
        "s-excluded": "nothing",
        "s-stranger": "look",
        "s-passer-by": "nothing",
    }
    words = {row.submission: row.words for row in reconciliation.rows(study, submissions.read(data))}
    assert "no code was entered" in words["s-nocode"] and "excluded here" in words["s-excluded"]
    assert "“completed”" in words["s-stranger"] and "Not in the file" in words["s-left out"]


def test_every_pair_of_states_has_an_action_and_a_reason():
    codes = [None, settlement.NO_CODE, settlement.FOREIGN_CODE, *settlement.ENDS.values()]
    for ours, theirs, entered in itertools.product(settlement.OURS, settlement.THEIRS, codes):
        for excluded, twice in itertools.product([False, True], repeat=2):
            act, words = settlement.action(ours, theirs, entered=entered, excluded=excluded, twice=twice)
            assert act in settlement.ACTIONS and words.endswith(".")
            assert (act == settlement.RELEASE) <= (ours == settlement.LIVE), "only a held place is released"
            assert (act == settlement.BONUS) <= (theirs in (settlement.TIMED_OUT, settlement.RETURNED))


@pytest.mark.parametrize(
    ("ours", "theirs", "entered", "expected"),
    [
        ("no consent", "waiting", "none", "ask to return"),
        ("no consent", "approved", "no consent", "look"),
        ("quota full", "waiting", "quota full", "approve"),
        ("quota full", "waiting", "completed", "look"),
        ("screened out", "timed out", "none", "pay by bonus"),
        ("technical problem", "rejected", "none", "look"),
        ("withdrew", "approved", "withdrew", "nothing"),
        ("completed", "waiting", "not of this study", "approve"),
        ("completed", "returned", "none", "pay by bonus"),
        ("left", "timed out", "none", "nothing"),
        ("left", "not in the file", None, "look"),
        ("at it", "not in the file", None, "nothing"),
        ("at it", "other", None, "look"),
    ],
)
def test_who_could_not_help_it_is_paid_and_who_did_nothing_is_not(ours, theirs, entered, expected):
    assert settlement.action(ours, theirs, entered=entered)[0] == expected


def test_the_same_file_again_changes_nothing_and_only_states_are_kept(study):
    person(study, "anna", "completed")
    person(study, "ben", live=True)
    before = list(Recruit.objects.values("person", "submission", "project", "label"))
    data = listed(("anna", "Awaiting_Review", "x"), ("ben", "RETURNED", ""), ("stranger", "APPROVED", ""))
    seen = []
    for _ in range(2):
        lines = submissions.read(data)
        reconciliation.store(study, lines)
        seen.append((reconciliation.rows(study, lines), list(Recruit.objects.values("pk", "status"))))
    assert seen[0] == seen[1]
    assert [entry["status"] for entry in seen[0][1]] == ["AWAITING REVIEW", "RETURNED"]
    assert list(Recruit.objects.values("person", "submission", "project", "label")) == before


def test_an_old_code_still_counts_as_the_participants_own(study):
    person(study, "anna", "completed")
    recruitment.register_codes(study, {"completed": "NEW"})
    (row,) = reconciliation.rows(study, [Line("p-anna", "s-anna", "AWAITING REVIEW", "c-Completed")])
    assert (row.entered, row.action) == ("completed", "approve")


def test_previews_bots_and_other_recruiters_people_are_not_missed(study):
    person(study, "anna", "completed")
    person(study, "preview", "completed", preview=True, number=99)
    person(study, "bot", "completed", simulated=True)
    recruitment.bind(make_participant(study), Arrival("sona", person="77"))
    make_participant(study)
    assert set(actions(study, listed(("anna", "APPROVED", "")))) == {"s-anna"}
    assert reconciliation.nameless(study) == 1


def test_another_submission_of_a_known_person_is_told_apart(study):
    person(study, "anna", "completed")
    lines = [Line("p-anna", "s-anna", "APPROVED"), Line("p-anna", "s-other", "AWAITING REVIEW")]
    found = {row.submission: row for row in reconciliation.rows(study, lines)}
    assert found["s-anna"].ours == "completed" and found["s-other"].ours == "unknown here"
    assert "another submission" in found["s-other"].words


@pytest.mark.parametrize(
    "text",
    [
        "Submission id,Participant id,Status,Completion code\ns1,p1,APPROVED,X\n",
        "\ufeffSUBMISSION ID;Participant_ID;status;completion code\r\ns1;p1;APPROVED;X\r\n\r\n",
        'session_id\tparticipant_id\tStatus\tEntered Code\t"a\nb"\ns1\tp1\tAPPROVED\tX\t"1\n2"\n',
        "AssignmentId,ParticipantId,ApprovalStatus,CompletionCode,Note\ns1,p1,APPROVED,X,,\n",
    ],
)
def test_recruiters_files_are_read_in_their_dialects(text):
    assert submissions.read(text.encode()) == [Line("p1", "s1", "APPROVED", "X")]


def test_a_file_in_utf_16_and_one_of_sona_are_read_too():
    text = "Survey Code,Credit Status\n9041,Credit Granted\n"
    expected = [Line("9041", "", "Credit Granted", None)]
    assert submissions.read(text.encode()) == submissions.read(text.encode("utf-16")) == expected


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04", "spreadsheet"),
        (b"\x89PNG\xff", "not text"),
        (b"a\0b", "not text"),
        (b"x" * (5 * 1024 * 1024 + 1), "5 MB"),
        (b"name,age\nanna,3\n", "no columns"),
        (HEADER.encode(), "lists no submissions"),
        (listed(("anna", "APPROVED", "X"))[:-9], "Line 2 has 4 of 6 columns"),
        (HEADER.encode() + b'\ns1,p1,"APPRO', "cut off or damaged at line 2"),
        (HEADER.encode() + b"\ns1,p1,APPROVED,a,b,c,d\n", "Line 2 has 7 of 6"),
    ],
)
def test_what_is_no_whole_list_is_refused_in_a_sentence(data, words):
    with pytest.raises(Refusal, match=words):
        submissions.read(data)


def test_the_list_of_another_study_is_refused_and_changes_nothing(study, desk):
    person(study, "anna", "completed")
    page = desk(upload(listed(("else", "RETURNED", "")))).content.decode()
    assert "None of the 1 submissions in this file is known here" in page
    assert Recruit.objects.get().status == ""


def test_on_the_page_a_place_is_released_once_and_the_file_goes_along(study, desk):
    participant = person(study, "ben", live=True)
    person(study, "anna", "completed")
    page = desk(upload(listed(("ben", "RETURNED", ""), ("anna", "APPROVED", "C-completed"))))
    carried = page.context["carried"]
    assert f'value="{participant.code}"' in page.content.decode()
    needed = desk({"do": "needed", "lines": carried})
    assert [row.submission for row in needed.context["rows"]] == ["s-ben"]
    told = [desk({"do": "all", "lines": carried, "release": participant.code}) for _ in range(2)]
    assert "is free; the answers stay" in told[0].content.decode()
    assert "was free already" in told[1].content.decode()
    assert len(told[0].context["rows"]) == 2, "the table stays"
    participant.refresh_from_db()
    assert participant.lease_until <= timezone.now()
    assert "RETURNED" in desk().content.decode(), "states that were told show without a file"


def test_nobody_is_released_whom_the_recruiter_still_counts(study, desk):
    participant = person(study, "ben", live=True)
    carried = desk(upload(listed(("ben", "ACTIVE", "")))).context["carried"]
    desk({"do": "all", "lines": carried, "release": participant.code})
    participant.refresh_from_db()
    assert participant.lease_until > timezone.now()


def test_the_table_is_downloaded_without_formulas(study, desk):
    person(study, "anna", "completed")
    data = listed(("anna", "APPROVED", "")) + b"\n=HYPERLINK(1),@p,APPROVED,x,x,1\n"
    response = desk({"do": "csv", "lines": desk(upload(data)).context["carried"]})
    assert "identifiable" in response["Content-Disposition"]
    table = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert {row["submission_id"] for row in table} == {"s-anna", "'=HYPERLINK(1)"}
    assert {row["participant_id"] for row in table} == {"p-anna", "'@p"}


def test_codes_are_made_registered_and_refused_on_the_page(study, desk):
    Code.objects.all().delete()
    desk()
    assert not Code.objects.exists(), "looking makes nothing"
    desk({"do": "make"})
    made = dict(study.codes.values_list("outcome", "code"))
    assert len(made) == len(Outcome.values)
    desk({"do": "codes", **made, "completed": "C1A2B3"})
    assert recruitment.code_for(study, "completed") == "C1A2B3"
    page = desk({"do": "codes", **made, "completed": made["no_consent"]}).content.decode()
    assert "Each outcome needs a code of its own" in page
    assert recruitment.code_for(study, "completed") == "C1A2B3"


def test_a_signed_link_made_on_the_page_is_trusted_at_the_door(study, desk, rf):
    study.recruiter = "plain"
    study.save()
    messages = [str(message) for message in desk({"do": "label", "label": "class 7"}).context["messages"]]
    address = messages[0].split()[-1]
    arrival = recruitment.read(study, rf.get(address).GET)
    assert (arrival.label, arrival.label_signed) == ("class 7", True)


@pytest.mark.parametrize("lines", ["forged", "x:y:z"])
def test_a_carried_list_that_was_not_signed_here_is_refused(desk, lines):
    assert "upload the file once more" in desk({"do": "all", "lines": lines}).content.decode()


def test_a_list_carried_from_another_study_is_refused(study, desk, admin_client):
    person(study, "anna", "completed")
    carried = desk(upload(listed(("anna", "APPROVED", "")))).context["carried"]
    other = reverse("admin:study_reconcile", args=[make_study(1).pk])
    page = admin_client.post(other, {"do": "all", "lines": carried}, follow=True)
    assert "another study" in page.content.decode()


def test_only_who_may_change_the_study_and_see_recruiters_names_sees_the_page(study, client):
    address = reverse("admin:study_reconcile", args=[study.pk])
    assert client.get(address).status_code == 302
    staff = User.objects.create_user("staff", password="x", is_staff=True)
    study.researchers.add(staff)
    client.force_login(staff)
    for expected, codename in [(403, "view_study"), (403, "change_study"), (200, "view_recruit")]:
        staff.user_permissions.add(Permission.objects.get(codename=codename))
        assert client.get(address).status_code == expected
        assert client.post(address, {"do": "make"}).status_code == (302 if expected == 200 else 403)
