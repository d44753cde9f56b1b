"""Merging, splitting, coding and undoing the names of a study: rows, pages, and what blind coders see."""

import json
import threading

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotations import Refusal
from annotations.models import Concept
from study import looks, naming, publishing, rights, stimuli
from study.desk_forms import StudyDesign
from study.findings import effect
from study.models import Exclusion, NameEvent, Participant
from tests.factories import CLASS_NAME, NETWORK_NAME, give_names, make_design, make_study
from tests.found_runs import make_found_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db):
    return User.objects.create_superuser("ann")


@pytest.fixture
def bob(db):
    return User.objects.create_superuser("bob")


@pytest.fixture
def study(db):
    """Two summaries, four people: beak is called in several ways, tail is tail."""
    study = make_study(2, order="latin", blind_naming=True)
    give_names(study, ["Beak", "tail"], ["bill", "tail"], ["beaks", "tails"], ["beek", "the tail"])
    return study


def groups(study, coder="ann"):
    layers = naming.layers(study, coder)
    return {name: layers.merged(name) for name in naming.counts(study)}


def post(client, study, page, /, **sent):
    return client.post(reverse(f"study:{page}", args=[study.slug]), sent)


def entered(user):
    client = Client()
    client.force_login(user)
    return client


def test_a_merge_is_a_row_with_who_when_why_and_how_many_answers(study, ann):
    event = naming.merge(study, ["beak", "bill"], "Beaks", by=ann, reason="the  same")
    assert (event.coder, event.kind, event.names, event.into) == ("ann", "merge", ["beak", "bill"], "beak")
    assert (event.answers, event.reason, event.blind) == (3, "the same", True)
    assert event.layer_version == naming.layers(study).version and event.at
    assert groups(study) == {"beak": "beak", "bill": "beak", "beek": "beek", "tail": "tail"}


def test_replay_of_the_rows_gives_the_same_table_byte_for_byte_and_undo_restores_alpha_exactly(study, ann):
    def told():
        layers = naming.layers(study)
        lines = [(each.distinct, each.alpha, each.name_agreement) for each in effect.lines(study, layers)]
        return json.dumps([layers.lexicon.merged, layers.lexicon.codes]).encode(), lines

    naming.merge(study, ["bill"], "beak", by=ann)
    before = told()
    merged = naming.merge(study, ["beek"], "beak", by=ann)
    coded = naming.code(study, ["beak"], "head", by=ann)
    assert told() == told() != before
    split = naming.split(study, ["bill"], by=ann)
    for event in (split, coded, merged):
        naming.undo(study, event.pk, by=ann)
    assert told() == before
    assert NameEvent.objects.count() == 7


def test_an_undo_leaves_what_was_decided_later(study, ann):
    first = naming.merge(study, ["beek"], "bill", by=ann)
    naming.merge(study, ["bill"], "beak", by=ann)
    naming.undo(study, first.pk, by=ann)
    assert groups(study) == {"beak": "beak", "bill": "beak", "beek": "beek", "tail": "tail"}


@pytest.mark.parametrize(
    "act, sentence",
    [
        (lambda s, u: naming.merge(s, [], "beak", by=u), "Mark the names that you mean first."),
        (lambda s, u: naming.merge(s, ["wing"], "beak", by=u), "Nobody's answer is called “wing”"),
        (lambda s, u: naming.merge(s, ["beak"], "beak", by=u), "Mark two names or more"),
        (lambda s, u: naming.merge(s, ["beak", "bill"], " ! ", by=u), "Give the group a name."),
        (lambda s, u: naming.merge(s, ["beak", "bill"], "x" * 101, by=u), "up to 100 characters"),
        (lambda s, u: naming.merge(s, ["beak", "bill"], "beak", by=u, reason="x" * 301), "up to 300"),
        (lambda s, u: naming.split(s, ["beak"], by=u), "“beak” stands alone already."),
        (lambda s, u: naming.code(s, ["beak"], "", by=u), "They have no code."),
        (lambda s, u: naming.undo(s, 10**9, by=u), "Only your own"),
    ],
)
def test_bad_input_is_refused_in_one_sentence_and_adds_no_row(study, ann, act, sentence):
    with pytest.raises(Refusal, match=sentence):
        act(study, ann)
    assert not NameEvent.objects.exists()


