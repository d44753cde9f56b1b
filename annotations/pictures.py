"""From the bytes of a picture file to upright RGB pixels, or to the reason why not."""

import io
import warnings

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from annotations import Refusal

__all__ = ["Refusal", "inspect", "png", "read_plain", "read_rgb", "suffix_of"]

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
"""What is decoded. Formats that run programs (EPS) or hold documents (PDF, PSD) are left out."""
MOST_PIXELS = 80_000_000
LEAST_SIDE = 32
ORIENTATION = 0x0112
QUARTER_TURNS = (5, 6, 7, 8)
WIDE_GREY = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def inspect(data: bytes) -> tuple[int, int]:
    """(width, height) of the upright picture; the whole file is decoded, so a cut-off one is found out.

    Refused: empty, not a picture, animated, over 80 million pixels (seen before any is decoded), under 32 px.
    """
    image = _open(data)
    width, height = image.size
    image.draft(None, (1, 1))  # a JPEG is decoded at an eighth of its size: the same bytes are read
    _decode(image)
    return (height, width) if _orientation(image) in QUARTER_TURNS else (width, height)


def read_rgb(data: bytes) -> np.ndarray:
    """uint8 (H, W, 3): orientation applied, transparency on white, any depth and colour model."""
    image = _open(data)
    _decode(image)
    if _orientation(image) != 1:
        image = ImageOps.exif_transpose(image)
    return np.array(_to_rgb(image))


def read_plain(data: bytes) -> Pillow.Image:
    """The decoded picture as its file has it, neither turned nor converted: label maps hold numbers."""
    image = _open(data, least=1)
    _decode(image)
    return image


def suffix_of(data: bytes) -> str:
    """ ".jpeg", ".png", ...: after what the bytes are, whatever the file was called."""
    name = _open(data).format.lower()
    return ".jpeg" if name == "mpo" else f".{name}"


def png(pixels: np.ndarray) -> bytes:
    """The PNG file of uint8 pixels, (H, W, 3) for colour or (H, W) for grey and label maps."""
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _open(data: bytes, least: int = LEAST_SIDE) -> Pillow.Image:
    if not data:
        raise Refusal("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged metadata and big pictures: judged below, in words
            image = Pillow.open(io.BytesIO(data), formats=FORMATS)
            animated = image.format != "MPO" and getattr(image, "is_animated", False)
    except Pillow.DecompressionBombError as error:
        raise Refusal("the picture has more than 80 million pixels") from error
    except UnidentifiedImageError as error:
        raise Refusal("not a picture in a known format (JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF)") from error
    except Exception as error:  # a decoder fed with broken bytes raises nearly anything
        raise Refusal("the picture is truncated or damaged") from error
    _check_size(*image.size, least)
    if animated:
        raise Refusal("an animated picture or one of several pages")
    return image


def _check_size(width: int, height: int, least: int) -> None:
    if width * height > MOST_PIXELS:
        raise Refusal(f"{width} x {height} px is more than 80 million pixels")
    if min(width, height) < least:
        raise Refusal(f"{width} x {height} px: a side is under {least} px")


def _decode(image: Pillow.Image) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
    except Exception as error:  # as above
        raise Refusal("the picture is truncated or damaged") from error


def _orientation(image: Pillow.Image) -> int:
    """1 (upright) to 8, of a decoded picture; metadata that cannot be read say nothing about it."""
    if image.format == "TIFF":
        return 1  # Pillow turns these itself while decoding
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:
        return 1
    return value if value in range(1, 9) else 1


def _to_rgb(image: Pillow.Image) -> Pillow.Image:
    if image.mode in WIDE_GREY:
        return _grey(np.asarray(image) / 65535)
    if image.mode == "F":
        return _grey(np.nan_to_num(np.asarray(image)))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Pillow.new("RGBA", layer.size, "white")
        return Pillow.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _grey(light: np.ndarray) -> Pillow.Image:
    """Light from 0 to 1 as an RGB picture."""
    return Pillow.fromarray((light.clip(0, 1) * 255).round().astype(np.uint8)).convert("RGB")
