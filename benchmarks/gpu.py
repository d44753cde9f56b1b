"""Speed: images a second of annealed masks by batch, and how near that comes to the network's own rate.

    python benchmarks/gpu.py [--quick]

Runs on the device that MERONYM_DEVICE names, else on the first there is of cuda, mps and cpu, by one code.
For each network (the real ones where ../shared/data is there), batch and dtype: `images_a_second` = images
whose masks were found in a second, from the pictures on the device to the stored masks; `share` = the time
that as many plain passes, forward and backward to the pictures, of the same network take in the same batch
and dtype, over the time taken. Seconds are the clock's on a GPU, and CPU seconds of one thread on a CPU.
Five forward passes that measure each mask, the blurring of the pictures and the way of the masks to the host
count as lost. In the loop the host waits for nothing: on a GPU this is checked (`waits` false), by torch's
own debug mode, which raises where one would.

The last line is one JSON object: `device`, `share` and `full_over_single` (images a second in full batches
over batch 1), both by network in float32 and full batches, and `rows`.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.saliency.subjects import CREATURES, known_networks, read_network, read_pictures  # noqa: E402
from summaries.engine.networks import pick_device  # noqa: E402
from summaries.engine.visual.annealing import build_ladder, find_by_annealing  # noqa: E402
from summaries.engine.visual.masks import DTYPES, MaskParams, find_masks  # noqa: E402
from summaries.engine.visual.scenes import Scene, build_scene  # noqa: E402

PARAMS = MaskParams(schedule="annealed")
CPU_BATCHES, GPU_BATCHES = (1, 4), (1, 8, 64)
PLAIN_SECONDS = {True: 0.7, False: 3.0}


@dataclass(frozen=True)
class Row:
    network: str
    batch: int
    dtype: str
    images: int
    images_a_second: float
    plain_passes_a_second: float
    share: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 s on two cores")
    quick = parser.parse_args().quick
    device = pick_device(os.environ.get("MERONYM_DEVICE"))
    torch.set_num_threads(1)
    names = [name for name in known_networks() if not quick or name in (CREATURES, "mobilenet_v2")]
    rows = [row for name in names for row in measure_network(name, device, quick)]
    single, full = (
        {row.network: row for row in rows if row.dtype == "float32" and row.batch == batch}
        for batch in (min(batches_on(device)), max(batches_on(device)))
    )
    result = {
        "device": name_of(device),
        "share": {name: full[name].share for name in names},
        "full_over_single": {
            name: round(full[name].images_a_second / single[name].images_a_second, 2) for name in names
        },
        "waits": loop_waits(names[-1], device),
        "passes": PARAMS.passes,
        "rows": [vars(row) for row in rows],
    }
    print(json.dumps(result))


def measure_network(name: str, device: torch.device, quick: bool) -> list[Row]:
    """The masks' rate and the plain rate in each batch and dtype; bfloat16 in full mode alone."""
    classifier = read_network(name, device)
    rows = []
    for batch in batches_on(device):
        images = batch if device.type != "cpu" else max(batches_on(device))
        pictures, classes = read_pictures(name, classifier, images)
        scene = build_scene(classifier.lean(), pictures[:batch], classes[:batch])
        seconds = {dtype: plain_seconds(replace(scene, dtype=DTYPES[dtype]), quick) for dtype in DTYPES}
        for dtype in ("float32",) if quick else tuple(DTYPES):
            params = replace(PARAMS, dtype=dtype)
            taken = timed(lambda: find_masks(classifier, pictures, classes, params=params, batch_size=batch))  # noqa: B023
            late = PARAMS.annealing.steps - PARAMS.annealing.steps // 2
            plain = (PARAMS.passes - late) * seconds["float32"] + late * seconds[dtype]
            rows.append(
                Row(
                    network=name,
                    batch=batch,
                    dtype=dtype,
                    images=images,
                    images_a_second=round(images / taken, 3),
                    plain_passes_a_second=round(PARAMS.passes * batch / plain, 2),
                    share=round(plain * images / batch / taken, 3),
                )
            )
    return rows


def plain_seconds(scene: Scene, quick: bool) -> float:
    """Wall seconds of one forward and backward pass of the whole batch, to the pictures."""

    def work() -> None:
        pictures = scene.clean.detach().requires_grad_()
        with torch.autocast(pictures.device.type, scene.dtype, enabled=scene.dtype != torch.float32):
            logits = scene.module(pictures)
        torch.autograd.grad(logits.float()[:, 0].sum(), pictures)

    timed(work)
    passes = max(3, round(PLAIN_SECONDS[quick] / timed(work)))
    return timed(lambda: [work() for _ in range(passes)]) / passes


def loop_waits(name: str, device: torch.device) -> bool | None:
    """Whether the host waited for the device inside the loop; None where no GPU can tell."""
    if device.type != "cuda":
        return None
    classifier = read_network(name, device)
    scene = build_scene(classifier.lean(), *read_pictures(name, classifier, 2))
    ladder = build_ladder(scene.clean.shape[-1], PARAMS.annealing, device)
    try:
        with forbidden_waits():
            find_by_annealing(scene, PARAMS.annealing, ladder, iter(range(PARAMS.passes)))
    except RuntimeError:
        return True
    return False


@contextmanager
def forbidden_waits():
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def timed(work: Callable[[], object]) -> float:
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    settle()
    start = clock()
    work()
    settle()
    return clock() - start


def settle() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def batches_on(device: torch.device) -> tuple[int, ...]:
    return CPU_BATCHES if device.type == "cpu" else GPU_BATCHES


def name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


if __name__ == "__main__":
    main()
