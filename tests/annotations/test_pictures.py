import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from annotations.pictures import Refusal, inspect, read_rgb

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def banner():
    """60 x 40: red on the left; on the right green above blue."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30] = RED
    pixels[:20, 30:], pixels[20:, 30:] = GREEN, BLUE
    return Image.fromarray(pixels)


def encode(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def held(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def close(pixel, colour):
    return np.abs(pixel.astype(int) - colour).max() <= 24


@pytest.mark.parametrize(
    "data",
    [
        encode(banner(), "JPEG", quality=95),
        encode(banner(), "PNG"),
        encode(banner(), "WEBP", lossless=True),
        encode(banner(), "BMP"),
        encode(banner(), "GIF"),
        encode(banner(), "JPEG2000"),
        encode(banner().convert("P"), "PNG"),
        encode(banner().convert("RGBA"), "PNG"),
        encode(banner().convert("CMYK"), "JPEG", quality=95),
        encode(banner().convert("CMYK"), "TIFF"),
        encode(banner().convert("LAB"), "TIFF"),
        cv2.imencode(".png", np.asarray(banner())[..., ::-1].astype(np.uint16) * 257)[1].tobytes(),
        cv2.imencode(".tiff", np.asarray(banner())[..., ::-1].astype(np.uint16) * 257)[1].tobytes(),
    ],
    ids=lambda data: data[:4].hex(),
)
def test_every_depth_and_colour_model_becomes_eight_bit_rgb(data):
    pixels = read_rgb(data)
    assert inspect(data) == (60, 40) and pixels.shape == (40, 60, 3) and pixels.dtype == np.uint8
    assert close(pixels[10, 10], RED) and close(pixels[5, 50], GREEN) and close(pixels[35, 50], BLUE)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_the_camera_says(form, orientation):
    """The corner that EXIF calls (first row, first column) is red only where the tag's table says so."""
    options = {"quality": 95} if form == "JPEG" else {"lossless": True} if form == "WEBP" else {}
    data = encode(banner(), form, exif=held(orientation), **options)
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a),
    }[orientation]
    expected, pixels = undo(np.asarray(banner())), read_rgb(data)
    assert inspect(data) == expected.shape[1::-1] == pixels.shape[1::-1]
    for y, x in ((4, 4), (4, -5), (-5, 4), (-5, -5)):
        assert close(pixels[y, x], expected[y, x])


def test_deep_and_shallow_greys_become_eight_bit():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).repeat(64).reshape(64, 64)
    for data, expected in [
        (cv2.imencode(".png", ramp)[1].tobytes(), ramp / 257),
        (cv2.imencode(".tiff", (ramp / 65535).astype(np.float32))[1].tobytes(), ramp / 257),
        (encode(Image.fromarray((ramp >> 8).astype(np.uint8)), "PNG"), ramp >> 8),
        (encode(Image.fromarray(ramp > 30000), "PNG"), (ramp > 30000) * 255),
    ]:
        assert np.abs(read_rgb(data) - expected[..., None]).max() <= 1


def test_transparency_is_laid_on_white():
    layer = banner().convert("RGBA")
    layer.putalpha(128)
    assert close(read_rgb(encode(layer, "PNG"))[10, 10], (255, 127, 127))
    palette = banner().convert("P")
    hidden = palette.getpixel((10, 10))
    assert close(read_rgb(encode(palette, "PNG", transparency=hidden))[10, 10], (255, 255, 255))


def frames(form):
    return encode(banner(), form, save_all=True, append_images=[banner().rotate(180)])


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty"),
        (b"<html>not found</html>", "not a picture"),
        (encode(banner(), "JPEG")[:-200], "truncated"),
        (encode(banner(), "PNG")[:-60], "truncated"),
        (frames("GIF"), "animated"),
        (frames("PNG"), "animated"),
        (frames("WEBP"), "animated"),
        (frames("TIFF"), "several pages"),
        (encode(Image.new("L", (31, 200)), "PNG"), "a side is under 32 px"),
        (encode(Image.new("1", (10_000, 8_001)), "PNG"), "80 million"),
        (encode(Image.new("1", (20_000, 20_000)), "PNG"), "80 million"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "not a picture"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(data, reason):
    with pytest.raises(Refusal, match=reason):
        inspect(data)
    with pytest.raises(Refusal, match=reason):
        read_rgb(data)


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    data = encode(Image.new("1", (10_000, 8_001)), "PNG")
    monkeypatch.setattr(Image.Image, "load", lambda image: pytest.fail("was decoded"))
    with pytest.raises(Refusal, match="80 million"):
        inspect(data)


def test_the_two_pictures_in_a_telephones_file_count_as_one():
    data = encode(banner(), "MPO", save_all=True, append_images=[banner()])
    assert inspect(data) == (60, 40)


@given(st.binary(max_size=400), st.sampled_from(["", "JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"]))
def test_arbitrary_bytes_are_read_or_refused(noise, form):
    """Also behind a good file's head, where decoders are at work already."""
    head = encode(banner(), form)[:90] if form else b""
    try:
        width, height = inspect(head + noise)
    except Refusal:
        return
    assert read_rgb(head + noise).shape == (height, width, 3)
