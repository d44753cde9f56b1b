"""The researchers' pages, walked through with Django's client."""

import csv
import io
from hashlib import sha256

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from study import desk, publishing, sessions, texts
from study.models import Participant, Study
from tests.factories import CLASS_NAME, give_answers, make_design, make_participant, make_run, make_study
from tests.found_runs import make_found_run

pytestmark = pytest.mark.django_db


def page_of(study):
    return reverse("admin:study_study_change", args=[study.pk])


def press(client, name, study):
    return client.post(reverse(f"admin:study_{name}", args=[study.pk]), follow=True)


def act(client, name, study, **sent):
    """Presses a button of the desk; what the page tells."""
    address = reverse(f"admin:study_{name}", args=[study.pk])
    return client.post(address, sent, follow=True).content.decode()


def filled(client, study, **changed):
    """The form of the study's fields as a browser would send it, with some of them changed."""
    form = client.get(page_of(study)).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in (values | changed).items() if value not in (None, False)}


def test_a_study_is_made_from_a_run_previewed_and_published(admin_client, client):
    run = make_run(2)
    sent = {"run": run.pk, "title": "First study", "language": "en"}
    made = admin_client.post(reverse("admin:study_study_add"), sent, follow=True).content.decode()
    study = Study.objects.get()
    assert study.stimuli.count() == 2 and study.created_by.username == "admin"
    assert "The study shows 2 summaries" in made and "No answers yet" in made
    preview = press(admin_client, "preview", study)
    assert preview.redirect_chain[-1][0] == reverse("study:consent", args=[study.slug])
    assert "Preview: nothing here counts" in preview.content.decode()
    opened = press(admin_client, "open", study).content.decode()
    assert "takes part in version 1" in opened and f"http://testserver/s/{study.slug}/" in opened
    assert client.get(study.get_absolute_url()).status_code == 200


def test_a_study_begins_with_the_texts_of_its_language(admin_client):
    sent = {"run": make_run(1).pk, "title": "First study", "language": "zh-hans"}
    admin_client.post(reverse("admin:study_study_add"), sent)
    assert Study.objects.get().instructions == texts.of("zh-hans").instructions


def test_a_run_without_summaries_is_refused_at_its_field(admin_client):
    address = reverse("admin:study_study_add")
    sent = {"run": make_run(0).pk, "title": "Empty", "language": "en"}
    assert "there is nothing to show" in admin_client.post(address, sent).content.decode()
    assert not Study.objects.exists()


def test_the_page_tells_counts_and_leads_to_the_results(admin_client):
    study = make_study(1)
    for name in ("Wing", "the wing", "fin"):
        give_answers(make_participant(study), name)
    page = admin_client.get(page_of(study)).content.decode()
    assert reverse("study:results", args=[study.slug]) in page and "<dd>3</dd>" in page


