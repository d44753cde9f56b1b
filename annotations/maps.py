"""Label maps as arrays: many masks in few 8-bit maps, and maps of other sizes brought to an image's own."""

import io
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from annotations import Refusal, pictures

MOST_VALUES = 255
Key = TypeVar("Key", bound=Hashable)


def pack(masks: Mapping[Key, NDArray[np.bool_]]) -> list[tuple[NDArray[np.uint8], list[Key]]]:
    """Maps in which the masks do not overlap: (map, keys), the n-th key's pixels having the value n + 1.

    Keys are dealt out in their order, each to the first map that has room for it, so that the same masks
    always make the same maps, whatever file they came from. Empty masks are left out.
    """
    maps: list[tuple[NDArray[np.uint8], list[Key]]] = []
    for key in sorted(masks):
        mask = masks[key]
        if not mask.any():
            continue
        found = next((each for each in maps if len(each[1]) < MOST_VALUES and not each[0][mask].any()), None)
        if found is None:
            found = np.zeros(mask.shape, np.uint8), []
            maps.append(found)
        found[1].append(key)
        found[0][mask] = len(found[1])
    return maps


def decode(data: bytes) -> NDArray[np.int_]:
    """The numbers in a picture file: (H, W), of one channel or a palette's places, or (H, W, 3)."""
    image = pictures.read_plain(data)
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "P", "I", "I;16", "I;16B", "RGB"):
        image = image.convert("RGB")
    return np.array(image).astype(int)


def enlarge(labels: NDArray, shape: tuple[int, int]) -> NDArray:
    """Labels (h, w) at another size (H, W): each pixel has the label that lies under its centre."""
    rows, columns = (places(length, old) for length, old in zip(shape, labels.shape[:2], strict=True))
    return labels[rows[:, None], columns[None, :]]


def places(new: int, old: int) -> NDArray[np.int_]:
    """Which of `old` pixels in a row lies under the centre of each of `new`; shrinking undoes enlarging."""
    return (2 * np.arange(new) + 1) * old // (2 * new)


def check_size(labels: NDArray, width: int, height: int) -> None:
    if labels.shape[:2] != (height, width):
        raise Refusal(
            f"the map has {labels.shape[1]} x {labels.shape[0]} px where {width} x {height} are due"
        )


def masks_of(labels: NDArray[np.int_], names: Mapping[int, Iterable[Key]]) -> dict[Key, NDArray[np.bool_]]:
    """The pixels of each key: those that have one of the values that `names` gives it."""
    masks: dict[Key, NDArray[np.bool_]] = {}
    for value in np.unique(labels).tolist():
        for key in names.get(value, ()):
            join(masks, key, labels == value)
    return masks


def join(masks: dict[Key, NDArray[np.bool_]], key: Key, mask: NDArray[np.bool_]) -> None:
    """Adds the pixels to those that the key has already."""
    masks[key] = masks[key] | mask if key in masks else mask


def as_bytes(labels: NDArray[np.uint8]) -> bytes:
    """The PNG file of a map, small: maps are flat, and there are many."""
    buffer = io.BytesIO()
    Pillow.fromarray(labels).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
