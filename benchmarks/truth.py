"""Whether findings are true: simulated studies whose truth is known, from the answers to the intervals.

    python benchmarks/truth.py [--quick] [--studies N] [--home FOLDER] [--again]

Each study is another one: 10 to 40 people, 8 to 30 summaries, much or little agreement, synonyms, forms and
slips in known shares, people who do not look, who leave, who see a part of the summaries; decoys, repeats and
gold. Answers are written by `study.sessions.answer`, as the pages' scripts have them written; in three
studies by bots over HTTP. A coder who knows which names mean the same merges them; a tagger tells the true
modal name with a known chance. Then the study's findings are computed, and every number that has a truth is
compared with it.

The truth is the population's: that of endlessly many people and summaries drawn from the study's own
distributions, in closed form (`study.bots.population`). An interval to other people and summaries claims to
hold it. A modal name has no interval: a study passes if in every summary the true name is among those that
cannot be told from the modal one (sign test, 5 % shared by all names of all summaries).

With --home the studies are kept in FOLDER, and a later call goes on there; --again judges all of them anew.
The last line is one JSON object: `studies`, `inside` (by measure the share of studies whose interval holds
the truth, in the main analysis), `least` (the smallest of those demanded), `modal`, `undefined` (numbers
without an interval). The full result is kept in benchmarks/results/truth.json.
"""

import argparse
import json
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "studyproject.settings"
os.environ.setdefault("OMP_NUM_THREADS", "1")

if TYPE_CHECKING:
    from benchmarks.simulated.plans import Plan
    from study.models import Study

RESULTS = ROOT / "benchmarks" / "results" / "truth.json"
FULL, QUICK = 200, 5
OVER_HTTP = 3
WANTED = 0.93
DEMANDED = (
    "alpha, raw",
    "alpha, mechanical",
    "alpha, merged",
    "guess floor",
    "self-consistency, merged",
    "attention",
    "hit@1",
    "hit@5",
    "mean reciprocal rank",
    "modal name and first tag",
)
CODER = "coder"


def main() -> None:
    options = read_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the site is stopped too
    with tempfile.TemporaryDirectory(prefix="meronym-truth-") as name:
        home = (options.home or Path(name)).resolve()
        home.mkdir(parents=True, exist_ok=True)
        set_up(home)
        rows = [judged(number, home, options) for number in range(1, options.studies + 1)]
    found = report(rows)
    if not options.quick:
        RESULTS.write_text(json.dumps(found | {"rows": [short(row) for row in rows]}) + "\n")
    print(json.dumps(found, ensure_ascii=False))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few small studies, under 50 seconds")
    parser.add_argument("--studies", type=int, metavar="N", help=f"how many (default: {FULL})")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="keep the studies here, and go on here")
    parser.add_argument("--again", action="store_true", help="judge studies again that were judged before")
    options = parser.parse_args()
    options.studies = options.studies or (QUICK if options.quick else FULL)
    return options


def set_up(home: Path) -> None:
    """A database and files of their own."""
    theirs = ("DATABASE_URL", "REDIS_URL", "S3_", "ALLOWED_HOSTS", "BEHIND_HTTPS", "SECRET_KEY", "DEBUG")
    for name in [name for name in os.environ if name.startswith(theirs)]:
        del os.environ[name]
    os.environ |= {"MERONYM_HOME": str(home), "LOG_LEVEL": "ERROR"}
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    logging.disable(logging.WARNING)
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    call_command("migrate", verbosity=0)


