"""Names of colours: what people would call well-known shades."""

import numpy as np
import pytest

from annotations.creatures import palette
from summaries.engine.tagging import colours

SHADES = {
    "red": [(178, 34, 34), (220, 20, 60), (128, 0, 0)],
    "orange": [(255, 165, 0), (255, 140, 0)],
    "yellow": [(255, 255, 0), (255, 215, 0), (240, 230, 140)],
    "green": [(0, 100, 0), (34, 139, 34), (144, 238, 144), (85, 107, 47)],
    "blue": [(0, 0, 128), (173, 216, 230), (70, 130, 180), (65, 105, 225)],
    "purple": [(128, 0, 128), (75, 0, 130), (147, 112, 219)],
    "pink": [(255, 192, 203), (255, 105, 180)],
    "brown": [(139, 69, 19), (210, 180, 140), (92, 51, 23)],
    "black": [(10, 10, 10), (20, 20, 0)],
    "grey": [(128, 128, 128), (169, 169, 169), (105, 105, 105)],
    "white": [(245, 245, 245), (255, 250, 240)],
}


@pytest.mark.parametrize("name", SHADES)
def test_a_shade_has_the_name_that_people_give_it(name):
    shades = [*SHADES[name], palette.RGB[name]]
    assert {colours.NAMES[each] for each in colours.name_pixels(np.array(shades, np.uint8))} == {name}


def test_a_centre_has_its_own_name_and_the_space_is_as_published():
    codes = [(code >> 16, code >> 8 & 255, code & 255) for code in colours.CENTRES.values()]
    assert [colours.NAMES[each] for each in colours.name_pixels(np.array(codes, np.uint8))] == list(
        colours.NAMES
    )
    # The published pair for the first axis: XYZ (0.950, 1, 1.089) is white, L 1, a 0, b 0.
    assert colours.oklab(np.array([255, 255, 255])) == pytest.approx([1, 0, 0], abs=1e-3)
    assert colours.oklab(np.array([255, 0, 0])) == pytest.approx([0.628, 0.225, 0.126], abs=1e-3)


def test_shares_are_of_pixels_and_add_up():
    pixels = np.array([(255, 0, 0)] * 3 + [(0, 0, 255)], np.uint8)
    assert colours.shares(pixels) == {"red": 0.75, "blue": 0.25}
