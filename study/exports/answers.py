"""The columns of answers: one row an answer, or one row each of its revisions."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from study import names, naming
from study.exports.choice import Choice
from study.exports.columns import Column, Type
from study.exports.people import Given, came
from study.models import Answer, Outcome, Stimulus

_form = lru_cache(maxsize=2**14)(names.form)
KINDS = tuple(Answer.Kind.values)
EXACT = "exact; left out unless asked for, as recruiters' lists have times too"


class Named(NamedTuple):
    """A revision with what is derived of its words."""

    given: Given
    mechanical: str
    merged: str
    code: str


def _of(read: Callable[[Given], object]) -> Callable[[Named], object]:
    return lambda row: read(row.given)


def _evidence(name: str) -> Callable[[Named], object]:
    return lambda row: row.given.evidence.get(name)


COLUMNS: tuple[Column, ...] = (
    Column("study", "the study's name in its link", _of(lambda g: g.slug), source="design"),
    Column(
        "participant",
        "random code of the participant, made for this study alone",
        _of(lambda g: g.person.row.code),
    ),
    Column(
        "participant_number", "order of arrival, from 1", _of(lambda g: g.person.row.number), Type.INTEGER
    ),
    Column(
        "participant_finished",
        "yes if the participant answered every trial, else no",
        _of(lambda g: g.person.row.outcome == Outcome.COMPLETED),
        Type.YES_NO,
    ),
    Column("trial", "place in this participant's order, from 1", _of(lambda g: g.position), Type.INTEGER),
    Column(
        "stimulus", "key of the summary that was shown", _of(lambda g: g.stimulus.exhibit), source="design"
    ),
    Column(
        "kind",
        "name, nothing_in_common, cannot_tell or skipped",
        _of(lambda g: g.kind),
        source="participant",
        allowed=KINDS,
    ),
    Column(
        "words",
        "exactly as typed; empty unless kind is name",
        _of(lambda g: g.words),
        source="participant",
    ),
    Column(
        "name",
        "the words normalised: Unicode NFKC, case, white space, punctuation at the ends, leading articles",
        _of(lambda g: _form(g.words)),
        source="computed",
    ),
    Column(
        "seconds",
        "on the page, by the browser's clock; empty where scripts were off",
        _of(lambda g: g.seconds),
        Type.NUMBER,
        "browser",
        decimals=3,
    ),
    Column(
        "shown",
        f"when the page was made (ISO 8601, UTC): {EXACT}",
        _of(lambda g: g.shown_at),
        Type.TIME,
        included=False,
    ),
    Column(
        "received",
        f"when the answer was stored (ISO 8601, UTC): {EXACT}",
        _of(lambda g: g.received_at),
        Type.TIME,
        included=False,
    ),
    Column(
        "software_version", "version of Meronym that stored the answer", _of(lambda g: g.software_version)
    ),
    Column(
        "condition",
        "the participant's condition",
        _of(lambda g: str(g.person.row.condition or "")),
        source="design",
    ),
    Column(
        "stimulus_kind",
        "summary, decoy, gold or repeat",
        _of(lambda g: g.stimulus.kind),
        source="design",
        allowed=tuple(Stimulus.Kind.values),
    ),
    Column(
        "repeats",
        "of a repeat: key of the summary that it shows once more",
        _of(lambda g: g.stimulus.source.exhibit if g.stimulus.source else ""),
        source="design",
    ),
    Column("revision", "from 1; answers.csv has the last one only", _of(lambda g: g.revision), Type.INTEGER),
    Column(
        "surplus",
        "yes if the summary had all its answers without this one; it is paid like every other",
        _of(lambda g: g.surplus),
        Type.YES_NO,
    ),
    Column(
        "version",
        "which published design the participant took part in",
        _of(lambda g: g.person.row.version.number),
        Type.INTEGER,
        "design",
    ),
    Column(
        "outcome",
        "how the participant ended: completed or another end; empty while they are on the way or left",
        _of(lambda g: g.person.row.outcome),
        allowed=tuple(Outcome.values),
    ),
    Column(
        "simulated",
        "yes if the participant is a program",
        _of(lambda g: g.person.row.simulated),
        Type.YES_NO,
    ),
    Column(
        "focus_losses",
        "how often the page was left; empty if unknown",
        _evidence("focus_losses"),
        Type.INTEGER,
        "browser",
    ),
    Column(
        "away_seconds",
        "how long in all; empty if unknown",
        _evidence("away_seconds"),
        Type.NUMBER,
        "browser",
    ),
    Column(
        "pastes",
        "how often text was pasted; empty if unknown",
        _evidence("pastes"),
        Type.INTEGER,
        "browser",
    ),
    Column(
        "offline",
        "yes if answered without a connection; empty if unknown",
        _evidence("offline"),
        Type.YES_NO,
        "browser",
    ),
    Column(
        "answered",
        "when it was answered, by the browser's clock (ISO 8601, UTC); empty where scripts were off: "
        f"{EXACT}",
        _of(lambda g: g.answered_at),
        Type.TIME,
        "browser",
        included=False,
    ),
    Column(
        "mechanical_name",
        "the normalised words, each in its singular: the mechanical layer of names",
        lambda row: row.mechanical,
        source="computed",
    ),
    Column(
        "merged_name",
        "what the deciding coder made of it: the name under which synonyms are counted as one",
        lambda row: row.merged,
        source="researcher",
    ),
    Column(
        "name_code",
        "the code that the coder gave to the merged name; empty if none",
        lambda row: row.code,
        source="researcher",
    ),
    Column(
        "excluded",
        "yes if the participant does not count in the main analysis",
        _of(lambda g: bool(g.person.rules)),
        Type.YES_NO,
    ),
    Column("excluded_by", "rules by which, parted by ' | '", _of(lambda g: " | ".join(g.person.rules))),
    Column(
        "stimulus_stopped",
        "yes if answers to it are no longer collected, as was declared beforehand",
        _of(lambda g: g.stimulus.stopped_at is not None),
        Type.YES_NO,
    ),
    Column(
        "stimulus_position",
        "number of the stimulus in the study, as in the columns of participants.csv",
        _of(lambda g: g.stimulus.position),
        Type.INTEGER,
        "design",
    ),
    Column(
        "shown_after",
        "seconds from the participant's start until the page was made",
        _of(lambda g: g.person.after(g.shown_at)),
        Type.NUMBER,
        decimals=3,
    ),
    Column(
        "received_after",
        "seconds from the participant's start until the answer was stored",
        _of(lambda g: g.person.after(g.received_at)),
        Type.NUMBER,
        decimals=3,
    ),
    Column(
        "answered_after",
        "seconds from the participant's start until it was answered, by the browser's clock",
        _of(lambda g: g.person.after(g.answered_at)),
        Type.NUMBER,
        "browser",
        decimals=3,
    ),
)

LAST = Column(
    "last", "yes for the revision that counts", _of(lambda g: g.last), Type.YES_NO, source="computed"
)


def rows(choice: Choice) -> Iterator[Named]:
    """Of every answer the last revision."""
    layers = choice.layers
    return (derived(given, layers) for one in came(choice) for given in one.given if given.last)


def revisions(choice: Choice) -> Iterator[Named]:
    layers = choice.layers
    return (derived(given, layers) for one in came(choice) for given in one.given)


def derived(given: Given, layers: naming.Layers) -> Named:
    if not given.words:
        return Named(given, "", "", "")
    mechanical = layers.mechanical(given.words)
    merged = layers.merged(mechanical)
    return Named(given, mechanical, merged, layers.code(merged))
