"""Masks: CPU time of the published loop, one image at a time, over ours; and what our masks do.

    python benchmarks/masks.py [--quick]

Both sides optimise the same images for the same number of steps in this process: the published loop as
the method describes it (scipy's blur at each step, one image a pass, the network as it is), ours in lean
arithmetic. Real networks and photographs are taken from ../shared/data where it is there, else the
network of the generated image set with random weights on noise. The last line is one JSON object.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from summaries.engine.images import blur, resize_square, to_tensor  # noqa: E402
from summaries.engine.networks import Classifier, build, fit_state, load_state  # noqa: E402
from summaries.engine.preprocessing import Preprocessing, parse_preprocessing  # noqa: E402
from summaries.engine.visual.masks import MaskParams, Stage, disc, find_masks, store  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
FOLDERS = ("n02110341_dalmatian", "n02672831_accordion", "n04147183_schooner", "n03417042_garbage_truck")
NETWORKS = ("mobilenet_v2", "squeezenet1_0")
# Images, and steps of each stage, on both sides of the ratio; images run to the end for drop and area.
QUICK, FULL = (4, 20, 10, 2), (8, 60, 30, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="fewer images and steps: under 50 s on two cores"
    )
    images, smooth, crisp, whole = QUICK if parser.parse_args().quick else FULL
    cpu = torch.device("cpu")
    classifiers = {name: read_network(name, cpu) for name in NETWORKS if DATA.is_dir()} or {
        "creatures": invent(cpu)
    }
    params = MaskParams(arithmetic="lean")
    short = replace(
        params,
        smooth=replace(params.smooth, iterations=smooth),
        crisp=replace(params.crisp, iterations=crisp),
    )
    ratio = {name: compare(classifier, images, short) for name, classifier in classifiers.items()}
    classifier = next(iter(classifiers.values()))
    pictures, classes = read_pictures(classifier, whole)
    found = find_masks(classifier, pictures, classes, params=params, batch_size=min(whole, 4))
    result = {
        "ratio": {name: round(row["ratio"], 2) for name, row in ratio.items()},
        "drop": round(float(((found.p - found.p_masked) / found.p).mean()), 4),
        "area": round(float(found.area.mean()), 4),
        "ms_per_image_and_pass": ratio,
        "images": {"ratio": images, "drop_and_area": whole},
        "iterations": {"ratio": [smooth, crisp], "drop_and_area": [300, 150]},
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


def compare(classifier: Classifier, count: int, params: MaskParams) -> dict[str, float]:
    """CPU milliseconds an image and pass of the published loop and of ours, and their ratio."""
    pictures, classes = read_pictures(classifier, count)
    passes = count * (params.smooth.iterations + params.crisp.iterations)
    warm = replace(
        params, smooth=replace(params.smooth, iterations=1), crisp=replace(params.crisp, iterations=1)
    )
    spent = {}
    for name, work in (("plain", optimise_plainly), ("ours", find_masks)):
        work(classifier, pictures, classes, params=warm)
        start = time.process_time()
        work(classifier, pictures, classes, params=params)
        spent[name] = (time.process_time() - start) * 1000 / passes
    return {
        **{name: round(ms, 1) for name, ms in spent.items()},
        "ratio": round(spent["plain"] / spent["ours"], 3),
    }


def optimise_plainly(
    classifier: Classifier, pictures: torch.Tensor, classes: torch.Tensor, *, params: MaskParams
) -> None:
    """The published loop: each image for itself, each step as it is written down."""
    classifier.module.eval().requires_grad_(False)
    for image, index in zip(pictures, classes.tolist(), strict=True):
        clean, blurred = classifier.normalise(image[None]), classifier.normalise(blur(image[None]))
        ask = (classifier.module, clean, blurred, index)
        smooth = step_through(
            *ask, disc(image.shape[-1] // params.side_ratio)[None, None], params.smooth, True
        )
        step_through(*ask, 1 - store(smooth).float() / 255, params.crisp, False)


def step_through(
    module: torch.nn.Module,
    clean: torch.Tensor,
    blurred: torch.Tensor,
    index: int,
    mask: torch.Tensor,
    stage: Stage,
    softened: bool,
) -> torch.Tensor:
    mask = mask.clone().requires_grad_()
    adam = torch.optim.Adam([mask], lr=stage.learning_rate)
    for _ in range(stage.iterations):
        shown = render(mask, clean.shape[-1]) if softened else mask
        shown = shown.expand_as(clean)
        probability = module(clean * shown + blurred * (1 - shown)).softmax(1)[0, index]
        plane = mask[0, 0]
        rows, columns = (plane[:-1] - plane[1:]).abs(), (plane[:, :-1] - plane[:, 1:]).abs()
        loss = probability + stage.l1 * (1 - mask).abs().mean()
        loss = loss + stage.tv * (rows.pow(stage.beta).mean() + columns.pow(stage.beta).mean())
        loss = loss + stage.sparsity * ((1 - mask) * mask).abs().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        mask.data.clamp_(0, 1)
    return render(mask, clean.shape[-1]).detach() if softened else mask.detach()


def render(mask: torch.Tensor, side: int) -> torch.Tensor:
    sharp = functional.interpolate(mask, size=(side, side), mode="bilinear", align_corners=True)
    sharp.data.copy_(torch.from_numpy(gaussian_filter(sharp.data.numpy(), 5)))
    return sharp


def read_network(name: str, device: torch.device) -> Classifier:
    form = json.loads((DATA / "weights" / f"{name}.json").read_text())
    module = fit_state(
        build(form["architecture"], 1000, form["kwargs"]), load_state(DATA / "weights" / form["file"])
    )
    return Classifier(module, parse_preprocessing(form), device)


def invent(device: torch.device) -> Classifier:
    torch.manual_seed(0)
    return Classifier(
        build("meronym:creatures", 8), Preprocessing(128, None, (0.5,) * 3, (0.25,) * 3), device
    )


def read_pictures(classifier: Classifier, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The first photographs of each folder in turn, or noise; and the class that the network sees."""
    side = classifier.preprocessing.input_size
    if DATA.is_dir():
        folders = [sorted((DATA / "images" / name).iterdir()) for name in FOLDERS]
        files = [folders[i % len(folders)][i // len(folders)] for i in range(count)]
        squares = [resize_square(cv2.imread(str(file))[:, :, ::-1].copy(), side) for file in files]
    else:
        squares = list(np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8))
    pictures = to_tensor(np.stack(squares))
    with torch.no_grad():
        return pictures, classifier.logits(pictures).argmax(1)


if __name__ == "__main__":
    main()
