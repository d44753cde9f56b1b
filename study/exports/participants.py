"""One row a participant, their answers side by side by the stimulus' number in the study."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from study.exports.answers import KINDS, Named, derived
from study.exports.choice import Choice
from study.exports.columns import Column, Type
from study.exports.people import Person, came
from study.models import Outcome, Participant, Study


class Wide(NamedTuple):
    person: Person
    answers: dict[int, Named]
    """The last revision of each, by the stimulus' position."""


def _row(read: Callable[[Participant], object]) -> Callable[[Wide], object]:
    return lambda wide: read(wide.person.row)


def _after(name: str) -> Callable[[Wide], object]:
    return lambda wide: wide.person.after(getattr(wide.person.row, name))


def _recruit(name: str) -> Callable[[Wide], object]:
    return lambda wide: getattr(getattr(wide.person.row, "recruit", None), name, "")


def _offset(id: str, what: str, name: str) -> Column:
    return Column(id, f"seconds from the start until {what}", _after(name), Type.NUMBER, decimals=3)


def _exact(id: str, what: str, name: str) -> Column:
    told = f"when {what} (ISO 8601, UTC): left out unless asked for, as recruiters' lists have times too"
    return Column(id, told, _row(lambda p: getattr(p, name)), Type.TIME, included=False)


def _recruiters(id: str, what: str, name: str) -> Column:
    return Column(id, what, _recruit(name), source="recruiter", identifiable=True, included=False)


COLUMNS: tuple[Column, ...] = (
    Column("study", "the study's name in its link", _row(lambda p: p.study.slug), source="design"),
    Column(
        "participant", "random code of the participant, made for this study alone", _row(lambda p: p.code)
    ),
    Column("participant_number", "order of arrival, from 1", _row(lambda p: p.number), Type.INTEGER),
    Column(
        "condition", "the participant's condition", _row(lambda p: str(p.condition or "")), source="design"
    ),
    Column(
        "version",
        "which published design the participant took part in",
        _row(lambda p: p.version.number),
        Type.INTEGER,
        "design",
    ),
    Column(
        "outcome",
        "how the participant ended: completed or another end; empty while they are on the way or left",
        _row(lambda p: p.outcome),
        allowed=tuple(Outcome.values),
    ),
    Column("simulated", "yes if the participant is a program", _row(lambda p: p.simulated), Type.YES_NO),
    Column(
        "excluded",
        "yes if the participant does not count in the main analysis",
        lambda wide: bool(wide.person.rules),
        Type.YES_NO,
    ),
    Column("excluded_by", "rules by which, parted by ' | '", lambda wide: " | ".join(wide.person.rules)),
    Column(
        "answers",
        "how many trials were answered; to skip is none",
        lambda wide: sum(one.given.kind != "skipped" for one in wide.answers.values()),
        Type.INTEGER,
        "computed",
    ),
    Column(
        "check_attempts",
        "tries at the comprehension check",
        _row(lambda p: p.comprehension_attempts),
        Type.INTEGER,
        "participant",
    ),
    Column("consent_sha256", "hash of the consent text that was agreed to", _row(lambda p: p.consent_sha256)),
    _offset("consented_after", "consent", "consented_at"),
    _offset("questioned_after", "the optional questions were left", "questioned_at"),
    _offset("instructed_after", "the instructions were left", "instructed_at"),
    _offset("practised_after", "the practice page was left", "practised_at"),
    _offset("understood_after", "the comprehension check was passed", "understood_at"),
    _offset("feedback_after", "the feedback page was left", "feedback_at"),
    _offset("finished_after", "the end, whichever", "finished_at"),
    _exact("started", "they pressed Start", "started_at"),
    _exact("finished", "they reached an end", "finished_at"),
    _recruiters("recruiter", "the platform that sent them", "platform"),
    _recruiters("recruiter_person", "whom the recruiter calls them", "person"),
    _recruiters("recruiter_submission", "the recruiter's number of their part in the study", "submission"),
    _recruiters("recruiter_project", "the recruiter's number of the study", "project"),
    _recruiters("recruiter_label", "label in the link with which they came", "label"),
    Column(
        "feedback",
        "what they wrote on the last page, exactly as typed",
        _row(lambda p: p.feedback),
        source="participant",
        identifiable=True,
        included=False,
    ),
)


def columns(study: Study) -> tuple[Column, ...]:
    """The optional questions and the stimuli have columns of their own, by what was ever published."""
    numbers = study.stimuli.order_by("position").values_list("position", flat=True)
    return (*COLUMNS, *_profile(study), *(column for number in numbers for column in _stimulus(number)))


def rows(choice: Choice) -> Iterator[Wide]:
    layers = choice.layers
    for one in came(choice):
        last = (derived(given, layers) for given in one.given if given.last)
        one.person.row.study = choice.study
        yield Wide(one.person, {named.given.stimulus.position: named for named in last})


def _profile(study: Study) -> Iterator[Column]:
    """Typed answers may tell who somebody is, also where a later version let people choose; chosen ones are
    few."""
    asked: dict[str, dict[str, Any]] = {}
    was_typed: set[str] = set()
    for version in study.versions.filter(number__isnull=False).order_by("number"):
        for each in version.setting("questions"):
            asked[each["key"]] = each
            was_typed |= set() if each.get("choices") else {each["key"]}
    for key, question in asked.items():
        typed = key in was_typed
        yield Column(
            f"profile_{key}",
            f"answer to “{question['text']}”",
            _row(lambda p, key=key: p.profile.get(key)),
            source="participant",
            identifiable=typed,
            included=not typed,
        )


def _stimulus(number: int) -> Iterator[Column]:
    def told(read: Callable[[Named], object]) -> Callable[[Wide], object]:
        return lambda wide: read(wide.answers[number]) if number in wide.answers else None

    def column(part: str, what: str, read: Callable[[Named], object], type: Type, **more: Any) -> Column:
        family = f"stimulus_…_{part}"
        told_once = f"for each stimulus by its number: {what}"
        description = f"stimulus {number}: {what}"
        return Column(
            f"stimulus_{number}_{part}",
            description,
            told(read),
            type,
            family=family,
            family_description=told_once,
            **more,
        )

    kinds = "name, nothing_in_common, cannot_tell or skipped; empty if it was not answered"
    yield column("kind", kinds, lambda n: n.given.kind, Type.TEXT, source="participant", allowed=KINDS)
    yield column("words", "exactly as typed", lambda n: n.given.words, Type.TEXT, source="participant")
    yield column("name", "the merged name", lambda n: n.merged, Type.TEXT, source="researcher")
    yield column(
        "seconds", "on the page", lambda n: n.given.seconds, Type.NUMBER, source="browser", decimals=3
    )
