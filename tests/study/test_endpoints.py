"""Every address of the site, and what it answers to whom: one that is not in the table fails.

A stranger has no cookie, "elsewhere" one of another study; the other is another participant of the same
study, the researcher staff without any permission; the owner is the one whom the address is for.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core import serializers
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver, reverse

from annotations.models import Concept
from study import desk, sessions, views
from study.models import Exclusion, Participant, Snapshot, Study
from summaries.models import RunImage, Summary
from tests.factories import let_in, make_participant, make_study
from tests.found_runs import make_dissected_run, make_found_run

pytestmark = pytest.mark.django_db

START, PLACE, LOGIN = "the start page", "their own place", "the log-in page"
INSIDE = "the log-in page, or past it"
READ, WRITE, BOTH = ("GET", "HEAD"), ("POST",), ("GET", "HEAD", "POST")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PAGES = ("consent", "questions", "instructions", "practice", "check", "feedback", "thanks")
MODEL_PAGES = ("changelist", "add", "history", "delete", "change")
BY_SIGNATURE = "study:prolific_hook"
"""Called by another machine, which has no cookies."""


@dataclass(frozen=True)
class Row:
    """One address: what may be sent to it, and what each gets."""

    methods: tuple[str, ...]
    stranger: int | str
    other: int | str
    researcher: int | str
    owner: int | str
    needs: tuple[str, ...] = ()
    """What stands in the address, by name in the world below."""


def _page(owner: int | str = PLACE, *needs: str) -> Row:
    """Of the participants' way, where the server alone knows the place of each."""
    return Row(BOTH, START, PLACE, START, owner, ("slug", *needs))


def _for_staff(methods: tuple[str, ...], *needs: str, researcher: int | str = 403, owner: int = 200) -> Row:
    return Row(methods, LOGIN, LOGIN, researcher, owner, needs)


TABLE = {
    "": Row(READ, 302, 302, 302, 302),
    "study:start": Row(BOTH, 200, PLACE, 200, PLACE, ("slug",)),
    **{f"study:{name}": _page() for name in PAGES},
    "study:trial": _page(200, "key"),
    "study:picture": Row(("GET",), 404, 404, 404, 200, ("slug", "key", "number")),
    "study:answer": Row(("PUT",), 403, 404, 403, 201, ("slug", "key")),
    "study:work": Row(("GET",), 403, 200, 403, 200, ("slug",)),
    "study:finish": Row(WRITE, 403, 422, 403, 422, ("slug",)),
    "study:alive": Row(WRITE, 403, 204, 403, 204, ("slug",)),
    "study:prolific_hook": Row(WRITE, 401, 401, 401, 401, ("slug",)),
    "study:receipt": Row(READ, 404, 404, 404, 404, ("guess",)),
    "study:download": Row(("GET",), 404, 404, 404, 404, ("guess",)),
    "study:withdraw": Row(WRITE, 404, 404, 404, 404, ("guess",)),
    "study:withdrawn": Row(READ, 404, 404, 404, 404),
    "summaries:runs": _for_staff(READ, researcher=200),
    "summaries:run": _for_staff(READ, "run", researcher=200),
    "summaries:progress": _for_staff(READ, "run", researcher=200),
    "summaries:cancel": _for_staff(WRITE, "run", owner=302),
    "summaries:resume": _for_staff(WRITE, "run", owner=302),
    "summaries:tags": _for_staff(READ, "run", researcher=200),
    "summaries:tags_csv": _for_staff(READ, "run", researcher=200),
    "summaries:tag": _for_staff(WRITE, "run", owner=302),
    "summaries:units": _for_staff(READ, "dissection", researcher=200),
    "summaries:units_csv": _for_staff(READ, "dissection", researcher=200),
    "summaries:unit": _for_staff(READ, "unit", researcher=200),
    "summaries:compare": _for_staff(READ, researcher=200),
    "summaries:compare_csv": _for_staff(READ, researcher=200),
    "summaries:summary": _for_staff(READ, "summary", researcher=200),
    "summaries:image": _for_staff(READ, "image", researcher=200),
    "summaries:photograph": _for_staff(READ, "image", researcher=200),
    "summaries:file": _for_staff(READ, "file", researcher=200),
    "admin/login/": Row(BOTH, 200, 200, INSIDE, INSIDE),
    "admin:login": Row(BOTH, 200, 200, INSIDE, INSIDE),
    "admin:index": _for_staff(BOTH, researcher=200),
    "admin:logout": Row(WRITE, 302, 302, 200, 200),
    "admin:password_change": _for_staff(BOTH, researcher=200),
    "admin:password_change_done": _for_staff(READ, researcher=200),
    "admin:autocomplete": _for_staff(READ, owner=403),  # of nothing
    "admin:jsi18n": _for_staff(READ, researcher=200),
    "admin:view_on_site": _for_staff(BOTH, "type of study", "study", researcher=302, owner=302),
    "admin:app_list": _for_staff(BOTH, "app", researcher=404),
    "admin:auth_user_password_change": _for_staff(BOTH, "user"),
    **{f"admin:study_{act}": _for_staff(WRITE, "study", owner=302) for act in (*desk.ACTS, "undo")},
    "admin:study_bundle": _for_staff(READ, "study", "version"),
    "admin:study_bundle_hash": _for_staff(READ, "study", "version"),
    "admin:study_preview": _for_staff(WRITE, "study", owner=302),
    "admin:study_answers": _for_staff(READ, "study"),
    "admin:study_summaries": _for_staff(READ, "study"),
    "admin:study_reconcile": _for_staff(BOTH, "study"),
    "study:monitor": _for_staff(READ, "slug"),
    "study:monitor_fragment": _for_staff(READ, "slug"),
    "study:people": _for_staff(READ, "slug"),
    "study:person": _for_staff(READ, "slug", "code"),
    "study:export": _for_staff(BOTH, "slug"),
    "study:results": _for_staff(READ, "slug"),
    "study:results_newest": _for_staff(READ, "slug"),
    "study:result": _for_staff(READ, "slug", "stimulus"),
    "study:answers_behind": _for_staff(READ, "slug"),
    "study:figure": _for_staff(READ, "slug", "figure", "format"),
    "study:look": _for_staff(WRITE, "slug", owner=302),
    "study:review_stops": _for_staff(WRITE, "slug", owner=302),
    "study:report": _for_staff(READ, "slug"),
    "study:report_latex": _for_staff(READ, "slug"),
    "study:judge": _for_staff(WRITE, "slug", owner=302),
    "study:exclude": _for_staff(WRITE, "slug", "code", owner=422),
    "study:lift": _for_staff(WRITE, "slug", "code", "exclusion", owner=422),
    "study:names": _for_staff(READ, "slug"),
    "study:names_weigh": _for_staff(WRITE, "slug", owner=422),
    "study:names_decide": _for_staff(WRITE, "slug", owner=422),
    "study:names_log": _for_staff(READ, "slug"),
    "study:names_used": _for_staff(READ, "slug", owner=404),  # a name that nobody gave
    "study:coders": _for_staff(READ, "slug"),
    "study:coders_done": _for_staff(WRITE, "slug", owner=302),
    "study:coders_open": _for_staff(WRITE, "slug", owner=302),
    "admin:study_picture": _for_staff(READ, "study", "stimulus", "number"),
}


