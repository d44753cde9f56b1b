import numpy as np
import pytest
from django.core.management import CommandError, call_command

from annotations import files
from annotations.models import Image, ImageSet, Segment
from summaries.engine.tagging import colours
from tests.annotations.annotated import known, picture, png, store

__all__ = ["store"]


@pytest.fixture
def photographs(tmp_path):
    """One of noise, one of four plain colours."""
    (tmp_path / "in" / "some").mkdir(parents=True)
    quarters = np.zeros((40, 40, 3), np.uint8)
    quarters[:20, :20], quarters[:20, 20:], quarters[20:, :20] = (220, 10, 10), (250, 250, 250), (20, 60, 220)
    (tmp_path / "in" / "some" / "quarters.png").write_bytes(png(quarters))
    (tmp_path / "in" / "some" / "noise.png").write_bytes(picture(1))
    call_command("import_images", str(tmp_path / "in"), "--name", "some")


def named(capsys):
    call_command("name_colours", "--name", "some")
    return capsys.readouterr()


@pytest.mark.django_db
def test_colours_become_concepts_by_the_taggers_rule(photographs, capsys):
    assert "2 named, 0 had their colours" in named(capsys).out
    quarters = Image.objects.get(labelled_images__path="some/quarters.png")
    assert set(quarters.segments.values_list("concept__name", "area", "source")) == {
        (name, 400, "generated") for name in ("red", "white", "blue", "black")
    }
    noise = Image.objects.get(labelled_images__path="some/noise.png")
    pixels = colours.name_pixels(np.random.default_rng(1).integers(0, 255, (40, 48, 3), np.uint8))
    found = known("some")
    for place, name in enumerate(colours.NAMES):
        mask = found.get((noise.sha256[:8], "colour", name, "pixels"), np.zeros((40, 48), bool).tobytes())
        assert mask == (pixels == place).tobytes(), name


@pytest.mark.django_db
def test_a_second_call_adds_nothing_and_leaves_colours_that_were_there(photographs, capsys):
    named(capsys)
    segments = Segment.objects.count()
    assert "0 named, 2 had their colours" in named(capsys).out
    assert Segment.objects.count() == segments
    call_command("make_creatures", "--per-class", "1", "--name", "creatures")
    call_command("name_colours", "--name", "creatures")
    assert " 0 named" in capsys.readouterr().out


@pytest.mark.django_db
def test_an_image_that_is_not_in_the_store_is_named(photographs, capsys, settings):
    lost = Image.objects.first()
    Image.objects.filter(pk=lost.pk).update(file="content/00/lost.png")
    said = named(capsys)
    assert "1 named, 0 had their colours, 1 refused" in said.out and f"{lost}: The file store" in said.err
    assert files.exists(Segment.objects.first().file)


@pytest.mark.django_db
def test_a_set_that_is_not_there_is_refused():
    with pytest.raises(CommandError, match="no image set called 'nothing'"):
        call_command("name_colours", "--name", "nothing")
    assert not ImageSet.objects.exists()
