import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from summaries.engine import Refusal
from summaries.engine.images import blur, crop_center, resize_square, to_tensor


def make_picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_the_null_images_kernel_has_eleven_taps_and_a_standard_deviation_of_three_pixels():
    impulse = torch.zeros(1, 3, 41, 41)
    impulse[:, :, 20, 20] = 1.0
    profile = blur(impulse)[0, 0].sum(0)
    offsets = torch.arange(41) - 20.0
    assert (profile > 0).sum() == 11
    assert profile.sum() == pytest.approx(1.0, abs=1e-6)
    assert float((profile * offsets**2).sum().sqrt()) == pytest.approx(3.10, abs=0.005)


def test_the_null_image_mirrors_the_border_without_repeating_it_and_keeps_channels_apart():
    picture = torch.zeros(1, 3, 32, 32)
    picture[0, 1, :, 0] = 1.0
    blurred = blur(picture)
    taps = cv2.getGaussianKernel(11, 10).ravel()
    assert blurred[0, 0].abs().max() == 0 and blurred[0, 2].abs().max() == 0
    # Column k sees the bright edge pixel once: mirrored columns start at the second pixel.
    np.testing.assert_allclose(blurred[0, 1, 16, :6], taps[5::-1], atol=1e-6)


def test_a_square_resize_stretches_and_a_crop_keeps_the_aspect():
    picture = np.zeros((100, 200, 3), np.uint8)
    picture[:, 50:150] = 255
    assert resize_square(picture, 64)[32].mean(1).tolist()[:14] == [0.0] * 14
    assert (crop_center(picture, 64, 64) > 128).mean() > 0.95


def test_a_crop_has_the_geometry_and_pixels_of_pillow():
    picture = make_picture(90, 131)
    resized = Image.fromarray(picture).resize((int(131 * 70 / 90), 70), Image.Resampling.BILINEAR)
    left = round((resized.width - 64) / 2)
    expected = np.asarray(resized)[3:67, left : left + 64]
    np.testing.assert_array_equal(crop_center(picture, 64, 70), expected)


def test_a_tensor_holds_the_pixels_between_zero_and_one():
    picture = make_picture(5, 7)
    tensor = to_tensor(picture)
    assert tensor.shape == (3, 5, 7) and tensor.dtype == torch.float32
    np.testing.assert_array_equal((tensor.numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8), picture)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3))],
)
def test_what_is_not_eight_bit_rgb_is_refused(picture):
    with pytest.raises(Refusal, match="8-bit RGB"):
        resize_square(picture.astype(picture.dtype), 32)


def test_a_crop_that_does_not_fit_and_an_unknown_interpolation_are_refused():
    with pytest.raises(Refusal, match="short side of 32"):
        crop_center(make_picture(40, 40), 64, 32)
    with pytest.raises(Refusal, match="bilinear"):
        crop_center(make_picture(40, 40), 32, 36, "magic")
