"""The retention clock forgets who people were, in time and for good, and keeps what they answered."""

from datetime import UTC, timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db.models import DateTimeField
from django.utils import timezone

from study import exports, publishing, recruitment, retention, sessions, tasks
from study.models import Answer, Event, Exclusion, Participant, Recruit, Study
from tests.factories import make_study

pytestmark = pytest.mark.django_db

FEEDBACK, TOLD = "rather lengthy thought", "left-eyed mostly"


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path


def make_person(study, number, *, days, finished=True):
    """Somebody from Prolific who came (and ended, if so) that many days ago."""
    arrival = recruitment.Arrival("prolific", f"person-number-{number}", f"submission-{number}", "project")
    participant = sessions.start(study, f"token of {number}", arrival=arrival)
    sessions.consent(participant)
    sessions.finish_instructions(participant)
    sessions.finish_practice(participant)
    for key in participant.trials.values_list("key", flat=True):
        now = timezone.now()
        sessions.answer(
            participant, key, kind="name", words=f"wing {number}", seconds=2.5, shown_at=now, answered_at=now
        )
    if finished:
        sessions.finish(participant)
    participant.events.create(kind="focus", detail={"seconds": 3})
    participant.exclusions.create(rule="by hand", reason="careless")
    Participant.objects.filter(pk=participant.pk).update(profile={"sight": TOLD}, feedback=FEEDBACK)
    age(participant, days)
    return participant


def age(participant, days):
    for model, own in (
        (Participant, {"pk": participant.pk}),
        (Recruit, {"participant": participant}),
        (Answer, {"trial__participant": participant}),
        (Event, {"participant": participant}),
        (Exclusion, {"participant": participant}),
    ):
        for row in model.objects.filter(**own):
            for name in moments_of(model):
                if getattr(row, name):
                    setattr(row, name, getattr(row, name) - timedelta(days=days))
            row.save()


def moments_of(model):
    fields = model._meta.concrete_fields
    return [field.name for field in fields if isinstance(field, DateTimeField)]


def all_rows():
    return [
        list(model.objects.order_by("pk").values())
        for model in (Participant, Recruit, Answer, Event, Exclusion, LogEntry)
    ]


def test_a_study_that_keeps_for_ever_stops_no_clock_and_shows_its_receipts(client):
    study = make_study(1, opened=False)
    study.withdraw_days = study.retention_days = 2**31 - 1
    study.save()
    publishing.open_study(study)
    for_ever, over = make_person(study, 1, days=400), make_person(make_study(1), 2, days=400)
    Recruit.objects.create(study=study, platform="prolific", person="never came")
    assert retention.pseudonymise(timezone.now()) == 1
    assert Recruit.objects.filter(participant=for_ever) and not Recruit.objects.filter(participant=over)
    for_ever.refresh_from_db()
    assert client.get(f"/r/{for_ever.receipt_key}/").status_code == 200


def test_who_is_over_time_is_forgotten_and_the_answers_stay():
    study = make_study(2)
    old = make_person(study, 1, days=366)
    young = make_person(study, 2, days=364)
    before = Participant.objects.get(pk=old.pk)
    answered = list(Answer.objects.values_list("kind", "words", "seconds", "revision", "trial", "evidence"))
    kept = list(Participant.objects.filter(pk=young.pk).values())
    now = timezone.now()
    assert retention.counts(now) == {study.slug: 1}
    assert retention.pseudonymise(now) == 1
    after = Participant.objects.get(pk=old.pk)
    assert after.pseudonymised_at == now and after.profile == {} and after.feedback == ""
    assert not {after.token, after.receipt_key} & {before.token, before.receipt_key}
    assert (after.code, after.number, after.outcome) == (before.code, before.number, before.outcome)
    assert [recruit.person for recruit in Recruit.objects.all()] == ["person-number-2"]
    assert all(event.detail == {} for event in old.events.all())
    assert answered == list(
        Answer.objects.values_list("kind", "words", "seconds", "revision", "trial", "evidence")
    )
    assert list(Participant.objects.filter(pk=young.pk).values()) == kept
    assert young.events.last().detail == {"seconds": 3}


