"""Decoys and repeats, made of the pictures of a run's summaries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations import Refusal, files
from annotations.pictures import read_rgb
from summaries import exhibits
from summaries.engine.visual import pictures
from summaries.models import Member, Run, Summary
from tests.factories import CLASS_NAME, FILE_NAME, NETWORK_NAME, make_run
from tests.found_runs import make_found_run, tag_summaries

pytestmark = pytest.mark.django_db


def make_mixed_run(classes=3, summaries=4, images=6):
    """Every tile of one colour, which tells its summary (red) and its place in it (green)."""
    run = make_found_run(classes=classes, summaries=summaries, images=images, skipped=0)
    for number, summary in enumerate(Summary.objects.filter(run_class__run=run).order_by("pk"), 1):
        count = summary.cluster.members.filter(shown=True).count()
        tiles = [np.full((32, 32, 3), (number, place, 0), np.uint8) for place in range(count)]
        summary.picture = files.put(pictures.encode_png(pictures.grid(tiles)), ".png")
        summary.save()
    return run


def tiles_of(exhibit, count):
    (key,) = exhibit.pictures
    return [tuple(tile[0, 0]) for tile in exhibits.cut(read_rgb(files.get(key)), count)]


@settings(max_examples=25)
@given(count=st.integers(1, 40), height=st.integers(1, 9), width=st.integers(1, 9))
def test_tiles_come_out_of_a_summarys_picture_as_they_went_in(count, height, width):
    rng = np.random.default_rng(count)
    tiles = list(rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8))
    sheet = pictures.grid(tiles)
    assert np.array_equal(exhibits.cut(sheet, count), tiles)
    assert np.array_equal(exhibits.put_together(tiles), sheet)


def test_a_decoys_tiles_are_all_of_different_summaries_and_of_every_class():
    run = make_mixed_run()
    class_of = dict(enumerate(Summary.objects.order_by("pk").values_list("run_class", flat=True), 1))
    for decoy in exhibits.decoys(run, 10, seed=1):
        sources = [int(red) for red, _, _ in tiles_of(decoy, 5)]
        assert len(set(sources)) == 5 and len({class_of[one] for one in sources}) == 3


def test_decoys_differ_from_each_other_and_come_again_by_their_seed():
    run = make_mixed_run()
    first, again = list(exhibits.decoys(run, 8, seed=1)), list(exhibits.decoys(run, 5, seed=1))
    other = list(exhibits.decoys(run, 8, seed=2))
    assert first[:5] == again
    assert len({one.pictures for one in first + other}) == 16 == len({one.key for one in first + other})
    assert first[2].key == f"visual/{run.pk}/decoy/1/3" and exhibits.run_of(first[2].key) == run


def test_two_summaries_give_two_tiles_each_at_most():
    run = make_mixed_run(classes=1, summaries=2)
    for decoy in exhibits.decoys(run, 3, seed=1):
        assert sorted(int(red) for red, _, _ in tiles_of(decoy, 4)) == [1, 1, 2, 2]


def test_decoys_that_cannot_be_made_are_refused_in_words():
    with pytest.raises(Refusal, match="Decoys mix the regions of summaries"):
        list(exhibits.decoys(make_found_run(), 1, seed=1))
    with pytest.raises(Refusal, match="too few regions for 5 different decoys"):
        list(exhibits.decoys(make_mixed_run(classes=1, summaries=2, images=3), 50, seed=1))


def test_a_repeat_shows_the_same_tiles_in_another_order():
    run = make_mixed_run()
    originals = {one.key: one for one in exhibits.of_run(run)}
    repeats = list(exhibits.repeats(run, 12, seed=3))
    assert {one.of for one in repeats} == set(originals)
    for repeat in repeats:
        before, after = tiles_of(originals[repeat.of], 5), tiles_of(repeat, 5)
        assert sorted(before) == sorted(after) and before != after


def test_repeats_are_drawn_among_those_asked_for_and_no_more_than_there_are():
    run = make_mixed_run(classes=1, summaries=3)
    keys = [one.key for one in exhibits.of_run(run)]
    assert [one.of for one in exhibits.repeats(run, 1, seed=1, among=keys[:1])] == keys[:1]
    with pytest.raises(Refusal, match="can be made of 1 summaries; 2 were"):
        list(exhibits.repeats(run, 2, seed=1, among=keys[:1]))


def test_pictures_without_regions_give_neither_decoys_nor_repeats():
    assert not any(one.can_decoy or one.can_repeat for one in exhibits.of_run(make_run()))
    run = make_mixed_run(classes=1, summaries=1)
    Member.objects.exclude(position=0).update(shown=False)
    (alone,) = exhibits.of_run(run)
    assert alone.can_decoy and not alone.can_repeat


def test_what_people_see_of_a_decoy_or_a_repeat_is_what_they_see_of_any_other():
    run = make_mixed_run()
    seen = {(one.question, one.alternative_text) for one in exhibits.of_run(run)}
    made = [*exhibits.decoys(run, 2, seed=1), *exhibits.repeats(run, 2, seed=1)]
    assert {(one.question, one.alternative_text) for one in made} == seen
    for one in made:
        data = files.get(one.pictures[0])
        assert not any(word.encode() in data for word in (CLASS_NAME, NETWORK_NAME, FILE_NAME))


def test_tags_are_those_of_finished_runs_and_of_each_tagger_the_newest(django_assert_num_queries):
    run, other = make_run(2), make_run(1)
    tag_summaries(run, "segments")
    newest = tag_summaries(run, "segments")
    tag_summaries(run, "texture-colour")
    tag_summaries(run, "clip", state=Run.State.CANCELLED)
    shown = [each.key for each in exhibits.of_run(run)]
    keys = [*shown, next(exhibits.of_run(other)).key, f"visual/{run.pk}/decoy/1/1", "visual/999/x/1", "what"]
    with django_assert_num_queries(2):
        found = exhibits.tags_of(keys)
    assert set(found) == set(keys)
    assert [[each.tagger for each in found[key]] for key in keys] == [["segments", "texture-colour"]] * 2 + [
        []
    ] * 4
    first = found[shown[0]][0]
    assert (first.run, first.version, first.network) == (newest.pk, "1", run.network.name)
    assert first.vocabulary == ("beak", "wing") and first.tags == (("beak", 0.8), ("wing", 0.1))