@pytest.fixture
def world(db) -> dict:
    """What stands in addresses, and who comes, in the middle of their work."""
    study, run = make_study(2), make_found_run(images=3, skipped=0)
    dissected = make_dissected_run()
    owner, other = make_participant(study), make_participant(study)
    elsewhere = make_participant(make_study(1))
    User.objects.create_superuser("keeper")
    let_in(User.objects.create_user("researcher", is_staff=True))
    Group.objects.create(name="coders")
    Concept.objects.create(name="wing", category="part")
    return {
        "slug": study.slug,
        "key": sessions.place_of(owner).trial.key,
        "number": 0,
        "figure": "flow",
        "format": "svg",
        "guess": "0" * 43,
        "run": run.pk,
        "summary": Summary.objects.filter(run_class__run=run).first().pk,
        "image": RunImage.objects.filter(run_class__run=run).first().pk,
        "dissection": dissected.pk,
        "unit": dissected.units.first().pk,
        "file": Summary.objects.filter(run_class__run=run).first().picture,
        "study": study.pk,
        "stimulus": study.stimuli.first().pk,
        "user": User.objects.first().pk,
        "app": "study",
        "code": owner.code,
        "version": 1,
        "exclusion": Exclusion.objects.create(participant=owner, rule="by hand", reason="a test").pk,
        "type of study": ContentType.objects.get_for_model(Study).pk,
        "people": {"owner": owner, "other": other, "elsewhere": elsewhere},
    }


def client_of(world: dict, who: str, **more: object) -> Client:
    client = Client(**more)
    if participant := world["people"].get(who):
        client.cookies.update(views.enter(participant.study, participant).cookies)
    elif who in ("keeper", "researcher"):
        client.force_login(User.objects.get(username=who))
    return client


def names_of(resolver, spaces: tuple[str, ...] = ()) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from names_of(pattern, (*spaces, pattern.namespace) if pattern.namespace else spaces)
        else:
            yield ":".join((*spaces, pattern.name or str(pattern.pattern)))


def model_pages() -> dict[str, list]:
    """The admin's pages of each of its models, by name, with an existing row."""
    pages = {}
    for model in admin.site._registry:
        row = model.objects.first()
        for page in MODEL_PAGES:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
            pages[name] = [] if page in ("changelist", "add") else [row.pk if row else 0]
    return pages


def address_of(world: dict, name: str) -> str:
    if name == "":
        return "/"
    if "/" in name:
        return f"/{name}"
    return reverse(name, args=[world[part] for part in TABLE[name].needs])


