"""COCO's forms: instances (polygons and run lengths) and panoptic maps (id = R + 256 G + 65,536 B).

All instances of a category on an image, crowds too, are one segment: what counts is which pixels show the
concept. A category is an object, unless its supercategory is the name of another category of ours. No JSON
file is held whole: what is kept of it is where each entry stands.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from annotations import Refusal, maps, outlines
from annotations.importers.annotated import Annotated, AnnotatedCollection, Findings, folder, inside
from annotations.importers.broden import CATEGORIES
from annotations.importers.coco_index import Index, index_of
from annotations.importers.collection import Flaw
from annotations.importers.folder import printable
from annotations.importers.intake import bytes_of
from annotations.models import Concept
from annotations.terms import Term, term

IDS = np.array([1, 1 << 8, 1 << 16])


def read(path: Path) -> AnnotatedCollection:
    """All JSON files in `path` and in its annotations/, or the one file. Refused: none of them is COCO's."""
    root, files = _files(path)
    documents, flaws = [], []
    for file in files:
        try:
            index = index_of(file)
        except Refusal as error:
            flaws.append(Flaw(printable(str(file.relative_to(root))), str(error)))
        else:
            documents.append(Document(root, index))
            flaws += documents[-1].flaws
    if not documents:
        reason = f" ({flaws[0].path}: {flaws[0].reason})" if flaws else ""
        raise Refusal(f"{path} holds no COCO annotations{reason}.")
    total = sum(len(document.index.images) for document in documents)
    return AnnotatedCollection(root, total and total + len(flaws), partial(_images, documents, flaws))


def _files(path: Path) -> tuple[Path, list[Path]]:
    if path.is_file():
        return (path.parent.parent if path.parent.name == "annotations" else path.parent), [path]
    return folder(path), sorted([*path.glob("*.json"), *path.glob("annotations/*.json")])


def _images(documents: list["Document"], flaws: list[Flaw]) -> Iterator[Annotated | Flaw]:
    yield from flaws
    for document in documents:
        for image, annotations in document.index.walk():
            yield document.annotated(image, annotations)


class Document:
    """One JSON file, with what its categories are to us and where its pictures and maps lie."""

    def __init__(self, root: Path, index: Index) -> None:
        self.root = root
        self.index = index
        self.name = printable(str(index.file.relative_to(root)))
        self.terms: dict[object, Term | None] = {}
        self.flaws: list[Flaw] = []
        for category in index.categories:
            try:
                self.terms[category["id"]] = _term_of(category)
            except Refusal as error:
                self.flaws.append(Flaw(self.name, f"category {category['id']}: {error}"))
        if index.strays:
            reason = f"{index.strays} annotations are of images that the file does not list"
            self.flaws.append(Flaw(self.name, reason))

    def annotated(self, image: dict, annotations: list[tuple[int, int]]) -> Annotated | Flaw:
        try:
            file = self._find(self._picture_folders(), image.get("file_name"))
        except Refusal as error:
            return Flaw(self.name, str(error))
        return Annotated(file, partial(self.read_image, image, annotations))

    def read_image(self, image: dict, places: list[tuple[int, int]], width: int, height: int) -> Findings:
        if (image.get("width", width), image.get("height", height)) != (width, height):
            said = f"{image['width']} x {image['height']}"
            raise Refusal(f"{self.name} says {said} px, but the picture has {width} x {height}")
        findings, reasons = Findings(), []
        for annotation in self.index.read(places):
            try:
                self._add(annotation, findings, width, height)
            except Refusal as error:
                reasons.append(f"annotation {annotation.get('id', '')}: {error}")
        if reasons:
            more = f" (and {len(reasons) - 1} more annotations)" if len(reasons) > 1 else ""
            findings.flaws.append(Flaw(printable(str(image["file_name"])), reasons[0] + more))
        return findings

    def _add(self, annotation: dict, findings: Findings, width: int, height: int) -> None:
        if "segments_info" in annotation:
            self._add_panoptic(annotation, findings, width, height)
            return
        found = self._term(annotation)
        if found and annotation.get("whole_image") is True:
            findings.whole.add(found)
        elif found:
            findings.add(found, _mask_of(annotation.get("segmentation"), width, height))

    def _add_panoptic(self, annotation: dict, findings: Findings, width: int, height: int) -> None:
        file = self._find(self._map_folders(), annotation.get("file_name"))
        segments = annotation["segments_info"]
        if not isinstance(segments, list) or not all(isinstance(each, dict) for each in segments):
            raise Refusal("segments_info is no list of segments")
        try:
            labels = maps.decode(bytes_of(file))
            maps.check_size(labels, width, height)
        except Refusal as error:
            raise Refusal(f"{printable(str(file.relative_to(self.root)))}: {error}") from error
        labels = labels @ IDS if labels.ndim == 3 else labels
        known = {str(each.get("id")): self._term(each) for each in segments}
        shown = [number for number in np.unique(labels).tolist() if number]
        strange = [number for number in shown if str(number) not in known]
        if strange:
            raise Refusal(f"{file.name}: segments_info lacks the segment {strange[0]}")
        named = {number: [found] for number in shown if (found := known[str(number)])}
        for found, mask in maps.masks_of(labels, named).items():
            findings.add(found, mask)

    def _term(self, annotation: dict) -> Term | None:
        category = annotation.get("category_id")
        if not isinstance(category, int | str) or category not in self.terms:
            raise Refusal(f"the category {category} is unknown")
        return self.terms[category]

    def _find(self, folders: list[Path], name: object) -> Path:
        """The file of that name in the first of the folders that has it, or where it would be."""
        if not isinstance(name, str) or not name:
            raise Refusal("an entry has no file_name")
        places = [inside(each, name) for each in folders]
        return next((place for place in places if place.is_file()), places[0])

    def _picture_folders(self) -> list[Path]:
        """images/, the folder itself, and one called as the file ends: val2017/ of instances_val2017.json."""
        split = self.index.file.stem.rsplit("_", 1)[-1]
        return [self.root / "images", self.root, self.root / split, self.root / "images" / split]

    def _map_folders(self) -> list[Path]:
        """A folder called as the file, beside it or at the top; panoptic/, and the top itself."""
        beside = self.index.file.with_suffix("")
        return [beside, self.root / beside.name, self.root / "panoptic", self.root]


def _term_of(category: dict) -> Term | None:
    synonyms = category.get("synonyms", [])
    if not isinstance(category.get("name"), str) or not isinstance(synonyms, list):
        raise Refusal("it has no name")
    ours = CATEGORIES.get(str(category.get("supercategory")), Concept.Category.OBJECT)
    return term(str(ours), category["name"], synonyms)


def _mask_of(segmentation: object, width: int, height: int) -> np.ndarray:
    """Of polygons, of run lengths, or of compressed ones."""
    if isinstance(segmentation, list) and segmentation:
        return outlines.from_polygons(segmentation, width, height)
    if not isinstance(segmentation, dict):
        raise Refusal("it has no segmentation")
    if segmentation.get("size", [height, width]) != [height, width]:
        raise Refusal("its mask has another size than the picture")
    runs = segmentation.get("counts")
    return outlines.from_runs(outlines.from_text(runs) if isinstance(runs, str) else runs, width, height)
