"""Settings of the peers: the best of some drawn by lot, on networks and pictures kept out of the contest."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.contest.methods import PEERS, Method
from benchmarks.contest.scores import score
from benchmarks.contest.subject import Subject
from benchmarks.contest.world import Pictures
from benchmarks.contest.worth import Worth

TRIALS = 24
CLASSES = ("borrum", "plimbo", "snorfle")
NETWORKS, PICTURES = 0, 4_100
"""Seeds of the networks and of the pictures that tuning may see, and the contest may not."""
CHOSEN = Path(__file__).with_name("settings.json")

Case = tuple[Subject, Pictures, Worth]


def draw(method: Method, trials: int, seed: int) -> list:
    """The method's defaults, and others drawn without repetition."""
    rng = np.random.default_rng(seed)
    drawn = [method.settings()]
    while len(drawn) < trials:
        chosen = {name: values[rng.integers(len(values))] for name, values in method.choices.items()}
        if (settings := method.settings(**chosen)) not in drawn:
            drawn.append(settings)
    return drawn


def tune(
    method: Method,
    cases: Sequence[Case],
    *,
    trials: int = TRIALS,
    seed: int = 0,
    track: Callable[[Iterable], Iterable] = lambda it: it,
) -> dict:
    """The settings with the largest mean matched IoU over all cases, that figure and the first trial's."""
    drawn = draw(method, trials, seed)
    found = [float(np.mean([judge(method, settings, case) for case in cases])) for settings in track(drawn)]
    best = int(np.argmax(found))
    report = {"miou": round(found[best], 4), "miou_by_default": round(found[0], 4), "trials": trials}
    return dataclasses.asdict(drawn[best]) | {"tuned": report}


def judge(method: Method, settings: object, case: Case) -> float:
    subject, pictures, worth = case
    clusters = method.find(subject, settings, 0)
    return score(clusters, pictures.truth, used=worth.used, unused=worth.unused).miou


def chosen(name: str) -> object:
    """The peer's settings as they were tuned."""
    values = json.loads(CHOSEN.read_text())[name]
    return PEERS[name].settings(**{key: value for key, value in values.items() if key != "tuned"})
