"""A worker killed in the middle of each stage of tagging: the tags end as if nothing had happened."""

import pytest

from tests.summaries.home import SUMMARISE, Home
from tests.summaries.test_recovery import furnish

TAGGINGS = (
    "SELECT summary_id, tags, members, scores FROM summaries_tagging WHERE run_id = {} ORDER BY summary_id"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = Home(tmp_path_factory.mktemp("tagged"))
    furnish(made)
    made.must(*SUMMARISE, "--preset=tiny-parts")
    yield made
    made.close()


def test_tags_are_the_same_after_workers_were_killed_in_every_stage(home):
    command = ("tag", f"--run={home.run_pk()}", "--tagger=texture-colour")
    home.must(*command)
    whole, stored = home.query(TAGGINGS.format(home.run_pk())), home.files()
    assert whole
    for key in stored:
        if key.startswith("artifacts/tags/"):
            (home.folder / "files" / key).unlink()
    home.must(*command, "--queue")
    run = home.run_pk()
    for hold in ("tag:step", "tag:write", "score:step", "score:write"):
        worker = home.worker(HOLD=hold)
        worker.wait_until_held()
        worker.kill()
        assert home.state(run) == "running" and not home.query(TAGGINGS.format(run))
    worker = home.worker()
    home.wait_until_over(run)
    worker.stop()
    assert home.query(TAGGINGS.format(run)) == whole
    assert home.files() == stored