def test_every_exact_time_becomes_its_day():
    study = make_study(1)
    participant = make_person(study, 1, days=400)
    retention.pseudonymise(timezone.now())
    for rows in (
        Participant.objects.all(),
        Answer.objects.all(),
        participant.events.all(),
        participant.exclusions.all(),
    ):
        names = [name for name in moments_of(rows.model) if name != "pseudonymised_at"]
        assert set(names) == set(retention.TIMES[rows.model])
        for row in rows:
            moments = [moment for name in names if (moment := getattr(row, name))]
            assert moments and all(
                moment.astimezone(UTC) == moment.replace(hour=0, minute=0, second=0, microsecond=0)
                for moment in moments
            )
    day = (timezone.now() - timedelta(days=400)).date()
    assert Answer.objects.get().received_at.date() == Answer.objects.get().shown_at.date() == day
    assert f"{day}T00:00:00.000+00:00" in "".join(exports.answer_lines(study))


def test_running_it_again_changes_nothing():
    make_person(make_study(1), 1, days=400)
    now = timezone.now()
    retention.pseudonymise(now)
    before = all_rows()
    assert retention.pseudonymise(now + timedelta(days=9)) == 0
    assert all_rows() == before


def test_batches_reach_everybody(monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    study = make_study(1)
    for number in range(5):
        make_person(study, number, days=400, finished=number % 2 == 0)
    assert retention.pseudonymise(timezone.now()) == 5
    tokens = Participant.objects.values_list("token", "receipt_key")
    assert len({token for pair in tokens for token in pair}) == 10 and not Recruit.objects.exists()


def test_nobody_is_cut_off_while_they_were_promised_to_be_able_to_withdraw():
    study = make_study(1)
    Study.objects.update(retention_days=1, withdraw_days=30)
    study.versions.update(content=study.versions.get().content | {"retention_days": 1, "withdraw_days": 30})
    make_person(study, 1, days=29)
    assert retention.pseudonymise(timezone.now()) == 0
    make_person(study, 2, days=31)
    assert retention.pseudonymise(timezone.now()) == 1


def test_who_a_recruiter_told_of_and_never_came_is_forgotten_too():
    study = make_study(1)
    for person, days in (("long ago", 366), ("lately", 364)):
        recruit = Recruit.objects.create(study=study, platform="prolific", person=person)
        Recruit.objects.filter(pk=recruit.pk).update(arrived_at=timezone.now() - timedelta(days=days))
    retention.pseudonymise(timezone.now())
    assert [recruit.person for recruit in Recruit.objects.all()] == ["lately"]


def test_the_sites_log_forgets_the_recruiters_names_but_keeps_what_was_done():
    participant = make_person(make_study(1), 1, days=400)
    told = {"user": get_user_model().objects.create_superuser("researcher"), "action_flag": CHANGE}
    for row in (participant, participant.recruit):
        kind = ContentType.objects.get_for_model(row)
        message = f"excluded person-number-1 ({row})"
        LogEntry.objects.create(
            content_type=kind, object_id=row.pk, object_repr=str(row), change_message=message, **told
        )
    retention.pseudonymise(timezone.now())
    assert LogEntry.objects.get().change_message == f"excluded withdrew ({participant.code})"


def test_the_command_tells_first_and_the_clock_does_it_by_itself(capsys):
    study = make_study(1)
    make_person(study, 1, days=400)
    before = all_rows()
    call_command("pseudonymise", dry_run=True)
    told = capsys.readouterr().out
    assert f"{study.slug}: 1" in told and "nothing was changed" in told and all_rows() == before
    call_command("pseudonymise")
    assert "Participants pseudonymised: 1." in capsys.readouterr().out
    make_person(study, 2, days=400)
    tasks.keep_promises()
    assert not Participant.objects.filter(pseudonymised_at=None).exists()