def test_an_undo_can_be_neither_repeated_nor_undone_nor_made_by_somebody_else(study, ann, bob):
    event = naming.merge(study, ["bill"], "beak", by=ann)
    with pytest.raises(Refusal, match="Only your own"):
        naming.undo(study, event.pk, by=bob)
    undo = naming.undo(study, event.pk, by=ann)
    for pk, sentence in ((event.pk, "undone already"), (undo.pk, "an undo cannot")):
        with pytest.raises(Refusal, match=sentence):
            naming.undo(study, pk, by=ann)


def test_the_same_press_twice_is_one_row_and_a_stale_page_is_told_so(study, ann):
    first = naming.merge(study, ["bill"], "beak", by=ann, seen=0)
    assert naming.merge(study, ["bill"], "beak", by=ann, seen=0) == first
    with pytest.raises(Refusal, match="perhaps in another tab"):
        naming.merge(study, ["beek"], "beak", by=ann, seen=0)
    naming.merge(study, ["beek"], "beak", by=ann, seen=first.pk)
    assert NameEvent.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_make_one_row_of_one_press(study, ann):
    made, start = [], threading.Barrier(4)

    def press():
        start.wait(timeout=60)
        made.append(naming.merge(study, ["bill"], "beak", by=ann, seen=0).pk)
        connections.close_all()

    tabs = [threading.Thread(target=press) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(timeout=120)
    assert len(set(made)) == 1 and len(made) == 4 and NameEvent.objects.count() == 1


def test_each_coder_has_groups_of_their_own_and_the_study_says_whose_count(study, ann, bob):
    naming.merge(study, ["bill"], "beak", by=ann)
    naming.merge(study, ["beek", "bill"], "beak", by=bob)
    assert groups(study, "ann")["beek"] == "beek" and groups(study, "bob")["beek"] == "beak"
    assert naming.layers(study).coder == "ann"
    study.coder = "bob"
    assert naming.layers(study).coder == "bob" and naming.layers(study).merged("beek") == "beak"
    assert naming.layers(study, "ann").stamp != naming.layers(study, "bob").stamp


def test_on_the_desk_one_chooses_among_those_who_decided(study, ann, bob):
    naming.merge(study, ["bill"], "beak", by=ann)
    naming.merge(study, ["beek"], "beak", by=bob)
    form = StudyDesign(instance=study)
    assert [value for value, _ in form.fields["coder"].choices] == ["", "ann", "bob"]
    page = entered(ann).get(reverse("admin:study_study_change", args=[study.pk])).content.decode()
    assert '<option value="bob">bob</option>' in page and "blind_naming" in page


def test_coders_see_each_other_once_both_are_done(study, ann, bob):
    naming.merge(study, ["bill"], "beak", by=ann)
    assert not naming.declare_done(study, ann)
    naming.merge(study, ["beek", "bill"], "beak", by=bob)
    naming.code(study, ["tail"], "rear", by=ann)
    assert not naming.declare_done(study, bob)
    assert naming.declare_done(study, ann) and naming.is_open(study)
    [agreement] = naming.agreements(study)
    told = agreement.comparison
    assert told.same.value == 2 / 4 and told.same_weighted.value == 3 / 8
    assert [row[0] for row in told.differ] == ["tail", "beek"]


def test_the_comparison_is_opened_by_hand_with_a_reason_and_that_is_a_row(study, ann, bob):
    naming.merge(study, ["bill"], "beak", by=ann)
    with pytest.raises(Refusal, match="Say why"):
        naming.open_comparison(study, bob, " ")
    naming.open_comparison(study, bob, "the deadline")
    row = NameEvent.objects.last()
    assert (row.coder, row.kind, row.reason) == ("bob", "opened", "the deadline")
    assert naming.layers(study).events == 1


def test_what_speaks_for_a_merge_is_proposed_with_counts_and_kept_beside_the_decision(study, ann):
    Concept.objects.create(name="beak", category="part", synonyms=["bill"])
    rows = {row.group: row for row in naming.sheet(study, naming.layers(study, "ann")).rows}
    assert [each.group for each in rows["beak"].proposals] == ["beek", "bill"]
    assert all(each.words.endswith("; 1 person") for each in rows["beak"].proposals)
    assert "one letter apart" in rows["beak"].proposals[0].words
    assert "synonyms" in rows["beak"].proposals[1].words
    assert rows["beak"].spellings == [("Beak", 1), ("beaks", 1)] and not NameEvent.objects.exists()
    client = entered(ann)
    post(client, study, "names_decide", act="merge", name=["beak", "bill"], into="beak", seen=0)
    assert NameEvent.objects.get().evidence["synonyms"]["score"] == 0.8


def test_names_that_one_person_gave_to_a_picture_shown_twice_are_proposed(ann):
    study = publishing.create_study(make_found_run(), "Parts")
    stimuli.add_repeats(study.conditions.get(), 1)
    publishing.open_study(study)
    give_names(study, ["beak", "nose"], ["nose", "beak"], ["beak", "beak"])
    known = naming.vocabulary(study)
    assert known.repeats == {("beak", "nose"): 2}
    rows = naming.sheet(study, naming.layers(study, "ann")).rows
    assert "2 people gave both to one picture shown twice" in rows[0].proposals[0].words


def test_the_way_without_scripts_marks_weighs_confirms_and_undoes(study, ann):
    client = entered(ann)
    page = client.get(reverse("study:names", args=[study.slug]))
    assert page.context["seen"] == 0
    weighed = post(client, study, "names_weigh", act="merge", name=["beak", "bill"], seen=0)
    assert weighed.status_code == 200 and not NameEvent.objects.exists()
    assert [line.layer for line in weighed.context["lines"]] == ["raw", "mechanical", "merged", "after"]
    assert [line.distinct for line in weighed.context["lines"]] == [7, 4, 4, 3]
    done = post(client, study, "names_decide", act="merge", name=["beak", "bill"], into="beak", seen=0)
    assert done.status_code == 302
    page = client.get(done.url).content.decode()
    assert "Merged into “beak”: “beak”, “bill”." in page
    event = NameEvent.objects.get()
    log = client.get(reverse("study:names_log", args=[study.slug])).content.decode()
    assert f'name="undoes" value="{event.pk}"' in log
    asked = post(client, study, "names_weigh", act="undo", undoes=event.pk, seen=event.pk)
    assert "Undo this decision?" in asked.content.decode()
    assert 'It was: Merge into <q class="typed">beak</q>.' in asked.content.decode()
    post(client, study, "names_decide", act="undo", undoes=event.pk, seen=event.pk)
    assert groups(study)["bill"] == "bill"
    assert "undone" in client.get(reverse("study:names_log", args=[study.slug])).content.decode()


def test_a_stale_page_is_told_so_and_keeps_what_was_typed(study, ann):
    client = entered(ann)
    naming.merge(study, ["bill"], "beak", by=ann)
    sent = {"act": "merge", "name": ["beak", "beek"], "into": "beak", "reason": "a slip of the finger"}
    page = post(client, study, "names_decide", **sent, seen=0)
    assert page.status_code == 409 and "perhaps in another tab" in page.content.decode()
    assert "a slip of the finger" in page.content.decode()
    again = post(client, study, "names_decide", **sent, seen=page.context["seen"])
    assert again.status_code == 302 and groups(study)["beek"] == "beak"


def test_a_whole_group_that_is_split_falls_into_its_names(study, ann):
    client = entered(ann)
    naming.merge(study, ["bill", "beek"], "beak", by=ann)
    seen = naming.last_row(study, "ann")
    page = post(client, study, "names_weigh", act="split", name=["beak"], seen=seen)
    assert sorted(page.context["intent"].names) == ["beak", "beek", "bill"]
    post(client, study, "names_decide", act="split", part=["beak", "beek", "bill"], seen=seen)
    assert set(groups(study).values()) == {"beak", "bill", "beek", "tail"}


@pytest.mark.parametrize("name", ["names_weigh", "names_decide"])
@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"act": "burn", "seen": 0},
        {"act": "merge", "seen": "x", "name": "beak"},
        {"act": "merge", "seen": 0, "pair": "[1"},
        {"act": "merge", "seen": 0, "pair": '"beak"'},
        {"act": "merge", "seen": 0, "part": "beak"},
        {"act": "undo", "seen": 0, "undoes": 10**9},
        {"act": "split", "seen": 0, "name": "beak"},
        {"act": "merge", "seen": 0, "name": "\0‮"},
    ],
)
def test_whatever_is_sent_is_refused_in_words(study, ann, name, sent):
    page = post(entered(ann), study, name, **sent)
    assert page.status_code == 422 and 'role="alert"' in page.content.decode()
    assert not NameEvent.objects.exists()


