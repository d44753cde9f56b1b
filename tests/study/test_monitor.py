"""The researchers' pages on how a study goes, walked through with Django's client."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from study import exclusions, monitor, sessions
from study.models import Answer, Event, Outcome, Participant, Recruit, Tombstone
from study.monitor import EXCLUDED, LEFT, LIVE, Sought, find_people, overview
from tests.factories import give_answers, let_in, make_participant, make_study

pytestmark = pytest.mark.django_db


def page(client, name, study, *more, **query):
    return client.get(reverse(f"study:{name}", args=[study.slug, *more]), query)


def make_staff(client, *permissions):
    user = User.objects.create_user("researcher", password="a word", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    let_in(user)
    client.force_login(user)


def let_leases_run_out(**who):
    Participant.objects.filter(**who).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_everybody_is_counted_where_they_are_and_previews_nowhere():
    study = make_study(2)
    give_answers(make_participant(study), "wing", "nothing_in_common")
    give_answers(make_participant(study), "fin")
    sessions.decline(sessions.start(study, "declines"))
    gone = make_participant(study)
    let_leases_run_out(pk=gone.pk)
    give_answers(make_participant(study, preview=True), "tail", "tail")
    seen = overview(study)
    whole = seen.whole
    assert (whole.arrived, whole.consented, whole.live, whole.completed, whole.answers) == (4, 3, 1, 1, 3)
    assert dict(whole.ends) == {"no consent": 1} and whole.excluded == 0
    assert [group.completed for group in seen.groups if group.completed] == [1]
    assert sum(group.arrived for group in seen.groups) == 4
    assert sorted(row.counted for row in seen.stimuli) == [1, 2]
    assert sum(row.live for row in seen.stimuli) == 1 and all(row.target == 20 for row in seen.stimuli)


def test_shares_are_of_answers_and_surplus_and_skipped_ones_stand_apart():
    study = make_study(1)
    for words in ("wing", "fin", "cannot_tell", "skipped"):
        give_answers(make_participant(study), words)
    Answer.objects.filter(words="fin").update(surplus=True)
    (row,) = overview(study).stimuli
    assert (row.answers, row.counted, row.surplus, row.skipped, row.share) == (3, 2, 1, 1, 67)


def test_of_a_revised_answer_the_last_revision_counts():
    study = make_study(1)
    participant = make_participant(study)
    give_answers(participant, "wing")
    first = Answer.objects.get()
    Answer.objects.create(trial=first.trial, revision=2, kind="cannot_tell", software_version="1")
    (row,) = overview(study).stimuli
    assert (row.answers, row.names) == (1, 0)


def test_bots_are_counted_apart_and_marked_wherever_they_show(admin_client):
    study = make_study(1)
    bot = make_participant(study, simulated=True)
    give_answers(bot, "wing")
    alone = page(admin_client, "monitor", study).content.decode()
    assert "All numbers on this page are of bots" in alone and "?who=simulated" in alone
    give_answers(make_participant(study), "fin")
    mixed = page(admin_client, "monitor", study)
    assert mixed.context["seen"].whole.answers == 1 and "Simulated" in mixed.content.decode()
    assert overview(study, True).whole.answers == 1 and overview(study, True).whole.arrived == 1
    for marked in (page(admin_client, "people", study), page(admin_client, "person", study, bot.code)):
        assert marked.content.decode().count('<span class="badge simulated">') == 1


def test_the_page_takes_the_same_few_queries_however_much_there_is(
    admin_client, django_assert_max_num_queries
):
    study = make_study(3)
    for number in range(6):
        participant = make_participant(study)
        give_answers(participant, *["wing"] * (number % 3))
        exclusions.exclude(participant, "a test of ours", None)
    with django_assert_max_num_queries(12):
        assert b"<rect" not in page(admin_client, "monitor", study).content
    with django_assert_max_num_queries(12):
        page(admin_client, "monitor_fragment", study)
    with django_assert_max_num_queries(9):
        page(admin_client, "people", study)
    with django_assert_max_num_queries(11):
        page(admin_client, "person", study, participant.code)


def test_the_fragment_has_every_part_that_the_page_keeps_fresh(admin_client):
    study = make_study(2)
    give_answers(make_participant(study), "wing", "wing")
    whole = page(admin_client, "monitor", study).content.decode()
    part = page(admin_client, "monitor_fragment", study).content.decode()
    assert "<html" not in part and part.count("data-part") == whole.count("data-part") == 7
    assert part.count("<rect") == 1


def test_people_are_found_by_where_they_came_to_and_by_pseudonym():
    study = make_study(1)
    done, left, live, out = (make_participant(study) for _ in range(4))
    give_answers(done, "wing")
    let_leases_run_out(pk=left.pk)
    exclusions.exclude(out, "a test of ours", None)

    def found(**sought):
        return {person.participant.number for person in find_people(study, Sought(**sought)).people}

    assert found() == {1, 2, 3, 4} and found(outcome=Outcome.COMPLETED) == {1}
    assert found(outcome=LEFT) == {2} and found(outcome=LIVE) == {3, 4} and found(outcome=EXCLUDED) == {4}
    assert found(pseudonym=done.code[:12].upper()) == {1} and found(pseudonym="3") >= {3}
    assert found(condition=study.conditions.get()) == {1, 2, 3, 4} and found(simulated=True) == set()


def test_the_list_goes_on_page_by_page_without_gap(admin_client, monkeypatch):
    monkeypatch.setattr(monitor, "PEOPLE_AT_ONCE", 2)
    study = make_study(1)
    for _ in range(5):
        make_participant(study)
    seen, before = [], None
    while True:
        found = find_people(study, Sought(), before)
        seen += [person.participant.number for person in found.people]
        before = found.before
        if before is None:
            break
    assert seen == [5, 4, 3, 2, 1] and found.total == 5
    first = page(admin_client, "people", study, outcome="live").content.decode()
    assert "?outcome=live&amp;before=4" in first and "5 participants" in first


def test_a_search_that_makes_no_sense_is_refused_at_its_field(admin_client):
    refused = page(admin_client, "people", make_study(1), outcome="nowhere")
    assert refused.status_code == 400 and "nowhere is not one of" in refused.content.decode()


def test_the_timeline_tells_everything_in_order_and_neutralises_what_was_typed(admin_client):
    study = make_study(2)
    participant = make_participant(study)
    Recruit.objects.create(
        study=study, participant=participant, platform="prolific", person="p1", status="ACTIVE"
    )
    give_answers(participant, "<b>wi\u202eng</b>")
    Answer.objects.update(seconds=2.5, evidence={"focus_losses": 3, "pastes": 1, "offline": True})
    Event.objects.create(participant=participant, kind="released", detail={"status": "RETURNED"})
    exclusion = exclusions.exclude(participant, "a test of ours", None)
    shown = page(admin_client, "person", study, participant.code)
    told = [moment.what for moment in shown.context["moments"]]
    assert told.index("Pressed Start") < told.index("Consented") < told.index("Trial 1")
    assert told[-1] == f"Excluded: {exclusion.rule}" and "Came from Prolific" in told
    text = shown.content.decode()
    assert "&lt;b&gt;wi[U+202E]ng&lt;/b&gt;" in text and "\u202e" not in text and "<b>" not in text
    facts = ("2.5 s on the page", "3 × left the window", "without a connection", "RETURNED", "ACTIVE")
    assert all(fact in text for fact in facts)
    assert "Trial 2</span>" in text and "a test of ours" in text


def test_who_withdrew_is_only_a_number(admin_client):
    study = make_study(1)
    Tombstone.objects.create(study=study, digest="0" * 64)
    assert "withdrew and were erased: 1" in page(admin_client, "monitor", study).content.decode()


def test_recruiters_names_are_shown_only_to_who_may_see_them(client):
    study = make_study(1)
    participant = make_participant(study)
    Recruit.objects.create(study=study, participant=participant, platform="prolific", person="p-4711")
    make_staff(client, "view_study")
    assert "p-4711" not in page(client, "person", study, participant.code).content.decode()
    User.objects.get().user_permissions.add(Permission.objects.get(codename="view_recruit"))
    assert "p-4711" in page(client, "person", study, participant.code).content.decode()


def addresses(study, participant):
    exclusion = participant.exclusions.first() or exclusions.exclude(participant, "a test of ours", None)
    looking = [("monitor",), ("monitor_fragment",), ("people",), ("person", participant.code)]
    deciding = [("judge",), ("exclude", participant.code), ("lift", participant.code, exclusion.pk)]
    return [
        [reverse(f"study:{name}", args=[study.slug, *more]) for name, *more in group]
        for group in (looking, deciding)
    ]


def test_strangers_are_sent_to_the_log_in_and_staff_without_permission_are_refused(client):
    study = make_study(1)
    looking, deciding = addresses(study, make_participant(study))
    for address in looking:
        assert "login" in client.get(address).headers["Location"]
    for address in deciding:
        assert "login" in client.post(address, {"reason": "x"}).headers["Location"]
    make_staff(client, "view_run")
    assert {client.get(address).status_code for address in looking} == {403}
    assert {client.post(address, {"reason": "x"}).status_code for address in deciding} == {403}


def test_who_may_only_look_decides_nothing(client):
    study = make_study(1)
    participant = make_participant(study)
    looking, deciding = addresses(study, participant)
    make_staff(client, "view_study")
    assert {client.get(address).status_code for address in looking} == {200}
    assert {client.post(address, {"reason": "x"}).status_code for address in deciding} == {403}
    assert {client.get(address).status_code for address in deciding} == {405}
    shown = page(client, "person", study, participant.code).content.decode()
    assert "Lift the exclusion" not in shown and "Exclude by hand" not in shown
    assert participant.exclusions.filter(lifted_at=None).count() == 1


def test_a_participant_of_another_study_and_a_preview_are_not_found(admin_client):
    study, other = make_study(1), make_study(1)
    assert page(admin_client, "person", study, make_participant(other).code).status_code == 404
    assert page(admin_client, "person", study, make_participant(study, preview=True).code).status_code == 404


def test_excluding_and_lifting_by_hand_ask_for_a_reason_and_keep_it(admin_client):
    study = make_study(1)
    participant = make_participant(study)
    address = reverse("study:exclude", args=[study.slug, participant.code])
    refused = admin_client.post(address, {"reason": " "})
    assert refused.status_code == 422 and "Give a reason" in refused.content.decode()
    done = admin_client.post(address, {"reason": "told us it was a test"}, follow=True).content.decode()
    assert "told us it was a test" in done and "by admin" in done
    again = admin_client.post(address, {"reason": "twice"}, follow=True).content.decode()
    assert "is excluded by hand already" in again
    (exclusion,) = participant.exclusions.all()
    lifting = reverse("study:lift", args=[study.slug, participant.code, exclusion.pk])
    assert admin_client.post(lifting, {}).status_code == 422
    lifted = admin_client.post(lifting, {"reason": "it was another"}, follow=True).content.decode()
    assert "None stands" in lifted and "it was another" in lifted
    twice = admin_client.post(lifting, {"reason": "once more"}, follow=True).content.decode()
    assert "lifted already" in twice
