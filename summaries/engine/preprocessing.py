"""How a network wants its pictures: size, crop, mean and standard deviation, read from plain words."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from summaries.engine import Refusal
from summaries.engine.images import RESAMPLINGS

SMALLEST_INPUT, LARGEST_INPUT = 16, 1024

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Preprocessing:
    """The classifier's own evaluation geometry and its normalisation (x - mean) / std of RGB in [0, 1]."""

    input_size: int
    resize: int | None
    mean: Triple
    std: Triple
    interpolation: str = "bilinear"
    crop: str = "center"


def parse_preprocessing(source: str | Mapping[str, object]) -> Preprocessing:
    """Read a preprocessing from a mapping or its JSON; numbers may be words, triples "a,b,c" or lists.

    Keys: input_size, mean, std (needed); resize or resize_short_side, interpolation, crop. Other
    keys are left alone, so a whole network form may be passed. Raises Refusal in one sentence.
    """
    form = _read_json(source) if isinstance(source, str) else source
    for key in ("input_size", "mean", "std"):
        if form.get(key) in (None, ""):
            raise Refusal(f"The preprocessing does not say its '{key}'.")
    size = _side(form["input_size"], "input_size")
    std = _triple(form["std"], "std")
    if min(std) <= 0:
        raise Refusal(f"The standard deviations must be above zero; 'std' is {form['std']}.")
    return Preprocessing(
        input_size=size,
        resize=_resize(form, size),
        mean=_triple(form["mean"], "mean"),
        std=std,
        interpolation=_choice(form, "interpolation", "bilinear", tuple(RESAMPLINGS)),
        crop=_choice(form, "crop", "center", ("center",)),
    )


def _read_json(text: str) -> Mapping[str, object]:
    try:
        form = json.loads(text)
    except ValueError as error:
        raise Refusal(f"The preprocessing is not valid JSON: {error}.") from error
    if not isinstance(form, dict):
        raise Refusal("The preprocessing must be a JSON object with input_size, mean and std.")
    return form


def _number(value: object, key: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise Refusal(f"'{key}' must be a finite number; '{value}' is not.")
    return number


def _side(value: object, key: str) -> int:
    side = _number(value, key)
    if side != int(side) or not SMALLEST_INPUT <= side <= LARGEST_INPUT:
        raise Refusal(
            f"'{key}' must be a whole number of pixels, {SMALLEST_INPUT} to {LARGEST_INPUT}; it is {value}."
        )
    return int(side)


def _resize(form: Mapping[str, object], size: int) -> int | None:
    value = form.get("resize", form.get("resize_short_side"))
    if value in (None, ""):
        return None
    resize = _side(value, "resize")
    if resize < size:
        raise Refusal(
            f"'resize' ({resize} px) must not be below 'input_size' ({size} px), or the crop does not fit."
        )
    return resize


def _triple(value: object, key: str) -> Triple:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) != 3:
        raise Refusal(f"'{key}' must be three numbers, one each for red, green and blue; it is {value}.")
    red, green, blue = (_number(part, key) for part in parts)
    return red, green, blue


def _choice(form: Mapping[str, object], key: str, default: str, known: tuple[str, ...]) -> str:
    value = str(form.get(key) or default).lower()
    if value not in known:
        raise Refusal(f"'{key}' is '{value}'; known are {', '.join(known)}.")
    return value