def test_blind_pages_tell_neither_condition_nor_network_nor_titles(ann):
    study = make_design(conditions=2, summaries=2)
    give_names(study, ["beak", "tail"], ["bill", "tail"], ["beaks", "tail"], ["beek", "tail"])
    naming.merge(study, ["bill"], "beak", by=ann)
    client = entered(ann)
    hidden = [CLASS_NAME, NETWORK_NAME, *study.conditions.values_list("name", flat=True)]
    hidden += [text for stimulus in study.stimuli.all() for text in (stimulus.title, stimulus.exhibit)]

    def pages():
        for name in ("names", "names_log", "coders"):
            yield client.get(reverse(f"study:{name}", args=[study.slug]))
        yield client.get(reverse("study:names_used", args=[study.slug]), {"name": "beak"})
        seen = naming.last_row(study, "ann")
        yield post(client, study, "names_weigh", act="merge", name=["beak", "beek"], seen=seen)
        yield post(client, study, "names_weigh", act="split", name=["tail"], seen=seen)

    for page in pages():
        text = page.content.decode().lower()
        assert page.status_code in (200, 422)
        assert not [word for word in hidden if word.lower() in text], page.request["PATH_INFO"]
    study.blind_naming = False
    study.save()
    told = [page.content.decode().lower() for page in pages()]
    assert CLASS_NAME in told[0] and NETWORK_NAME in told[3]


