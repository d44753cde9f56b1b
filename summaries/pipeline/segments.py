"""Segments: the pieces of an image and what the network makes of each, found once for all runs."""

from functools import lru_cache

from summaries import artifacts
from summaries.engine import activations
from summaries.engine.visual import segments
from summaries.models import Run, RunImage
from summaries.pipeline import evidence
from summaries.pipeline.networks import classifier_of


def statistics_key(run: Run) -> str:
    return artifacts.key_of(
        "statistics", network=run.network.fingerprint, images=evidence.background_pool(run)
    )


@lru_cache(maxsize=2)
def statistics(key: str) -> activations.Statistics:
    return activations.Statistics.from_arrays(artifacts.require(key))


def segments_key(run_image: RunImage) -> str:
    run_class = run_image.run_class
    return artifacts.key_of(
        "segments",
        network=run_class.run.network.fingerprint,
        image=run_image.image.sha256,
        index=run_class.index,
        params=run_class.run.parameters["segments"],
        statistics=statistics_key(run_class.run),
    )


def describe(run_image: RunImage) -> None:
    """Each image alone, so that what is found of it never depends on its company."""
    key, run = segments_key(run_image), run_image.run_class.run
    if artifacts.load(key) is None:
        (found,) = segments.describe(
            classifier_of(run.network),
            evidence.picture_of(run_image)[None],
            run_image.run_class.index,
            statistics(statistics_key(run)),
            params=evidence.params_of(run).segments,
        )
        artifacts.save(key, found.to_arrays())


def load(run_image: RunImage) -> segments.Described:
    return segments.Described.from_arrays(artifacts.require(segments_key(run_image)))
