"""What a recruiter's file says of each submission. Refused in a sentence where it is not such a file."""

import csv
import io
import re
from dataclasses import dataclass

from annotations import Refusal

LARGEST_FILE = 5 * 1024 * 1024
TOO_LARGE = "The file is larger than 5 MB; a recruiter's list of submissions is not."
COLUMNS = {
    "submission": ("submissionid", "sessionid", "assignmentid"),
    "person": ("participantid", "prolificpid", "prolificid", "surveycode", "sonacode", "connectid"),
    "status": ("status", "submissionstatus", "assignmentstatus", "approvalstatus", "creditstatus"),
    "code": ("completioncode", "enteredcode", "secretcode", "code"),
}
"""Names of the columns in recruiters' files, in small letters and without spaces."""


@dataclass(frozen=True)
class Line:
    """What the recruiter says of one submission. The code is None where it was not asked."""

    person: str
    submission: str
    status: str
    code: str | None = None


def read(data: bytes) -> list[Line]:
    """The submissions in a recruiter's CSV. Refuses in a sentence what is no such file, or not all of it."""
    text = _text(data)
    (_, header), *rows = _cells(text)
    places, width, lines = _places(header), len(header), {}
    for number, row in rows:
        if len(row) < width or any(row[width:]):
            raise Refusal(f"Line {number} has {len(row)} of {width} columns; export the file once more.")
        said = {field: row[place].strip() for field, place in places.items()}
        line = Line(said.get("person", ""), said.get("submission", ""), said["status"], said.get("code"))
        lines[line.submission or line.person] = line  # the last word on a submission counts
    lines.pop("", None)
    if not lines:
        raise Refusal("The file lists no submissions.")
    return list(lines.values())


def _text(data: bytes) -> str:
    if len(data) > LARGEST_FILE:
        raise Refusal(TOO_LARGE)
    if data.startswith(b"PK"):
        raise Refusal("This is a spreadsheet; save it as CSV and upload that.")
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal("The file is not text in UTF-8; export it once more as CSV.") from error
    if "\0" in text:
        raise Refusal("The file is not text; export it once more as CSV.")
    return text


def _cells(text: str) -> list[tuple[int, list[str]]]:
    """Rows that are not empty, with the line on which each ends, the header first."""
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    try:
        cells = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise Refusal(
            f"The file is cut off or damaged at line {reader.line_num}; export it once more."
        ) from error
    if not cells:
        raise Refusal("The file is empty.")
    return cells


def _places(header: list[str]) -> dict[str, int]:
    names = [re.sub(r"[\W_]", "", name.casefold()) for name in header]
    places = {
        field: names.index(next(name for name in known if name in names))
        for field, known in COLUMNS.items()
        if set(known) & set(names)
    }
    if "status" not in places or not {"person", "submission"} & set(places):
        raise Refusal(
            "The file has no columns for the submission or participant id and the status, "
            "so it is not a recruiter's list of submissions."
        )
    return places
