"""Our state of each participant against the recruiter's, row by row, with what to do about it.

Nothing of a recruiter's file is kept but each submission's state, so the same file again changes nothing.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from annotations import Refusal, cells
from study import recruitment, settlement
from study.models import Exclusion, Participant, Recruit, Study
from study.submissions import Line

CSV_COLUMNS = (
    ("participant_id", "person"),
    ("submission_id", "submission"),
    ("participant", "pseudonym"),
    ("our_state", "ours"),
    ("their_state", "status"),
    ("code_entered", "entered"),
    ("excluded", "excluded"),
    ("action", "action"),
    ("reason", "words"),
)
"""Name of each column, and which field of a row it shows."""


@dataclass(frozen=True)
class Row:
    """One submission on both sides."""

    person: str
    submission: str
    ours: str
    theirs: str
    status: str
    """The recruiter's own word for `theirs`."""
    entered: str
    """Which outcome's code was entered there; or none, or not of this study."""
    excluded: str
    """The rules that keep the answers out of the main analysis."""
    pseudonym: str
    action: str
    words: str

    @property
    def needed(self) -> bool:
        return self.action != settlement.NOTHING


@transaction.atomic
def store(study: Study, lines: Iterable[Line]) -> None:
    """Keeps the state of each submission that is known here, and nothing of any other."""
    lines, recruits = list(lines), list(_recruits(study))
    matched = _matched(recruits, lines)
    if recruits and not matched:
        raise Refusal(
            f"None of the {len(lines)} submissions in this file is known here; is it the file of this study?"
        )
    changed = []
    for recruit, line in matched:
        status = recruitment.state(line.status)
        if status and recruit.status != status:
            recruit.status = status
            changed.append(recruit)
    Recruit.objects.bulk_update(changed, ["status"], batch_size=500)


def told(study: Study) -> list[Line]:
    """What the recruiter has told so far, by file or by message."""
    return [Line(recruit.person, recruit.submission, recruit.status) for recruit in _recruits(study, True)]


def rows(study: Study, lines: Iterable[Line], *, whole: bool = True) -> list[Row]:
    """Every submission of both sides. Unless the lines are the whole file, only those that they tell of."""
    lines, recruits = list(lines), list(_recruits(study))
    matched = _matched(recruits, lines)
    codes = {code.code.casefold(): settlement.ENDS[code.outcome] for code in study.codes.all()}
    ours = {line: recruit for recruit, line in matched}
    persons = {recruit.person for recruit in recruits}
    made = [_row(line, ours.get(line), codes, line.person in persons) for line in lines]
    if whole:
        made += [_row(None, recruit, codes, True) for recruit in _missing(recruits, matched)]
    return sorted(made, key=lambda row: settlement.ACTIONS.index(row.action))


def nameless(study: Study) -> int:
    """How many people came without a recruiter's identifier, so that no file can tell of them."""
    people = study.participants.filter(preview=False, simulated=False)
    return people.exclude(recruit__in=study.recruits.exclude(person="")).count()


def counts(rows: Iterable[Row]) -> list[tuple[str, int]]:
    """How many rows need which action."""
    counted = Counter(row.action for row in rows)
    return [(action, counted[action]) for action in settlement.ACTIONS if counted[action]]


def matrix(rows: Iterable[Row]) -> tuple[list[str], list[tuple[str, list[int]]]]:
    """How many rows are in which state on both sides; only states that occur. Columns are the recruiter's."""
    counted = Counter((row.ours, row.theirs) for row in rows)
    theirs = [state for state in settlement.THEIRS if any(state == column for _, column in counted)]
    ours = [state for state in settlement.OURS if any(state == line for line, _ in counted)]
    return theirs, [(line, [counted[line, column] for column in theirs]) for line in ours]


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """The table for a spreadsheet; it names people as their recruiter does."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([name for name, _ in CSV_COLUMNS])
    for row in rows:
        writer.writerow([cells.guard(getattr(row, field)) for _, field in CSV_COLUMNS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _recruits(study: Study, told: bool = False) -> QuerySet[Recruit]:
    """People whom a recruiter sent; those whose state is told, if so asked. No previews, no bots."""
    standing = Prefetch("participant__exclusions", Exclusion.objects.filter(lifted_at=None), "standing")
    people = study.recruits.filter(participant__preview=False, participant__simulated=False)
    people = people.exclude(person="").select_related("participant").prefetch_related(standing)
    return people.exclude(status="") if told else people


def _matched(recruits: Iterable[Recruit], lines: Iterable[Line]) -> list[tuple[Recruit, Line]]:
    """By submission; by person where one side names no submission."""
    by_submission = {recruit.submission: recruit for recruit in recruits if recruit.submission}
    by_person = {recruit.person: recruit for recruit in recruits}
    found = []
    for line in lines:
        recruit = by_submission.get(line.submission) or by_person.get(line.person)
        another = recruit and recruit.submission and line.submission not in ("", recruit.submission)
        if recruit and not another:
            found.append((recruit, line))
    return found


def _missing(recruits: list[Recruit], matched: list[tuple[Recruit, Line]]) -> list[Recruit]:
    """Whom the file leaves out, of those who came from the same recruiter."""
    here = {recruit.pk for recruit, _ in matched}
    platforms = {recruit.platform for recruit, _ in matched}
    return [recruit for recruit in recruits if recruit.pk not in here and recruit.platform in platforms]


def _row(line: Line | None, recruit: Recruit | None, codes: dict[str, str], known: bool) -> Row:
    """`known`: whether the person is, by this submission or by another."""
    person = recruit.participant if recruit else None
    ours = _ours(person) if person else settlement.UNKNOWN
    status = recruitment.state(line.status) if line else ""
    theirs = settlement.theirs(status) if line else settlement.MISSING
    entered = _entered(line.code, codes, person) if line and line.code is not None else None
    excluded = ", ".join(exclusion.rule for exclusion in person.standing) if person else ""
    act, words = settlement.action(
        ours, theirs, entered=entered, excluded=bool(excluded), twice=known and recruit is None
    )
    said = recruit or line
    return Row(
        person=said.person,
        submission=said.submission,
        ours=ours,
        theirs=theirs,
        status=status,
        entered=entered or "",
        excluded=excluded,
        pseudonym=person.code if person else "",
        action=act,
        words=words,
    )


def _ours(participant: Participant) -> str:
    if participant.outcome:
        return settlement.ENDS[participant.outcome]
    live = participant.lease_until and participant.lease_until > timezone.now()
    return settlement.LIVE if live else settlement.LEFT


def _entered(code: str, codes: dict[str, str], person: Participant | None) -> str:
    """The outcome whose code it is: of the study's codes, or the one that the participant was given before
    the codes were changed."""
    code = code.casefold()
    if code in ("", "nocode"):
        return settlement.NO_CODE
    if person and person.outcome and code == person.completion_code.casefold():
        return settlement.ENDS[person.outcome]
    return codes.get(code, settlement.FOREIGN_CODE)
