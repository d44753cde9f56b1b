"""A study's report as a document: what stands in it, and in which order."""

from collections.abc import Iterator

from study.findings import words
from study.models import Study
from study.report import limitations, methods, plates, tables
from study.report.document import Document, Items, Paragraph, Plate, Section, Table, cited
from study.report.facts import Facts, facts


def write(study: Study) -> Document:
    return document(facts(study))


def document(known: Facts) -> Document:
    sections = (
        Section("Methods", methods.paragraphs(known)),
        Section("Participants", tuple(_participants(known))),
        Section("Results", tuple(_results(known))),
        Section("Limitations", (Items(tuple(filter(None, limitations.limitations(known)))),)),
        Section("Provenance", tuple(_provenance(known))),
    )
    made = f"Written on {known.made:%Y-%m-%d %H:%M} UTC by Meronym {known.software}."
    return Document(known.study.title, tuple(_notes(known)), sections, made, cited(sections))


def _notes(known: Facts) -> Iterator[str]:
    if known.simulated:
        yield "Simulated: every number here is of bots, not of people."
    if known.masked:
        yield f"Estimates are masked. {known.masked}"
    if known.look:
        yield f"The findings are those of the last look, on {known.look.at:%Y-%m-%d}: newer ones are masked."
    if known.content is None:
        yield "The findings are being computed; load this page again in a minute."
    elif not known.fresh:
        yield f"The numbers are as of {known.computed:%Y-%m-%d %H:%M} UTC; newer ones are being computed."
    if known.study.state in (Study.State.OPEN, Study.State.PAUSED):
        yield "The study is still open: these are not its final numbers."


def _participants(known: Facts) -> Iterator[Table | Plate]:
    yield tables.flow(known)
    if known.content:
        yield from plates.plates(known.content, "flow")


def _results(known: Facts) -> Iterator[Paragraph | Table | Plate]:
    found = known.main
    if not found or not found["overall"]:
        yield Paragraph((known.masked or "There are no findings yet.",))
    elif not known.content["analyses"]["all"]["answers"]:
        yield Paragraph(("There are no answers yet.",))
    else:
        yield Paragraph((words.sentence(known.content),))
        yield from _told(known)
    if known.content and known.content["analyses"]["main"]["stimuli"]:
        yield from plates.plates(known.content, "times")
    if told := tables.looks(known):
        yield told


def _told(known: Facts) -> Iterator[Table | Plate]:
    found = known.content
    yield from tables.overall(known)
    yield from plates.plates(found, "layers")
    yield from filter(None, (tables.conditions(known), tables.differences(known), tables.checks(known)))
    yield from plates.plates(found, "forest")
    yield tables.summaries(known)
    yield from plates.plates(found, "names")
    yield from tables.taggers(known)
    if (known.main.get("tags") or {}).get("stimuli"):
        yield from plates.plates(found, "confusion")


def _provenance(known: Facts) -> Iterator[Table]:
    yield from filter(None, (tables.versions(known), tables.runs(known)))
