"""A study's results as CSV: columns with their meaning, rows as a stream, and all of it as one zip."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from django.utils import timezone

from study import names, results
from study.cells import guard
from study.models import Answer, Outcome, Study

ROWS_AT_ONCE = 2000


class Column(NamedTuple):
    name: str
    meaning: str
    read: Callable[[Any], object]


def _moment(value: datetime | None) -> str:
    return value.isoformat(timespec="milliseconds") if value else ""


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _evidence(name: str) -> Callable[[Answer], object]:
    def read(answer: Answer) -> object:
        value = answer.evidence.get(name, "")
        return _yes(value) if isinstance(value, bool) else value

    return read


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


ANSWER_COLUMNS: tuple[Column, ...] = (
    Column("study", "the study's name in its link", lambda a: a.trial.participant.study.slug),
    Column("participant", "random code of the participant", lambda a: a.trial.participant.code),
    Column("participant_number", "order of arrival, from 1", lambda a: a.trial.participant.number),
    Column(
        "participant_finished",
        "yes if the participant answered every trial, else no",
        lambda a: _yes(a.trial.participant.outcome == Outcome.COMPLETED),
    ),
    Column("trial", "place in this participant's order, from 1", lambda a: a.trial.position),
    Column("stimulus", "key of the summary that was shown", lambda a: a.trial.stimulus.exhibit),
    Column("kind", "name, nothing_in_common, cannot_tell or skipped", lambda a: a.kind),
    Column("words", "exactly as typed; empty unless kind is name", lambda a: a.words),
    Column(
        "name",
        "the words normalised: Unicode NFKC, case, white space, punctuation at the ends, leading articles",
        lambda a: names.form(a.words),
    ),
    Column(
        "seconds",
        "on the page, by the browser's clock; empty where scripts were off",
        lambda a: "" if a.seconds is None else f"{a.seconds:.3f}",
    ),
    Column("shown", "when the page was made (ISO 8601, UTC)", lambda a: _moment(a.shown_at)),
    Column("received", "when the answer was stored (ISO 8601, UTC)", lambda a: _moment(a.received_at)),
    Column("software_version", "version of Meronym that stored the answer", lambda a: a.software_version),
    Column("condition", "the participant's condition", lambda a: str(a.trial.participant.condition or "")),
    Column("stimulus_kind", "summary, decoy, gold or repeat", lambda a: a.trial.stimulus.kind),
    Column(
        "repeats",
        "of a repeat: key of the summary that it shows once more",
        lambda a: a.trial.stimulus.source.exhibit if a.trial.stimulus.source else "",
    ),
    Column("revision", "from 1; only the last one is in this table", lambda a: a.revision),
    Column(
        "surplus",
        "yes if the summary had all its answers without this one; it is paid like every other",
        lambda a: _yes(a.surplus),
    ),
    Column(
        "version",
        "which published design the participant took part in",
        lambda a: a.trial.participant.version.number or "",
    ),
    Column(
        "outcome",
        "how the participant ended: completed or another end; empty while they are on the way or left",
        lambda a: a.trial.participant.outcome,
    ),
    Column("simulated", "yes if the participant is a program", lambda a: _yes(a.trial.participant.simulated)),
    Column("focus_losses", "how often the page was left; empty if unknown", _evidence("focus_losses")),
    Column("away_seconds", "how long in all; empty if unknown", _evidence("away_seconds")),
    Column("pastes", "how often text was pasted; empty if unknown", _evidence("pastes")),
    Column("offline", "yes if answered without a connection; empty if unknown", _evidence("offline")),
    Column(
        "answered",
        "when it was answered, by the browser's clock (ISO 8601, UTC); empty where scripts were off",
        lambda a: _moment(a.answered_at),
    ),
)

SUMMARY_COLUMNS: tuple[Column, ...] = (
    Column("stimulus", "key of the summary, as in answers.csv", lambda r: r.stimulus.exhibit),
    Column("title", "network, class and rank of the summary", lambda r: r.stimulus.title),
    Column("group", "class of the summary", lambda r: r.stimulus.group),
    Column("answers", "number of answers of any kind; to skip is none", lambda r: r.agreement.answers),
    Column("names", "number of answers that are names", lambda r: r.agreement.named),
    Column(
        "modal_name",
        "most frequent normalised name; several that tie are parted by ' | '",
        lambda r: " | ".join(r.agreement.modal_names),
    ),
    Column(
        "modal_name_tied",
        "yes if several names are most frequent",
        lambda r: "yes" if r.agreement.tied else "no",
    ),
    Column(
        "modal_count",
        "answers that gave the modal name (each of them, if tied)",
        lambda r: r.agreement.modal_count,
    ),
    Column(
        "modal_share",
        "name agreement: modal_count / answers; empty if undefined",
        lambda r: _rounded(r.agreement.share),
    ),
    Column("modal_share_undefined", "why modal_share is empty", lambda r: r.agreement.reason),
    Column(
        "nothing_in_common_share",
        "share of all answers; empty without answers",
        lambda r: _rounded(r.agreement.nothing_in_common),
    ),
    Column(
        "cannot_tell_share",
        "share of all answers; empty without answers",
        lambda r: _rounded(r.agreement.cannot_tell),
    ),
    Column("distinct_names", "number of different normalised names", lambda r: r.agreement.distinct),
    Column("condition", "who sees it; empty if everybody", lambda r: str(r.stimulus.condition or "")),
    Column("stimulus_kind", "summary, decoy, gold or repeat", lambda r: r.stimulus.kind),
)


def answer_lines(study: Study) -> Iterator[str]:
    rows = results.answers(study).select_related(
        "trial__participant__study",
        "trial__participant__version",
        "trial__participant__condition",
        "trial__stimulus__source",
    )
    light = rows.defer("trial__participant__version__content")
    return _lines(ANSWER_COLUMNS, light.iterator(chunk_size=ROWS_AT_ONCE))


def summary_lines(study: Study) -> Iterator[str]:
    return _lines(SUMMARY_COLUMNS, results.per_stimulus(study))


def write_zip(study: Study, path: Path) -> None:
    """answers.csv, summaries.csv and README.txt; the file appears under its name only when it is whole."""
    part = path.with_name(path.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as bundle:
            _write(bundle, "answers.csv", answer_lines(study))
            _write(bundle, "summaries.csv", summary_lines(study))
            _write(bundle, "README.txt", [readme(study)])
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def readme(study: Study) -> str:
    tables = {
        "answers.csv: one row an answer": ANSWER_COLUMNS,
        "summaries.csv: one row a summary": SUMMARY_COLUMNS,
    }
    parts = [
        f"Study: {study.title} ({study.slug})\nWritten: {timezone.now().isoformat(timespec='seconds')}",
        "Both tables are UTF-8, comma separated, with one line of column names. Previews are left out.\n"
        "Of bots (simulated) answers.csv has every answer; summaries.csv counts people alone, or bots alone\n"
        "where only bots took part.\n"
        "A text cell that begins with = + - @ (also full width), a tab or a carriage return has an\n"
        "apostrophe put before it, so that a spreadsheet shows it and does not run it. So has one that was\n"
        "typed with apostrophes before such a sign: take one off to have the exact words.",
    ]
    for heading, columns in tables.items():
        parts.append(f"{heading}\n" + "\n".join(f"  {name}: {meaning}" for name, meaning, _ in columns))
    return "\n\n".join(parts) + "\n"


def _lines(columns: tuple[Column, ...], rows: Iterable) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([guard(column.read(row)) for column in columns])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _write(bundle: zipfile.ZipFile, name: str, lines: Iterable[str]) -> None:
    with bundle.open(name, "w") as file:
        for line in lines:
            file.write(line.encode())
