"""A worker killed in the middle of each stage of a dissection: the units end as if nothing had happened."""

import pytest

from tests.summaries.home import Home
from tests.summaries.test_recovery import furnish

DISSECT = ("dissect", "--network=tiny", "--images=tiny", "--layer=features.5,features.8", "--quantile=0.05")
STAGES = ("quantiles", "thresholds", "tally", "units", "drawings", "pictures")
UNITS = (
    "SELECT layer, number, threshold, concept_id, iou FROM summaries_unit u WHERE run_id = {} ORDER BY 1, 2"
)
CONCEPTS = (
    "SELECT layer, number, c.concept_id, rank, c.iou, intersection, activation, truth FROM summaries_unit u "
    "JOIN summaries_unitconcept c ON c.unit_id = u.id WHERE run_id = {} ORDER BY 1, 2, 3"
)
IMAGES = (
    "SELECT layer, number, rank, activation, i.file, r.file FROM summaries_unit u "
    "JOIN summaries_unitimage i ON i.unit_id = u.id JOIN summaries_runimage r ON r.id = i.run_image_id "
    "WHERE run_id = {} ORDER BY 1, 2, 3"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = Home(tmp_path_factory.mktemp("dissected"))
    furnish(made)
    made.must("name_colours", "--name=tiny")
    yield made
    made.close()


def found(home: Home, run: int) -> list[list[tuple]]:
    return [home.query(sql.format(run)) for sql in (UNITS, CONCEPTS, IMAGES)]


def test_units_are_the_same_after_workers_were_killed_in_every_stage(home):
    given = home.files()
    home.must(*DISSECT)
    whole, stored = found(home, home.run_pk()), home.files()
    assert all(whole) and all(each[4] for each in whole[2]), "every image has its mask"
    for key in set(stored) - set(given):
        (home.folder / "files" / key).unlink()
    home.must(*DISSECT, "--queue")
    run = home.run_pk()
    for hold in (f"{stage}:{moment}" for stage in STAGES for moment in ("step", "write")):
        worker = home.worker(HOLD=hold)
        worker.wait_until_held()
        worker.kill()
        assert home.state(run) == "running"
    worker = home.worker()
    home.wait_until_over(run)
    worker.stop()
    assert found(home, run) == whole
    assert home.files() == stored