def test_every_field_of_the_design_is_saved_as_it_was_typed(admin_client):
    study = make_study(1, opened=False)
    changed = {
        "questions": "sight | How well do you see? | well | badly\nage | How old are you?",
        "comprehension": "What do you name? | the animal | *the outlined part",
        "least_seconds": "1.5",
        "gold_missed": "2",
        "plan": "Count the names.",
        "target": "7",
    }
    page = admin_client.post(page_of(study), filled(admin_client, study, **changed), follow=True)
    assert "was changed successfully" in page.content.decode()
    study.refresh_from_db()
    assert study.questions == [
        {"key": "sight", "text": "How well do you see?", "choices": ["well", "badly"]},
        {"key": "age", "text": "How old are you?"},
    ]
    right = {"text": "What do you name?", "choices": ["the animal", "the outlined part"], "right": 1}
    assert study.comprehension == [right] and study.exclusion == {"least_seconds": 1.5, "gold_missed": 2}
    assert (study.plan, study.target) == ("Count the names.", 7)
    again = filled(admin_client, study)
    assert again["questions"] == changed["questions"] and again["comprehension"] == changed["comprehension"]


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("questions", "How well do you see?", "begin with a key in small letters"),
        ("questions", "sight | How well? | well", "one choice is none"),
        ("questions", "sight | How?\nsight | Where?", "the same key"),
        ("questions", "sight | | well", "Line 1 has an empty part"),
        ("comprehension", "What? | this | that", "a star before the right one"),
        ("comprehension", "What? | *this | *that", "a star before the right one"),
        ("comprehension", "What? | *this | this", "two choices are the same"),
        ("target", "0", "greater than or equal to 1"),
        ("least_seconds", "-1", "greater than or equal to 0.1"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field_and_nothing_typed_is_lost(admin_client, field, typed, told):
    study = make_study(1, opened=False)
    sent = filled(admin_client, study, **{field: typed})
    page = admin_client.post(page_of(study), sent)
    assert any(told in error for error in page.context["adminform"].form.errors[field])
    assert page.context["adminform"].form[field].value() == typed


def test_a_change_after_publication_waits_until_it_is_published_as_the_next_version(admin_client):
    study = make_study(1)
    early = make_participant(study)
    admin_client.post(page_of(study), filled(admin_client, study, consent="other", slug="other"))
    study.refresh_from_db()
    assert study.consent == "other" and study.slug != "other"
    page = admin_client.get(page_of(study)).content.decode()
    assert "Unpublished changes:</strong> consent text." in page
    page = act(admin_client, "publish", study)
    assert "Version 2 is what newcomers take part in" in page and "Unpublished changes" not in page
    assert early.version.number == 1 and make_participant(study).version.setting("consent") == "other"


def test_saving_what_was_not_touched_changes_nothing_though_browsers_send_other_line_ends(admin_client):
    study = make_study(
        1, questions=[{"key": "age", "text": "How old?"}, {"key": "sight", "text": "How well?"}]
    )
    sent = filled(admin_client, study)
    browsers = {name: str(value).replace("\n", "\r\n") for name, value in sent.items() if value != []}
    page = admin_client.post(page_of(study), browsers, follow=True).content.decode()
    assert "was changed successfully" in page and "Unpublished changes" not in page


def test_conditions_and_checks_are_added_and_taken_back_with_one_click(admin_client):
    run, other = (
        make_found_run(summaries=3, side=32, images=3),
        make_found_run(summaries=2, side=32, images=3),
    )
    study = publishing.create_study(run, "Parts")
    first = study.conditions.get()
    assert "shows 2 summaries" in act(admin_client, "add_condition", study, run=other.pk)
    assert "Decoys were added: 2" in act(
        admin_client, "add_decoys", study, condition=first.pk, number=2, everybody="on"
    )
    assert "Repeats were added: 1" in act(admin_client, "add_repeats", study, condition=first.pk, number=1)
    assert "it shows 3 pictures" in act(admin_client, "add_baseline", study, condition=first.pk, number=3)
    assert study.conditions.count() == 3
    assert "Undone: Condition “random regions” was added" in act(admin_client, "undo", study)
    assert study.conditions.count() == 2 and study.stimuli.count() == 3 + 2 + 2 + 1
    assert "There is nothing to undo." in act(admin_client, "undo", study)
    stimulus = first.stimuli.filter(kind="summary", repeats=None).first()
    page = act(admin_client, "gold", study, stimulus=stimulus.pk, accepted="beak|bill")
    assert "right is: beak, bill" in page and "<strong>beak | bill</strong>" in page
    assert "was removed" in act(admin_client, "remove", study, stimulus=stimulus.pk)
    second = study.conditions.last()
    assert "was removed" in act(admin_client, "remove_condition", study, condition=second.pk)
    page = act(admin_client, "undo", study)
    assert second.name in page and study.conditions.count() == 2


@pytest.mark.parametrize(
    ("name", "sent", "told"),
    [
        ("add_decoys", {"number": 3}, "Condition: This field is required"),
        ("add_decoys", {"condition": "own", "number": 0}, "greater than or equal to 1"),
        ("add_decoys", {"condition": "own", "number": 3}, "too few of them: 0"),
        ("add_repeats", {"condition": "own", "number": 3}, "can be made of 0 summaries"),
        ("add_condition", {"run": 99}, "Run: Select a valid choice"),
        ("remove", {"stimulus": "others"}, "Stimulus: Select a valid choice"),
        ("remove_condition", {"condition": "own"}, "A study needs a condition"),
        ("publish", {}, "publish it first"),
        ("pause", {}, "Only a published study can be paused"),
    ],
)
def test_what_a_button_cannot_do_is_told_in_one_sentence(admin_client, name, sent, told):
    study, other = make_study(1, opened=False), make_study(1, opened=False)
    known = {"own": study.conditions.get().pk, "others": other.stimuli.get().pk}
    page = act(admin_client, name, study, **{key: known.get(value, value) for key, value in sent.items()})
    assert told in page and study.stimuli.count() == 1


def test_a_preview_walks_through_the_condition_it_was_asked_for(admin_client):
    study = make_design(conditions=3)
    for condition in study.conditions.all():
        act(admin_client, "preview", study, condition=condition.pk)
        walk = study.participants.latest("pk")
        sessions.consent(walk)
        walk.refresh_from_db()
        assert walk.preview and walk.condition == condition
        assert {each.stimulus.condition for each in walk.trials.all()} == {condition}


def test_paused_studies_ask_newcomers_to_come_later_and_let_the_others_go_on(admin_client, client):
    study = make_study(1)
    early = make_participant(study)
    assert "The study is now paused" in act(admin_client, "pause", study)
    page = client.get(study.get_absolute_url())
    assert page.status_code == 403 and "having a pause" in page.content.decode()
    early.refresh_from_db()
    assert sessions.place_of(early).page == "trial"


def test_the_bundle_of_a_version_is_downloaded_with_its_hash(admin_client):
    study = make_design()
    bundle = admin_client.get(reverse("admin:study_bundle", args=[study.pk, 1]))
    digest = admin_client.get(reverse("admin:study_bundle_hash", args=[study.pk, 1])).content.decode()
    name = f"preregistration-{study.slug}-v1.zip"
    assert digest == f"{sha256(b''.join(bundle.streaming_content)).hexdigest()}  {name}\n"
    assert name in bundle["Content-Disposition"]
    assert admin_client.get(reverse("admin:study_bundle", args=[study.pk, 2])).status_code == 404


def test_downloads_hold_the_answers(admin_client):
    study = make_study(1)
    give_answers(make_participant(study), "wing")
    response = admin_client.get(reverse("admin:study_answers", args=[study.pk]))
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert [row["words"] for row in rows] == ["wing"] and "attachment" in response["Content-Disposition"]
    response = admin_client.get(reverse("admin:study_summaries", args=[study.pk]))
    assert b"modal_name" in b"".join(response.streaming_content)


def test_the_desk_warns_when_participants_can_read_class_or_network(admin_client):
    study = make_study(1, opened=False, instructions=f"Look at the {CLASS_NAME}s.")
    page = admin_client.get(page_of(study)).content.decode()
    assert f"Participants can read the name of what they are shown: {CLASS_NAME}." in page


def test_a_second_press_on_open_is_refused_in_words(admin_client):
    assert "The study is open already." in press(admin_client, "open", make_study(1)).content.decode()


def test_a_study_with_answers_cannot_be_deleted_one_without_can(admin_client):
    kept, gone = make_study(1), make_study(1)
    give_answers(make_participant(kept), "wing")
    give_answers(make_participant(gone, preview=True), "wing")
    for study in (kept, gone):
        admin_client.post(reverse("admin:study_study_delete", args=[study.pk]), {"post": "yes"})
    assert list(Study.objects.all()) == [kept]


@pytest.mark.parametrize("name", [*desk.ACTS, "undo", "preview", "answers", "summaries"])
def test_strangers_and_participants_get_nothing_from_the_desk(client, name):
    study = make_study(1)
    address = reverse(f"admin:study_{name}", args=[study.pk])
    for response in (client.get(address), client.post(address)):
        assert response.status_code in (302, 405) and "login" in response.get("Location", "login")
    study.refresh_from_db()
    assert study.state == Study.State.OPEN and not Participant.objects.exists()


def test_who_may_only_look_sees_the_desk_without_its_buttons(client):
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_study"))
    client.force_login(looker)
    study = make_study(1, opened=False)
    study.researchers.add(looker)
    page = client.get(page_of(study))
    assert page.status_code == 200 and "Publish study" not in page.content.decode()
    for name in [*desk.ACTS, "undo"]:
        assert client.post(reverse(f"admin:study_{name}", args=[study.pk])).status_code == 403
    study.refresh_from_db()
    assert study.state == Study.State.DRAFT


def test_the_desk_takes_few_queries_however_much_a_study_shows(admin_client, django_assert_max_num_queries):
    study = make_design(conditions=2, summaries=12)
    with django_assert_max_num_queries(45):
        admin_client.get(page_of(study))


def test_the_list_of_studies_takes_few_queries_however_many_there_are(
    admin_client, django_assert_max_num_queries
):
    for _ in range(5):
        make_participant(make_study(1))
    with django_assert_max_num_queries(8):
        admin_client.get(reverse("admin:study_study_changelist"))
