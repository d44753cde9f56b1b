"""Networks and pictures: real ones where ../shared/data is there, the shipped network in any case."""

import json
from pathlib import Path

import cv2
import numpy as np
import torch

from annotations.creatures.picture import render
from summaries.engine.images import resize_square, to_tensor
from summaries.engine.networks import Classifier, build, fit_state, load_state
from summaries.engine.preprocessing import parse_preprocessing

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
SHIPPED = ROOT / "summaries" / "networks"
FOLDERS = ("n02110341_dalmatian", "n02672831_accordion", "n04147183_schooner", "n03417042_garbage_truck")
REAL = ("mobilenet_v2", "squeezenet1_0")
CREATURES = "creatures"
# The schedule's constants were chosen on the first three photographs of each folder and on another world.
FIRST_PHOTOGRAPH, WORLD = 3, 77


def known_networks() -> tuple[str, ...]:
    return (*REAL, CREATURES) if DATA.is_dir() else (CREATURES,)


def read_network(name: str, device: torch.device) -> Classifier:
    folder = SHIPPED if name == CREATURES else DATA / "weights"
    form = json.loads((folder / f"{name}.json").read_text())
    known = form.get("classes")
    module = build(form["architecture"], len(known) if isinstance(known, list) else 1000, form["kwargs"])
    module = fit_state(module, load_state(folder / form["file"])).to(device)
    return Classifier(module, parse_preprocessing(form), device)


def read_pictures(name: str, classifier: Classifier, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures (N, 3, S, S) in [0, 1], folder by folder in turn, and the classes that the network sees."""
    side = classifier.preprocessing.input_size
    if name == CREATURES:
        squares = [render(WORLD, index).rgb for index in range(count)]
    else:
        folders = [sorted((DATA / "images" / folder).iterdir())[FIRST_PHOTOGRAPH:] for folder in FOLDERS]
        files = [folders[i % len(folders)][i // len(folders) % len(folders[0])] for i in range(count)]
        squares = [resize_square(cv2.imread(str(file))[:, :, ::-1].copy(), side) for file in files]
    pictures = to_tensor(np.stack(squares)).to(classifier.device)
    with torch.no_grad():
        return pictures, classifier.logits(pictures).argmax(1)
