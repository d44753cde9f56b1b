"""Presets in a run's row and back, and runs that were made before recipes were told apart."""

import json

import pytest

from summaries import runs
from summaries.models import Run
from summaries.pipeline import evidence, presets
from summaries.progress import progress_of
from tests.factories import make_run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("preset", sorted(runs.PRESETS))
def test_the_options_of_a_preset_come_back_from_the_row_as_they_went_in(preset):
    run = make_run(summaries=0)
    options = presets.VISUAL[preset](96)
    run.recipe, run.parameters = runs.PRESETS[preset].recipe, json.loads(json.dumps(presets.to_json(options)))
    assert evidence.params_of(run) == options


def test_a_run_from_before_there_were_parts_keeps_its_options_and_its_stages():
    run = make_run(summaries=0)
    run.preset, run.parameters = "standard", {"background_crops": 500, "clusters": {"factor": 1.15}}
    run.save()
    old = Run.objects.get(pk=run.pk)
    assert evidence.params_of(old).clusters.factor == 1.15
    assert [stage.name for stage in progress_of(old).stages][2:4] == ["proposals", "matches"]
