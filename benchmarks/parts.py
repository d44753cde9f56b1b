"""The contest: which method finds the parts that a network uses, all of them and nothing else.

    python benchmarks/parts.py [--quick] [--methods a,b] [--builds a,b] [--seeds 1,2] [--networks FOLDER]
    python benchmarks/parts.py --tune

Pictures are the generated creatures, whose pixels and parts are known; which parts a network uses is measured
by drawing the pictures again without each. Ours is run as a user runs it, by the command line's own commands
in a home of its own. In full: three differently built networks for each of three seeds, and all nine classes;
they are trained where `var/bench` does not hold them yet. What was found stays in
benchmarks/results/parts.json, and a later call with other methods adds to it. --tune seeks the peers'
settings anew, on other networks and pictures. With --quick: the network that comes with the project, two
classes, fewer pictures and peers.

In full it also draws docs/parts-passes.png, the curve of quality against passes. A table goes to stderr; the
last line of stdout is one JSON object, method -> its mean figures.
"""

import argparse
import fcntl
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
# CPU seconds are compared, and threads that wait for each other would count as work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

RESULTS = ROOT / "benchmarks" / "results" / "parts.json"
CURVE = ROOT / "docs" / "parts-passes.png"
CACHE = ROOT / "var" / "bench"
SHIPPED = ROOT / "summaries" / "networks" / "creatures.json"
BUILDS, SEEDS = ("plain", "resnet", "mobile"), (1, 2, 3)
PICTURES_SEED = 7_000
"""Plus the network's seed: image sets that neither training nor tuning has seen."""
METHODS = ("standard", "dff", "craft", "ace", "kmeans", "random", "oracle", "paper")
"""The controls are the truth's regions in clusters drawn by lot, and the truth."""
IMAGES = 24
PAPER_NETWORK, PAPER_LABELS = "plain-1", ("grawk", "plimbo")
"""The published schedule is dear: it takes part here alone."""
QUICK_METHODS = ("standard", "dff", "kmeans", "random", "oracle")
QUICK_LABELS, QUICK_IMAGES = ("grawk", "plimbo"), 12


def main() -> None:
    options = read_options()
    with tempfile.TemporaryDirectory(prefix="meronym-parts-") as home:
        set_up(Path(home))
        if options.tune:
            tune(options)
        elif options.quick:
            report(compete(quick_turns(options), Path(home)))
        else:
            compete(full_turns(options), CACHE, add_results)
            draw_curve(read_results())
            report(read_results())


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 seconds on two cores")
    parser.add_argument("--tune", action="store_true", help="seek the peers' settings anew")
    parser.add_argument("--methods", type=words, help=f"some of {', '.join(METHODS)}")
    parser.add_argument("--builds", type=words, default=BUILDS)
    parser.add_argument("--seeds", type=words, default=SEEDS)
    parser.add_argument("--networks", type=Path, default=CACHE, help="holds {build}_{seed}.safetensors")
    return parser.parse_args()


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def set_up(home: Path) -> None:
    """A home of its own, so that nothing of the user's is touched and nothing found earlier helps."""
    os.environ |= {"MERONYM_HOME": str(home), "DJANGO_SETTINGS_MODULE": "studyproject.settings"}
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")


def quick_turns(options: argparse.Namespace) -> list:
    from benchmarks.contest import networks
    from benchmarks.contest.rounds import Round

    asked = Round(networks.shipped(SHIPPED), QUICK_LABELS, PICTURES_SEED, QUICK_IMAGES)
    return [(asked, method) for method in options.methods or QUICK_METHODS]


def full_turns(options: argparse.Namespace) -> list:
    """Network by network, and method by method."""
    from annotations.creatures.plan import CLASSES
    from benchmarks.contest import networks
    from benchmarks.contest.rounds import Round

    turns = []
    for seed in map(int, options.seeds):
        for build in options.builds:
            form = networks.provide(build, seed, options.networks)
            asked = Round(form, CLASSES, PICTURES_SEED + seed, IMAGES)
            turns += [(asked, method) for method in options.methods or METHODS if method != "paper"]
            if asked.name == PAPER_NETWORK and "paper" in (options.methods or METHODS):
                turns.append((replace(asked, labels=PAPER_LABELS), "paper"))
    return turns


def compete(turns: list, cache: Path, keep: Callable[[dict], None] = lambda found: None) -> dict:
    """Every row of figures, and what each part is worth to each network; `keep` is told after each turn."""
    from tqdm import tqdm

    from benchmarks.contest import tables
    from benchmarks.contest.rounds import play, prepare, tell_worth

    everything, prepared = tables.NOTHING, None
    with tqdm(turns, unit=" turns") as bar:
        for asked, method in bar:
            bar.set_description(f"{asked.name} {method}")
            if prepared is None or prepared.round != asked:
                prepared = prepare(asked, cache)
            found = {"rows": play(prepared, method), "worth": tell_worth(prepared)}
            everything = tables.merge(everything, found)
            keep(found)
    return everything


def read_results() -> dict:
    return json.loads(RESULTS.read_text())


def add_results(found: dict) -> None:
    """To what is written already; several processes may do so, each for networks of its own."""
    from benchmarks.contest import tables

    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        merged = tables.merge(json.loads(file.read() or "null") or tables.NOTHING, found)
        file.truncate(0)
        file.write(tables.dump(merged))


def draw_curve(found: dict) -> None:
    from benchmarks.contest import curve

    curve.draw(found["rows"], CURVE)


def report(found: dict) -> None:
    from benchmarks.contest import tables

    table = tables.average(found["rows"])
    print(tables.write(table), file=sys.stderr)
    if comparison := tables.against_best(found["rows"]):
        print(comparison, file=sys.stderr)
    print(json.dumps(table))


def tune(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    from benchmarks.contest import tuning
    from benchmarks.contest.methods import PEERS
    from benchmarks.contest.rounds import cases

    seen = cases(options.builds, options.networks, CACHE, IMAGES)
    chosen = json.loads(tuning.CHOSEN.read_text()) if tuning.CHOSEN.exists() else {}
    for name in options.methods or PEERS:
        bar = lambda trials, name=name: tqdm(trials, name, unit=" trials")  # noqa: E731
        chosen[name] = tuning.tune(PEERS[name], seen, track=bar)
        tuning.CHOSEN.write_text(json.dumps(chosen, indent=1) + "\n")
    print(json.dumps(chosen))


if __name__ == "__main__":
    main()