def owner_of(name: str) -> str:
    """A participant, or a researcher who may do everything."""
    return "keeper" if TABLE[name].stranger == LOGIN or name.startswith("admin") else "owner"


def verbs_of(row: Row) -> list[str]:
    return [method for method in row.methods if method != "HEAD"]


def call(client: Client, method: str, address: str) -> HttpResponse:
    answer = {"data": {"kind": "name", "words": "wing"}, "content_type": "application/json"}
    return getattr(client, method.lower())(address, **(answer if method == "PUT" else {}))


def told(response: HttpResponse) -> int | str:
    """The status; of a redirect its target, where it is one of those that have a name."""
    return response["Location"] if response.status_code == 302 else response.status_code


def meant(world: dict, expected: int | str, who: str) -> object:
    if expected == START:
        return reverse("study:start", args=[world["slug"]])
    if expected == PLACE:
        participant = Participant.objects.get(pk=world["people"][who].pk)
        return views.address_of(participant.study, sessions.place_of(participant))
    return expected


def agrees(world: dict, response: HttpResponse, expected: int | str, who: str) -> bool:
    got = told(response)
    if expected == LOGIN:
        return str(got).startswith(reverse("admin:login"))
    if expected == INSIDE:
        return got in (200, reverse("admin:index"))
    return meant(world, expected, who) in (got, response.status_code)


@contextmanager
def undone() -> Iterator[None]:
    """What happens within is taken back, so that the next call finds the same world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def everything(but: Participant | None = None) -> str:
    """All rows of ours and all accounts, but for one participant's own."""
    rows = []
    for model in [*apps.get_app_config("auth").get_models(), *_models()]:
        found = model.objects.order_by("pk")
        rows.extend(found.exclude(pk=but.pk) if but and model is Participant else found)
    told = serializers.serialize("python", rows)
    return str([row | {"fields": row["fields"] | {"last_login": None}} for row in told])


def _models() -> Iterator[type]:
    """But for snapshots, which tell nothing that other rows do not."""
    for room in ("annotations", "summaries", "study"):
        yield from (model for model in apps.get_app_config(room).get_models() if model is not Snapshot)


def test_every_address_of_the_site_stands_in_the_table(world):
    of_django = {*model_pages(), "admin:<path:object_id>/", r"admin:(?P<url>.*)$"}
    assert sorted(set(names_of(get_resolver())) - of_django) == sorted(TABLE)


@pytest.mark.parametrize("who", ["stranger", "elsewhere", "other", "researcher", "owner"])
def test_each_gets_what_is_theirs_and_nothing_else(world, who):
    wrong, before = [], everything(but=world["people"].get(who))
    for name, row in TABLE.items():
        expected = row.stranger if who == "elsewhere" else getattr(row, who)
        actor = owner_of(name) if who == "owner" else who
        for method in verbs_of(row):
            with undone() if who == "owner" else nullcontext():
                response = call(client_of(world, actor), method, address_of(world, name))
                if not agrees(world, response, expected, who):
                    wrong.append(f"{method} {name}: {told(response)}")
    assert not wrong, "\n".join(wrong)
    assert everything(but=world["people"].get(who)) == before


@pytest.mark.parametrize("who", ["stranger", "owner", "researcher", "keeper"])
def test_nothing_has_an_effect_on_get(world, who):
    client, before = client_of(world, who), everything()
    for name in TABLE:
        call(client, "GET", address_of(world, name))
        assert everything() == before, name


def test_what_an_address_does_not_take_is_refused(world):
    wrong = []
    for name, row in TABLE.items():
        ours = name.startswith(("study:", "summaries:", "admin:study_"))
        for method in set(METHODS) - set(row.methods) if ours else ():
            status = call(client_of(world, owner_of(name)), method, address_of(world, name)).status_code
            wrong += [f"{method} {name}: {status}"] if status != 405 else []
    assert not wrong, "\n".join(wrong)


def test_what_another_site_lets_a_browser_send_has_no_effect(world):
    wrong, before = [], everything()
    for name, row in TABLE.items():
        for method in {"POST", "PUT"} & set(row.methods):
            client = client_of(world, owner_of(name), enforce_csrf_checks=True)
            status = call(client, method, address_of(world, name)).status_code
            if status != (401 if name == BY_SIGNATURE else 403):
                wrong.append(f"{method} {name}: {status}")
    assert not wrong, "\n".join(wrong)
    assert everything() == before


def test_the_admins_pages_of_every_model_are_closed_to_strangers_and_to_other_researchers(world):
    before = everything()
    for name, args in model_pages().items():
        for method in ("GET", "POST"):
            address = reverse(name, args=args)
            stranger = call(client_of(world, "stranger"), method, address)
            assert told(stranger).startswith(reverse("admin:login")), name
            assert call(client_of(world, "researcher"), method, address).status_code == 403, name
    assert everything() == before
