"""Which studies a researcher sees: their own and those that list them."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from study import access
from study.models import Study
from tests.factories import make_study

pytestmark = pytest.mark.django_db


def make_researcher(name):
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="study"))
    return user


def seen_by(user):
    return set(access.open_to(user, Study.objects.all()))


def test_a_study_is_open_to_its_maker_to_those_it_lists_and_to_administrators():
    anna, bela, clara = map(make_researcher, ["anna", "bela", "clara"])
    admin = User.objects.create_superuser("admin")
    owned, shared, nobodys = make_study(1, created_by=anna), make_study(1, created_by=anna), make_study(1)
    shared.researchers.add(bela)
    assert seen_by(anna) == {owned, shared} and seen_by(admin) == {owned, shared, nobodys}
    assert seen_by(bela) == {shared} and seen_by(clara) == set()


def test_for_other_researchers_a_study_does_not_exist_whatever_they_may_do():
    anna, bela = map(make_researcher, ["anna", "bela"])
    study, client = make_study(1, created_by=anna), Client()
    client.force_login(bela)
    for address in (
        reverse("study:monitor", args=[study.slug]),
        reverse("study:people", args=[study.slug]),
        reverse("admin:study_answers", args=[study.pk]),
        reverse("admin:study_picture", args=[study.pk, study.stimuli.get().pk, 0]),
    ):
        assert client.get(address).status_code == 404, address
    assert study.title not in client.get(reverse("admin:study_study_changelist")).content.decode()
    assert client.post(reverse("admin:study_close", args=[study.pk])).status_code == 404
    client.force_login(anna)
    assert client.get(reverse("study:monitor", args=[study.slug])).status_code == 200


def test_a_study_stays_closed_when_the_accounts_of_those_who_saw_it_are_deleted():
    anna, bela, clara = map(make_researcher, ["anna", "bela", "clara"])
    admin, study = User.objects.create_superuser("admin"), make_study(1, created_by=anna)
    study.researchers.add(bela)
    User.objects.filter(username__in=["anna", "bela"]).delete()
    assert seen_by(clara) == set() and seen_by(admin) == {study}