def judged(number: int, home: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One study's row: from its file if it was judged before, else lived through as far as it is not yet."""
    from benchmarks.simulated import plans

    kept = home / f"study-{number}{'-small' if options.quick else ''}.json"
    before = json.loads(kept.read_text()) if kept.exists() else {}
    if "verdicts" in before and not options.again:
        return before
    plan, began = plans.draw(number, small=options.quick), time.monotonic()
    if not before:
        before = {"number": number, "study": make(plan), "http": is_over_http(number, options)}
        if before["http"]:
            before["tally"] = over_http(plan, before["study"], home)
        else:
            answer(plan, before["study"])
        kept.write_text(json.dumps(before))
    row = before | judge(plan, before["study"]) | {"seconds": round(time.monotonic() - began, 2)}
    kept.write_text(json.dumps(row, ensure_ascii=False))
    print(f"{number}: {row['answers']} answers, {row['seconds']} s", file=sys.stderr)
    return row


def is_over_http(number: int, options: argparse.Namespace) -> bool:
    return number <= (1 if options.quick else OVER_HTTP)


def make(plan: "Plan") -> int:
    """The study anew: what an interrupted call left of it stands beside it, and is not looked at."""
    from benchmarks.simulated import studies

    return studies.make(plan).pk


def answer(plan: "Plan", pk: int) -> None:
    from benchmarks.simulated import studies
    from study.models import Study

    studies.answer(plan, Study.objects.get(pk=pk))


def over_http(plan: "Plan", pk: int, home: Path) -> dict[str, Any]:
    """The same by a crowd of bots, at a site of one worker over this database."""
    from benchmarks.load.servers import Site
    from study.bots import Crowd, Habits, compare
    from study.models import Study

    site = Site(workers=1, threads=8, log=home / "site.log")
    site.start()
    try:
        crowd = Crowd(
            Study.objects.get(pk=pk),
            site.address,
            plan.people,
            Habits(dropout=plan.dropout, careless=plan.careless),
            seed=plan.seed,
            concurrency=8,
            speech=plan.speech,
            population=plan.population,
        )
        crowd.run()
        return asdict(compare(crowd.bots, crowd.meter))
    finally:
        site.kill()


def judge(plan: "Plan", pk: int) -> dict[str, Any]:
    """Exclusions, merges and tags, where they are missing; the findings; what they say of the truth."""
    from benchmarks.simulated import judging, studies, tags
    from study import naming
    from study.bots import verdicts
    from study.findings import measure, table
    from study.models import Study

    study = Study.objects.get(pk=pk)
    known = studies.believed(plan, study)
    if not study.name_events.exists():
        studies.judge_exclusions(study)
        merge(plan, study)
    if not tags.is_tagged(study):
        tags.tag(plan, study, known)
    layers = naming.layers(study)
    content = measure.content(study, table.read(study, layers=layers), layers)
    main = content["analyses"]["main"]
    return {
        "people": main["people"],
        "summaries": plan.summaries,
        "answers": main["answers"],
        "careless": round(plan.careless, 3),
        "ruled": plan.ruled,
        "excluded": content["people"]["excluded"],
        "merges": content["layers"]["events"],
        "modal": asdict(verdicts.modal(main["stimuli"], layers, known)),
        "verdicts": {
            name: [asdict(one) | {"inside": one.inside} for one in judging.verdicts(plan, name, analysis)]
            for name, analysis in content["analyses"].items()
        },
    }


def merge(plan: "Plan", study: "Study") -> None:
    """As a coder who knows what was meant."""
    from django.contrib.auth import get_user_model

    from benchmarks.simulated import judging
    from study import naming
    from study.models import Answer

    coder, _ = get_user_model().objects.get_or_create(username=CODER)
    given = Answer.objects.filter(trial__participant__study=study, kind=Answer.Kind.NAME)
    words = given.values_list("words", flat=True).distinct()
    for into, names in list(judging.groups(plan, naming.layers(study), words)):
        naming.merge(study, names, into, by=coder)


def report(rows: list[dict[str, Any]]) -> dict[str, Any]:
    main, everybody = (by_measure(rows, analysis) for analysis in ("main", "all"))
    names = [row["modal"] for row in rows]
    inside = {measure: share(one["inside"] for one in own) for measure, own in main.items()}
    modal = {
        "possible": share(one["possible"] == one["summaries"] for one in names),
        "right": round(sum(one["right"] for one in names) / sum(one["summaries"] for one in names), 4),
        "summaries": sum(one["summaries"] for one in names),
    }
    return {
        "studies": len(rows),
        "answers": sum(row["answers"] for row in rows),
        "least": min([modal["possible"], *(inside[measure] for measure in DEMANDED)]),
        "wanted": WANTED,
        "modal": modal,
        "inside": inside,
        "inside_with_excluded": {
            measure: share(one["inside"] for one in own) for measure, own in everybody.items()
        },
        "width": {measure: mean_width(own) for measure, own in main.items()},
        "bias": {measure: mean_error(own) for measure, own in main.items()},
        "undefined": sum(one["low"] is None for own in main.values() for one in own),
        "over_http": sum(row["http"] for row in rows),
        "lost_over_http": sum(row["tally"]["lost"] + row["tally"]["doubled"] for row in rows if row["http"]),
        "seconds": round(sum(row["seconds"] for row in rows), 1),
    }


def short(row: dict[str, Any]) -> dict[str, Any]:
    """What is kept of one study."""
    kept = ("number", "people", "summaries", "answers", "careless", "ruled", "merges", "http", "modal")
    outside = [one["measure"] for one in row["verdicts"]["main"] if not one["inside"]]
    return {key: row[key] for key in kept} | {"outside": outside}


def by_measure(rows: Iterable[dict[str, Any]], analysis: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        for verdict in row["verdicts"][analysis]:
            found.setdefault(verdict["measure"], []).append(verdict)
    return found


def share(each: Iterable[bool]) -> float:
    each = list(each)
    return round(sum(each) / len(each), 4)


def mean_width(verdicts: Iterable[dict[str, Any]]) -> float | None:
    widths = [one["high"] - one["low"] for one in verdicts if one["low"] is not None]
    return round(sum(widths) / len(widths), 3) if widths else None


def mean_error(verdicts: Iterable[dict[str, Any]]) -> float | None:
    """How far the estimates lie above the truth, in the mean."""
    errors = [one["value"] - one["truth"] for one in verdicts if one["value"] is not None]
    return round(sum(errors) / len(errors), 4) if errors else None


if __name__ == "__main__":
    main()
