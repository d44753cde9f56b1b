"""Settings of the peers: the best of some drawn by lot, on networks and pictures kept out of the contest."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.contest.methods import PEERS, Method
from benchmarks.contest.scores import Scores, score
from benchmarks.contest.subject import Subject
from benchmarks.contest.world import Pictures
from benchmarks.contest.worth import Worth

TRIALS = 24
CLASSES = ("borrum", "plimbo", "snorfle")
NETWORKS, PICTURES = 0, 4_100
"""Seeds of the networks and of the pictures that tuning may see, and the contest may not."""
AIMS: dict[str, Callable[[Scores], float]] = {
    "whole": lambda scores: scores.miou,
    "clean": lambda scores: scores.miou * (1 - scores.leak),
}
"""What settings are tuned for. The contest takes those best as a whole, by matched IoU; those best where
leaking counts against them are kept beside, to tell whether that choice is why a peer leaks."""
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
) -> dict[str, dict]:
    """Aim -> the best settings of all trials over all cases, with what they and the defaults reached."""
    drawn = draw(method, trials, seed)
    found = [[judge(method, settings, case) for case in cases] for settings in track(drawn)]
    best = {}
    for name, aim in AIMS.items():
        reached = [float(np.mean([aim(scores) for scores in row])) for row in found]
        place = int(np.argmax(reached))
        report = {"reached": round(reached[place], 4), "by_default": round(reached[0], 4), "trials": trials}
        best[name] = dataclasses.asdict(drawn[place]) | {"tuned": report}
    return best


def judge(method: Method, settings: object, case: Case) -> Scores:
    subject, pictures, worth = case
    clusters = method.find(subject, settings, 0)
    return score(clusters, pictures.truth, used=worth.used, unused=worth.unused)


def chosen(name: str) -> object:
    """The peer's settings for the contest."""
    values = json.loads(CHOSEN.read_text())[name]["whole"]
    return PEERS[name].settings(**{key: value for key, value in values.items() if key != "tuned"})
