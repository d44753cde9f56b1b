"""What every method does to a picture before a network sees it: geometry, range, the blurred null image."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from summaries.engine import Refusal

BLUR_TAPS = 11
BLUR_SIGMA = 10.0
RESAMPLINGS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

Pixels = NDArray[np.uint8]


def resize_square(rgb: Pixels, size: int) -> Pixels:
    """Stretch a picture to a square, aspect not kept: the geometry of preset `paper`.

    rgb (H, W, 3) uint8 -> (size, size, 3) uint8, by OpenCV's bilinear interpolation without
    anti-aliasing, as the published code does it. Source: visual summaries, section 1.1.
    """
    _check_picture(rgb)
    return cv2.resize(rgb, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def crop_center(
    rgb: Pixels, size: int, resize_short_side: int | None, interpolation: str = "bilinear"
) -> Pixels:
    """Bring the short side to `resize_short_side` and cut the central square: the usual evaluation geometry.

    rgb (H, W, 3) uint8 -> (size, size, 3) uint8. `resize_short_side` None means `size`. The
    interpolation is Pillow's, with anti-aliasing, and sides and offsets are rounded as torchvision
    rounds them, so a published accuracy is met. Raises Refusal where the crop does not fit.
    """
    _check_picture(rgb)
    short = resize_short_side or size
    if short < size:
        raise Refusal(f"A crop of {size} px cannot be cut from a short side of {short} px.")
    if interpolation not in RESAMPLINGS:
        raise Refusal(f"Interpolation '{interpolation}' is not known; known are {', '.join(RESAMPLINGS)}.")
    height, width = rgb.shape[:2]
    scale = short / min(height, width)
    height, width = max(short, int(height * scale)), max(short, int(width * scale))
    resized = np.asarray(Image.fromarray(rgb).resize((width, height), RESAMPLINGS[interpolation]))
    top, left = round((height - size) / 2), round((width - size) / 2)
    return np.ascontiguousarray(resized[top : top + size, left : left + size])


def to_tensor(rgb: Pixels) -> torch.Tensor:
    """(H, W, 3) uint8 -> (3, H, W) float32 in [0, 1]; (N, H, W, 3) -> (N, 3, H, W)."""
    return (
        torch.from_numpy(np.array(rgb, np.uint8)).movedim(-1, -3).to(torch.float32).div_(255.0).contiguous()
    )


def blur(images: torch.Tensor) -> torch.Tensor:
    """The paper's null image: what a pixel is replaced by when it is hidden.

    images (N, 3, H, W) float32, any range -> the same shape and device, without gradient. It is
    `cv2.GaussianBlur(image, (11, 11), 10)` to the bit, on any device: eleven taps of a Gaussian of sigma
    10, normalised; cut so short it is nearly a box, with a standard deviation of 3.10 px, not 10.
    The border is mirrored without repeating its pixel. Source: section 1.2.
    """
    # Channels in OpenCV's own order (blue first): it decides the last bit where its vector loops end.
    pictures = np.ascontiguousarray(images.detach().flip(1).movedim(1, -1).cpu().numpy())
    blurred = np.stack(
        [cv2.GaussianBlur(picture, (BLUR_TAPS, BLUR_TAPS), BLUR_SIGMA) for picture in pictures]
    )
    return torch.from_numpy(blurred).movedim(-1, 1).flip(1).contiguous().to(images.device)


def _check_picture(rgb: Pixels) -> None:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise Refusal(f"A picture must be (height, width, 3) 8-bit RGB; this one is {rgb.shape} {rgb.dtype}.")
