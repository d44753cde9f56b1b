"""Albums: photographs of some classes, in folders that `import_images` reads, and where their object is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from summaries.engine.images import resize_square, to_tensor
from summaries.engine.networks import Classifier

KINDS: dict[str, tuple[int, ...]] = {
    "aeroplane": (404, 895),
    "bird": (*range(7, 25), *range(80, 101), *range(127, 147)),
    "boat": (472, 484, 510, 554, 576, 625, 628, 724, 780, 814, 871, 914),
    "bottle": (440, 720, 737, 898, 907),
    "bus": (654, 779, 874),
    "car": (407, 436, 468, 511, 609, 627, 656, 661, 717, 734, 751, 817),
    "cat": tuple(range(281, 286)),
    "chair": (423, 559, 765, 857),
    "dog": tuple(range(151, 269)),
    "tvmonitor": (664, 782, 851),
}
"""Kinds of objects with masks -> the outputs of ImageNet that are of the kind."""
ADE_KINDS = {"car, auto, automobile, machine, motorcar": "car"}
MARGINS = (0.05, 0.2, 0.4, 0.7)
"""Of the object's sides, around it: the views of it."""
LEAST_OBJECT = 0.02
"""Share of the photograph that an object must cover to be looked at."""
FEWEST_VIEWS = 4


@dataclass(frozen=True)
class Album:
    """labels: names of class folders; objects: file as the image set calls it -> bool (h, w), the object."""

    name: str
    folder: Path
    labels: tuple[str, ...]
    objects: dict[str, np.ndarray] = field(default_factory=dict)

    def set_for(self, network: str) -> str:
        """The image set's name: views stand under the classes that one network sees."""
        return f"{self.name}-{network}"


@dataclass(frozen=True)
class Annotated:
    """A photograph with every object of one kind; boxes: x0 y0 x1 y1 of each that is large enough."""

    name: str
    rgb: np.ndarray
    kind: str
    objects: np.ndarray
    boxes: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True)
class View:
    rgb: np.ndarray
    objects: np.ndarray


def photographs(folder: Path, labels: tuple[str, ...] = ()) -> Album:
    there = tuple(sorted(each.name for each in folder.iterdir() if each.is_dir()))
    return Album("photographs", folder, labels or there)


def views(parts: Path, classifier: Classifier, classes: list[dict], folder: Path) -> Album:
    """Views of annotated objects, each in the folder of the class that the network sees in it.

    There are too few photographs with masks to make classes of: 14. So each object is cut out with several
    margins, and mirrored; views in which the network sees another kind of thing are left out, and so are
    classes of fewer than four views. Views of one object have more in common than photographs have.
    """
    objects: dict[str, np.ndarray] = {}
    for annotated in read_annotated(parts):
        for number, view in enumerate(views_of(annotated)):
            index = see(classifier, view.rgb)
            if index in KINDS[annotated.kind]:
                label = f"{classes[index]['synset']}_{classes[index]['name']}"
                file = f"{label}/{annotated.name}_{annotated.kind}_{number}.png"
                write(folder / file, view.rgb)
                objects[file] = view.objects
    names = [file.split("/")[0] for file in objects]
    labels = tuple(sorted({name for name in names if names.count(name) >= FEWEST_VIEWS}))
    return Album("views", folder, labels, objects)


def read_annotated(parts: Path) -> Iterator[Annotated]:
    for path in sorted((parts / "pascal_part").glob("*.json")):
        content = json.loads(path.read_text())
        marks = read_marks(path.with_name(f"{path.stem}_objects.png"))
        numbers: dict[str, list[int]] = {}
        for each in content["objects"]:
            numbers.setdefault(each["cls"], []).append(each["index"])
        for kind in numbers.keys() & KINDS.keys():
            yield outline(path.with_suffix(".jpg"), kind, [marks == number for number in numbers[kind]])
    for path in sorted((parts / "ade20k").glob("*.json")):
        names = json.loads(path.read_text())["levels"][0]["names"]
        marks = read_marks(path.with_name(f"{path.stem}_level0.png"))
        for number, name in names.items():
            if name in ADE_KINDS:
                count, pieces = cv2.connectedComponents((marks == int(number)).astype(np.uint8))
                apart = [pieces == piece for piece in range(1, count)]
                yield outline(path.with_suffix(".jpg"), ADE_KINDS[name], apart)


def outline(path: Path, kind: str, masks: list[np.ndarray]) -> Annotated:
    large = [mask for mask in masks if mask.mean() >= LEAST_OBJECT]
    rectangles = [cv2.boundingRect(mask.astype(np.uint8)) for mask in large]
    boxes = tuple((x, y, x + width, y + height) for x, y, width, height in rectangles)
    return Annotated(path.stem, read_rgb(path), kind, np.any(masks, 0), boxes)


def views_of(annotated: Annotated) -> Iterator[View]:
    height, width = annotated.objects.shape
    for x0, y0, x1, y1 in annotated.boxes:
        for margin in MARGINS:
            dx, dy = round(margin * (x1 - x0)), round(margin * (y1 - y0))
            rows = slice(max(0, y0 - dy), min(height, y1 + dy))
            columns = slice(max(0, x0 - dx), min(width, x1 + dx))
            view = View(annotated.rgb[rows, columns], annotated.objects[rows, columns])
            yield view
            yield View(view.rgb[:, ::-1], view.objects[:, ::-1])


def see(classifier: Classifier, rgb: np.ndarray) -> int:
    square = resize_square(np.ascontiguousarray(rgb), classifier.preprocessing.input_size)
    return int(classifier.logits(to_tensor(square)[None]).argmax())


def read_rgb(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[:, :, ::-1].copy()


def read_marks(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def write(path: Path, rgb: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(rgb[:, :, ::-1]))