def test_what_strangers_typed_is_shown_and_never_run(ann):
    study = make_study(1)
    give_names(study, ["<script>alert(1)</script>"], ["wing\u202egnir"], ["beak"])
    page = entered(ann).get(reverse("study:names", args=[study.slug])).content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert "wing[U+202E]gnir" in page and "wing\u202e" not in page


def test_who_may_only_look_sees_the_names_that_count_and_no_buttons(study, ann):
    naming.merge(study, ["bill"], "beak", by=ann)
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_study"))
    study.researchers.add(viewer)
    client = entered(viewer)
    page = client.get(reverse("study:names", args=[study.slug]))
    assert page.context["sheet"].layers.coder == "ann" and len(page.context["sheet"].rows) == 3
    assert 'name="act"' not in page.content.decode() and 'name="pair"' not in page.content.decode()
    assert post(client, study, "names_decide", act="merge", name=["beak", "beek"], seen=0).status_code == 403


def test_a_second_coder_does_not_see_the_first_ones_groups(study, ann, bob):
    naming.merge(study, ["bill"], "beak", by=ann, reason="obvious")
    client = entered(bob)
    assert len(client.get(reverse("study:names", args=[study.slug])).context["sheet"].rows) == 4
    log = client.get(reverse("study:names_log", args=[study.slug])).content.decode()
    assert "obvious" not in log and "Nothing has been decided yet." in log
    assert not client.get(reverse("study:coders", args=[study.slug])).context["agreements"]


