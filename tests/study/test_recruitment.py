"""Who comes by which link, one participant for each person, and one code for each end."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import signing
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from annotations import Refusal
from study import recruitment
from study.models import Code, Outcome, Participant, Recruit
from study.recruitment import Arrival
from tests.factories import make_participant, make_study

PERSON, SUBMISSION, PROJECT = (
    "5e9088a8a4b6ed018b45ba7b",
    "671b8e95b17f88050648883e",
    "671b8ae84509b9a624b95e13",
)
PROLIFIC = f"PROLIFIC_PID={PERSON}&STUDY_ID={PROJECT}&SESSION_ID={SUBMISSION}"

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return make_study(1)


def read(study, query, recruiter="plain"):
    study.recruiter = recruiter
    return recruitment.read(study, QueryDict(query))


def set_up(study, **settings):
    for name, value in settings.items():
        setattr(study, name, value)
    study.save()


def end_with(study, outcome, arrival=None):
    """A participant who reached this end."""
    participant = make_participant(study)
    if arrival:
        recruitment.bind(participant, arrival)
    participant.outcome, participant.finished_at = outcome, timezone.now()
    participant.completion_code = recruitment.code_for(study, outcome)
    participant.save()
    return participant


@pytest.mark.parametrize(
    ("recruiter", "query", "expected"),
    [
        ("prolific", PROLIFIC, ("prolific", PERSON, SUBMISSION, PROJECT)),
        ("plain", PROLIFIC, ("prolific", PERSON, SUBMISSION, PROJECT)),
        ("prolific", PROLIFIC.lower(), ("prolific", PERSON, SUBMISSION, PROJECT)),
        ("connect", "participantId=A1&assignmentId=B2&projectId=C3", ("connect", "A1", "B2", "C3")),
        ("sona", "sona_code=9041", ("sona", "9041", "", "")),
        ("sona", "survey_code=9041", ("sona", "9041", "", "")),
        ("sona", f"sona_code=9041&{PROLIFIC}", ("sona", "9041", "", "")),
        ("plain", "label=poster", ("plain", "", "", "")),
    ],
)
def test_each_recruiters_link_is_read_by_its_conventions(study, recruiter, query, expected):
    arrival = read(study, query, recruiter)
    assert (arrival.platform, arrival.person, arrival.submission, arrival.project) == expected


@pytest.mark.parametrize("query", ["", "utm_source=x&email=a@b.c", "PROLIFIC_PID=", "label=%00"])
def test_a_link_that_says_nothing_allowed_brings_nobody(study, query):
    assert read(study, query) is None


def test_a_placeholder_that_nobody_filled_in_names_nobody(study):
    query = "PROLIFIC_PID=%7B%7B%25PROLIFIC_PID%25%7D%7D&sona_code=%25SURVEY_CODE%25&label=pilot"
    arrival = read(study, query, "prolific")
    assert (arrival.person, arrival.label) == ("", "pilot")


def test_other_shapes_are_kept_and_flagged(study):
    arrival = read(study, "PROLIFIC_PID=me&SESSION_ID=s&STUDY_ID=t", "prolific")
    assert arrival.person == "me" and arrival.unusual
    assert not read(study, PROLIFIC, "prolific").unusual
    participant = make_participant(study)
    recruitment.bind(participant, arrival)
    assert participant.events.filter(kind="unusual_identifier").count() == 1


def test_values_are_clipped_and_rid_of_what_cannot_be_seen(study):
    query = QueryDict(mutable=True)
    query["PROLIFIC_PID"] = "\x00a\n\u202eb\u2066 " + "x" * 500
    person = recruitment.read(study, query).person
    assert person == "ab " + "x" * 97


def test_a_label_is_trusted_by_its_signature_in_its_own_study_alone(study):
    other = make_study(1)
    signature = recruitment.sign_label(study, "class 7")
    assert read(study, f"label=class 7&signature={signature}").label_signed
    assert not read(study, f"label=class 8&signature={signature}").label_signed
    assert not read(study, "label=class 7").label_signed
    assert not read(study, "label=class 7&signature=é").label_signed
    assert not read(other, f"label=class 7&signature={signature}").label_signed


def test_an_arrival_travels_signed_for_a_day_and_for_its_study(study, monkeypatch):
    arrival = read(study, PROLIFIC + "&label=x", "prolific")
    packed = recruitment.pack(arrival)
    assert recruitment.unpack(study, packed) == arrival
    assert recruitment.unpack(make_study(1), packed) is None
    assert recruitment.unpack(study, packed[:-1] + "!") is None
    assert recruitment.unpack(study, None) is None
    assert recruitment.unpack(study, signing.dumps("x", salt="study.recruitment.arrival")) is None
    monkeypatch.setattr(recruitment, "ARRIVAL_SECONDS", -1)
    assert recruitment.unpack(study, packed) is None


def test_the_same_submission_finds_its_participant_and_a_label_finds_nobody(study):
    participant = make_participant(study)
    arrival = read(study, PROLIFIC, "prolific")
    recruitment.bind(participant, arrival)
    assert recruitment.known(study, arrival) == participant
    assert recruitment.known(make_study(1), arrival) is None
    labelled = read(study, "label=poster")
    recruitment.bind(make_participant(study), labelled)
    recruitment.bind(make_participant(study), labelled)
    assert recruitment.known(study, labelled) is None and not recruitment.took_part(study, labelled)


def test_one_person_has_one_participant_whatever_the_submission(study):
    first, second = make_participant(study), make_participant(study)
    arrival = read(study, PROLIFIC, "prolific")
    again = read(study, PROLIFIC.replace(SUBMISSION, PROJECT), "prolific")
    recruitment.bind(first, arrival)
    assert recruitment.bind(first, again).submission == SUBMISSION, "who is bound stays so"
    assert not recruitment.took_part(study, arrival)
    assert recruitment.took_part(study, again) and recruitment.known(study, again) is None
    for taken in (arrival, again):
        with pytest.raises(recruitment.Taken):
            recruitment.bind(second, taken)
    assert Recruit.objects.count() == 1


def test_each_outcome_has_one_random_code_made_with_all_others(study):
    code = recruitment.code_for(study, Outcome.COMPLETED)
    codes = dict(Code.objects.values_list("outcome", "code"))
    assert set(codes) == set(Outcome.values) and len(set(codes.values())) == len(codes)
    assert all(recruitment.code_for(study, outcome) == codes[outcome] for outcome in codes)
    assert code == codes["completed"] != recruitment.code_for(make_study(1), Outcome.COMPLETED)


@pytest.mark.django_db(transaction=True)
def test_eight_ends_at_once_make_one_set_of_codes(study):
    def ask(number):
        try:
            return recruitment.code_for(study, Outcome.values[number % 2])
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(ask, range(8)))
    assert len(set(given)) == 2 and Code.objects.count() == len(Outcome.values)


def test_registered_codes_stand_beside_random_ones_and_may_be_exchanged(study):
    recruitment.register_codes(study, {"completed": " C1A2B3 ", "no_consent": "CNONE"})
    assert recruitment.code_for(study, "completed") == "C1A2B3"
    random = recruitment.code_for(study, "withdrew")
    recruitment.register_codes(study, {"completed": "CNONE", "no_consent": "C1A2B3"})
    codes = [recruitment.code_for(study, outcome) for outcome in ("completed", "no_consent", "withdrew")]
    assert codes == ["CNONE", "C1A2B3", random]


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ({"completed": "A", "no_consent": "A"}, "code of its own"),
        ({"completed": "KEPT"}, "code of its own"),
        ({"completed": "a b"}, "letters"),
        ({"completed": ""}, "letters"),
        ({"completed": "x" * 33}, "letters"),
        ({"won": "A"}, "no outcome"),
    ],
)
def test_codes_that_could_not_be_told_apart_are_refused(study, codes, words):
    recruitment.register_codes(study, {"withdrew": "KEPT"})
    before = set(Code.objects.values_list("outcome", "code"))
    with pytest.raises(Refusal, match=words):
        recruitment.register_codes(study, codes)
    assert set(Code.objects.values_list("outcome", "code")) == before and ("withdrew", "KEPT") in before


def test_each_end_leads_back_to_the_recruiter_with_its_code(study):
    set_up(study, recruiter="prolific")
    ended = end_with(study, "no_consent", read(study, PROLIFIC, "prolific"))
    code = recruitment.code_for(study, "no_consent")
    assert recruitment.return_address(ended) == f"https://app.prolific.com/submissions/complete?cc={code}"
    assert recruitment.return_address(make_participant(study)) == "", "not before the end"


def test_sona_is_told_whose_credit_it_is_and_only_for_who_completed(study):
    credit = "https://x.sona-systems.com/webstudy_credit.aspx?experiment_id=12&credit_token=ab%2B"
    set_up(study, recruiter="sona", return_address=f"{credit}&survey_code=XX")
    completed = end_with(study, "completed", read(study, "sona_code=90 41", "sona"))
    assert recruitment.return_address(completed) == f"{credit}&survey_code=90+41"
    assert recruitment.return_address(end_with(study, "screened_out", Arrival("sona", "9"))) == ""
    assert recruitment.return_address(end_with(study, "completed")) == "", "nobody knows whose credit"


def test_connect_and_plain_links_lead_where_the_study_says(study):
    set_up(study, recruiter="connect", return_address="https://connect.example/done")
    assert recruitment.return_address(end_with(study, "completed")) == "https://connect.example/done"
    assert recruitment.return_address(end_with(study, "quota_full")) == ""
    set_up(study, recruiter="plain")
    assert recruitment.return_address(end_with(study, "quota_full")) == "https://connect.example/done"
    set_up(study, return_address="ftp://elsewhere.example/")
    assert recruitment.return_address(end_with(study, "completed")) == ""


def test_a_released_place_is_free_at_once_and_released_once(study):
    participant = make_participant(study)
    Participant.objects.filter(pk=participant.pk).update(lease_until=timezone.now() + timezone.timedelta(1))
    assert recruitment.release(participant, "RETURNED")
    assert not recruitment.release(participant, "RETURNED")
    assert participant.events.filter(kind="released").count() == 1
