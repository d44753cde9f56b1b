"""How fast a large study's data leave the house, and how little memory it takes.

    python benchmarks/export.py [--quick]

A database is filled with a study of 100 stimuli and 10,000 participants who answered all of them: 1,000,000
answers. Each of its large tables, and then all of them as one zip, is written by a process of its own, which
throws the bytes away. Told are rows in a second, the time until the first byte, and the largest memory that
the process ever held, with Django and all else. With --quick 30,000 answers. The last line is one JSON
object: `rows` and `rows_per_s` of answers.csv, `peak_mb` of the worst of all, and each part by name.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyproject.settings")

STIMULI = 100
PEOPLE, QUICK_PEOPLE = 10_000, 300
NAMES = 400
"""Different names that people type for one stimulus."""
TABLES = ("answers", "participants", "summaries")
FILL_ANSWERS = """
INSERT INTO study_answer (trial_id, revision, kind, words, body_sha256, surplus, seconds, shown_at,
                          answered_at, received_at, evidence, software_version)
SELECT id, 1, CASE id % 9 WHEN 0 THEN 'cannot_tell' ELSE 'name' END,
       CASE id % 9 WHEN 0 THEN '' ELSE 'the name ' || ((id * 7919) % {names}) || ' of a part' END,
       '', 0, 1 + (id % 70) / 10.0, {now}, {now}, {now}, '{{"focus_losses": 1, "away_seconds": 2.5}}', '1'
FROM study_trial
"""
FILL_TRIALS = """
INSERT INTO study_trial (participant_id, stimulus_id, position, key)
SELECT p.id, s.id, s.position, lower(hex(randomblob(16))) FROM study_participant p, study_stimulus s
"""


def main() -> None:
    options = read_options()
    if options.step:
        print(json.dumps(run(options.step, options.people)))
        return
    people = QUICK_PEOPLE if options.quick else PEOPLE
    with tempfile.TemporaryDirectory(prefix="meronym-export-") as home:
        call("fill", home, people)
        parts = {name: call(name, home, people) for name in (*TABLES, "zip")}
    print(json.dumps(report(parts)))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 seconds on two cores")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--people", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def call(step: str, home: str, people: int) -> dict[str, Any]:
    """A step in a process of its own: this one stays small, as a child's peak begins with its parent's."""
    told = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, __file__, f"--step={step}", f"--people={people}"]
    environment = told | {"MERONYM_HOME": home, "LOG_LEVEL": "ERROR"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def report(parts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    answers = parts["answers"]
    return {
        "rows": answers["rows"],
        "rows_per_s": answers["rows_per_s"],
        "first_byte_ms": max(part["first_byte_ms"] for part in parts.values()),
        "peak_mb": max(part["peak_mb"] for part in parts.values()),
        **parts,
    }


def run(step: str, people: int) -> dict[str, Any]:
    import django

    django.setup()
    return fill(people) if step == "fill" else measure(step)


def fill(people: int) -> dict[str, Any]:
    """Rows in bulk, by the database itself."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from benchmarks.load.studies import make_study

    call_command("migrate", verbosity=0)
    study = make_study("a large study", STIMULI)
    add_people(study, people)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FILL_TRIALS)
        cursor.execute(FILL_ANSWERS.format(names=NAMES, now="'2026-01-05 12:00:00.125000'"))
        cursor.execute("ANALYZE")
        return {"answers": cursor.execute("SELECT count(*) FROM study_answer").fetchone()[0]}


def add_people(study: Any, count: int) -> None:
    """All of them completed it; one in twenty is excluded."""
    from django.utils import timezone

    from study import versions
    from study.models import Exclusion, Participant

    now, version, condition = timezone.now(), versions.latest(study), study.conditions.get()
    made = Participant.objects.bulk_create(
        Participant(
            study=study,
            version=version,
            condition=condition,
            number=number,
            consented_at=now,
            consent_sha256="0" * 64,
            outcome="completed",
            finished_at=now,
            completion_code="CODE",
        )
        for number in range(1, count + 1)
    )
    Exclusion.objects.bulk_create(
        Exclusion(participant=person, rule="least_seconds", reason="Too fast.") for person in made[::20]
    )


def measure(step: str) -> dict[str, Any]:
    from study import exports
    from study.exports.flavours import ANALYSIS
    from study.models import Study

    choice, began = exports.Choice(Study.objects.get(), ANALYSIS), time.perf_counter()
    if step == "zip":
        told = drain(exports.stream(choice), began)
        rows = sum(table.count(choice) for table in exports.TABLES.values())
    else:
        told = drain((piece.encode() for piece in exports.lines(choice, step)), began)
        rows = exports.TABLES[step].count(choice)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "rows": rows,
        "seconds": round(seconds, 1),
        "rows_per_s": round(rows / seconds),
        "peak_mb": round(peak),
        **told,
    }


def drain(pieces: Iterable[bytes], began: float) -> dict[str, Any]:
    """As a slow line would read it: piece by piece, and nothing kept."""
    size, first = 0, None
    for piece in pieces:
        if piece and first is None:
            first = time.perf_counter() - began
        size += len(piece)
    return {"mb": round(size / 2**20, 1), "first_byte_ms": round(1000 * (first or 0))}


if __name__ == "__main__":
    main()