def test_the_effect_leaves_out_who_is_excluded(study, ann):
    Exclusion.objects.create(participant=Participant.objects.get(number=4), rule="by hand", reason="careless")
    page = post(entered(ann), study, "names_weigh", act="merge", name=["beak", "bill"], seen=0)
    assert [line.distinct for line in page.context["lines"]] == [5, 3, 3, 2]


def test_what_is_told_before_is_what_holds_afterwards(study, ann):
    before = naming.weigh(study, naming.intend(study, "merge", ["beak", "bill", "beek"], "beak"), by=ann)
    *_, now, then = effect.lines(study, before.before, before.after)
    naming.merge(study, ["beak", "bill", "beek"], "beak", by=ann)
    *_, merged = effect.lines(study, naming.layers(study))
    assert (merged.distinct, *merged.told) == (then.distinct, *then.told) != (now.distinct, *now.told)


def test_between_declared_looks_no_number_is_told(study, ann, monkeypatch):
    monkeypatch.setattr(looks, "state", lambda study: looks.LookState(masked=True))
    page = post(entered(ann), study, "names_weigh", act="merge", name=["beak", "bill"], seen=0)
    assert page.context["lines"] == [] and "masked until the next declared look" in page.content.decode()


def test_the_page_takes_as_many_queries_however_many_names_there_are(ann):
    client, told = entered(ann), []
    for people in (2, 12):
        study = make_study(4)
        give_names(study, *[[f"name{who}x{place}" for place in range(4)] for who in range(people)])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(reverse("study:names", args=[study.slug]))
        told.append(len(queries))
    assert told[0] == told[1] <= 12


def test_a_withdrawn_name_leaves_the_log_and_the_others_stay_as_they_were_merged(study, ann):
    give_names(study, ["zygomatic flukelet", "tail"])
    last = Participant.objects.latest("pk")
    naming.merge(study, ["beak", "bill", "zygomatic flukelet"], "zygomatic flukelet", by=ann)
    naming.merge(
        study,
        ["beek"],
        "zygomatic flukelet",
        by=ann,
        reason="Zygomatic Flukelet is a beak",
        evidence={"head": {"words": "“zygomatic flukelet” more closely described"}},
    )
    naming.code(study, ["zygomatic flukelet"], "zygomatic flukelet", by=ann)
    rights.withdraw(last)
    assert groups(study) == {"beak": "beak", "bill": "beak", "beek": "beak", "tail": "tail"}
    stored = str(list(NameEvent.objects.values())).lower()
    assert "zygomatic" not in stored and "tail" not in stored and "is a beak" in stored
    assert "zygomatic" not in str(naming.layers(study)).lower()


def test_a_name_that_somebody_else_typed_too_stays_in_the_log(study, ann):
    naming.merge(study, ["bill", "tail"], "beak", by=ann)
    give_names(study, ["the bills", "tail"])
    rights.withdraw(Participant.objects.latest("pk"))
    assert NameEvent.objects.get().names == ["bill", "tail"]


def test_lists_within_lists_are_refused_and_a_long_name_has_its_pictures(study, ann):
    client = entered(ann)
    nested = post(client, study, "names_weigh", pair="[" * 100_000, act="merge", seen=0)
    assert nested.status_code == 422 and b"reload it" in nested.content
    give_names(study, ["\ufdfa" * 20, "tail"])
    (name,) = [each for each in naming.counts(study) if len(each) > 200]
    assert client.get(reverse("study:names_used", args=[study.slug]), {"name": name}).status_code == 200
