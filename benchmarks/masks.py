"""Masks: CPU seconds an image of the published schedule over ours, and what both masks do.

    python benchmarks/masks.py [--quick]

Published: 300 and 150 steps as the method describes them, an image at a time in float32, with scipy's blur at
each step and the network as it is. Ours: the annealed schedule with its constants, from the loading of the
batch to the stored mask. Both are whole, in this process, on one thread, on the same pictures: photographs
of four classes for the real networks (from ../shared/data, where it is there), generated creatures for the
shipped one; none is a picture that the schedule's constants were chosen on. With --quick the published
schedule runs to its end on creatures alone; on photographs its first steps are timed, scaled by the number of
passes, and `scaled` says so; what its masks would do is then not known (null).

The last line is one JSON object. `ratio` = CPU seconds published / ours, by network. `drop` = mean share of
the class's probability that is lost when the thresholded mask is blurred, `area` = mean share of pixels in
it: means over the networks, of ours and of the published (`_published`). `passes` = forward and backward
passes an image; forward ones that measure come besides, five on the published side and eleven on ours.
`rows` has all by network, and the deletion and insertion AUC of ours and of others' maps with their CPU
seconds an image.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import TypeVar

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.saliency.curves import areas_under_curves  # noqa: E402
from benchmarks.saliency.published import optimise_plainly  # noqa: E402
from benchmarks.saliency.rivals import find_rivals  # noqa: E402
from benchmarks.saliency.subjects import CREATURES, known_networks, read_network, read_pictures  # noqa: E402
from summaries.engine.networks import Classifier  # noqa: E402
from summaries.engine.visual.masks import MaskParams, Masks, find_masks  # noqa: E402

OURS = MaskParams(schedule="annealed")
PUBLISHED = MaskParams()
# Steps of each stage that are timed with --quick.
SHORT = (6, 3)
# Pictures of ours; of the published schedule; of the curves. Creatures cost little.
QUICK = {"pictures": 3, "published": 1, "curves": 1, "creatures": 2}
FULL = {"pictures": 8, "published": 8, "curves": 2, "creatures": 24}
Found = TypeVar("Found")
# RISE with a quarter of its default 8000 masks; 800 steps are the default.
RISE_MASKS, PERTURBATION_STEPS = 2000, 800


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 s on two cores")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    rows = {name: compare(name, quick) for name in known_networks()}
    columns = ("drop", "area", "passes", "drop_published", "area_published")
    result = {
        "ratio": {name: row["ratio"] for name, row in rows.items()},
        **{column: average([row[column] for row in rows.values()]) for column in columns},
        "passes_published": PUBLISHED.passes,
        "scaled": {name: row["scaled"] for name, row in rows.items()},
        "rows": rows,
    }
    print(json.dumps(result))


def compare(name: str, quick: bool) -> dict:
    """One network: both schedules' seconds, drop and area, and the curves."""
    sizes = QUICK if quick else FULL
    classifier = read_network(name, torch.device("cpu"))
    count = sizes["creatures" if name == CREATURES else "pictures"]
    pictures, classes = read_pictures(name, classifier, count)
    warm = replace(OURS, annealing=replace(OURS.annealing, steps=1, probes=1))
    find_masks(classifier, pictures[:4], classes[:4], params=warm)
    found, seconds = timed(lambda: find_masks(classifier, pictures, classes, params=OURS))
    seconds /= count
    whole = not quick or name == CREATURES
    few = count if whole else sizes["published"]
    published = run_published(classifier, pictures[:few], classes[:few], whole)
    return {
        "ratio": round(published["seconds"] / seconds, 2),
        "seconds": round(seconds, 3),
        "drop": round(float(((found.p - found.p_masked) / found.p).mean()), 4),
        "area": round(float(found.area.mean()), 4),
        "passes": float(found.passes.mean()),
        "seconds_published": round(published["seconds"], 3),
        "drop_published": published["drop"],
        "area_published": published["area"],
        "scaled": not whole,
        "pictures": count,
        "curves": draw_curves(classifier, pictures[: sizes["curves"]], classes, found, quick),
    }


def run_published(
    classifier: Classifier, pictures: torch.Tensor, classes: torch.Tensor, whole: bool
) -> dict[str, float | None]:
    """Seconds an image of the published schedule, whole or scaled, with drop and area where it is whole."""
    params = PUBLISHED if whole else shorten(*SHORT)
    optimise_plainly(classifier, pictures[:1], classes[:1], params=shorten(1, 1))
    outcomes, seconds = timed(lambda: optimise_plainly(classifier, pictures, classes, params=params))
    return {
        "seconds": seconds / len(pictures) * PUBLISHED.passes / params.passes,
        "drop": round(mean(outcome.drop for outcome in outcomes), 4) if whole else None,
        "area": round(mean(outcome.area for outcome in outcomes), 4) if whole else None,
    }


def draw_curves(
    classifier: Classifier, pictures: torch.Tensor, classes: torch.Tensor, found: Masks, quick: bool
) -> dict[str, dict[str, float] | str]:
    """Mean deletion and insertion AUC by map; the dear rivals are left out with --quick."""
    table: dict[str, dict[str, float] | str] = {
        "ours": measure(classifier, pictures, classes, lambda i: order_of(found, i))
    }
    for name, rival in find_rivals(RISE_MASKS, PERTURBATION_STEPS).items():
        if rival is None:
            table[name] = "not installed"
        elif quick and name != "grad_cam":
            table[name] = "not run with --quick"
        else:
            table[name] = measure(
                classifier,
                pictures,
                classes,
                lambda i, ask=rival: ask(classifier, pictures[i], int(classes[i])),
            )
    return table


def measure(
    classifier: Classifier,
    pictures: torch.Tensor,
    classes: torch.Tensor,
    find: Callable[[int], torch.Tensor],
) -> dict[str, float]:
    places = range(len(pictures))
    maps, seconds = timed(lambda: [find(i) for i in places])
    curves = [areas_under_curves(classifier, pictures[i], int(classes[i]), maps[i]) for i in places]
    deletion, insertion = (round(mean(column), 4) for column in zip(*curves, strict=True))
    return {"deletion": deletion, "insertion": insertion, "seconds": round(seconds / len(places), 3)}


def order_of(found: Masks, place: int) -> torch.Tensor:
    """Both soft masks together: what stays to the end comes first, then what was there half way."""
    return torch.from_numpy(found.crisp[place].astype("float32") + found.smooth[place])


def shorten(smooth: int, crisp: int) -> MaskParams:
    return replace(
        PUBLISHED,
        smooth=replace(PUBLISHED.smooth, iterations=smooth),
        crisp=replace(PUBLISHED.crisp, iterations=crisp),
    )


def timed(work: Callable[[], Found]) -> tuple[Found, float]:
    start = time.process_time()
    return work(), time.process_time() - start


def average(values: list[float | None]) -> float | None:
    return None if None in values else round(mean(values), 4)


if __name__ == "__main__":
    main()
