"""The page that goes with an export: what is in it, and how to open it so that nothing is lost."""

from study.exports.choice import Choice
from study.exports.dictionary import Contents
from study.exports.tables import TABLES

EXACT = """All tables are UTF-8, comma separated, with one line of column names. Every text is exactly what
was typed. Do not open them in a spreadsheet: it would run a name that begins with = as a
formula, and take 007 for 7. load.py and load.R read them with every column's type."""

GUARDED = """A text cell that begins with = + - @ (also full width), a tab or a carriage return has an
apostrophe put before it, so that a spreadsheet shows it and does not run it; so has such a sign that
follows a comma, a semicolon, a tab or the end of a line, where some spreadsheets would cut the text.
So has what was typed with apostrophes there: take one off to have the exact words, as load.py and
load.R do."""

IMPORT = """To open a table so that nothing is lost, import it; a double click lets the program guess.
  LibreOffice: File, Open; character set Unicode (UTF-8), separator {separator}, string delimiter ", and
    tick "Format quoted field as text". Every text stands in quotes, so 007 stays 007.
  Excel: Data, From Text/CSV; file origin 65001 (UTF-8), delimiter {separator}, data type detection
    "Do not detect data types"."""

MANIFEST = """manifest.json has the SHA-256 and rows of every file, and the versions of study and software.
dictionary.csv and dictionary.md say what the columns mean, schema.json says it to programs."""


def readme(choice: Choice, contents: Contents) -> str:
    study = choice.study
    told = [
        f"Study: {study.title} ({study.slug})",
        _flavour(choice),
        "Previews and everybody without consent are left out. Of bots (simulated) the tables have every\n"
        "row; summaries.csv counts people alone, or bots alone where only bots took part.",
        "Excluded participants are left out."
        if choice.without_excluded
        else "Excluded participants are in the tables; the columns excluded and excluded_by tell them.",
        MANIFEST,
    ]
    if any(column.identifiable for columns in contents.values() for column in columns):
        told.insert(
            1, "Some columns may tell who somebody is. Keep these files where nobody else can read them."
        )
    if choice.masked:
        told.append(f"Estimates are left out: {choice.masked}")
    for file, columns in contents.items():
        listed = "\n".join(f"  {column.id}: {column.description}" for column in columns)
        told.append(f"{file}: {_row(file)}\n{listed}")
    return "\n\n".join(told) + "\n"


def _flavour(choice: Choice) -> str:
    flavour = choice.flavour
    if not flavour.guarded:
        return EXACT
    separator = {",": "comma", ";": "semicolon"}[flavour.separator]
    mark = ", marked as such at the start" if flavour.bom else ""
    heading = f"All tables are UTF-8{mark}, {separator} separated, with one line of column names."
    told = f"{heading}\n{GUARDED}"
    return f"{told}\n\n{IMPORT.format(separator=separator)}" if flavour.quoted else told


def _row(file: str) -> str:
    """What a row is, and what tells it from others, by the table whose name the file bears."""
    table = next(table for table in TABLES.values() if table.name in file)
    return f"{table.row}; rows differ in {' and '.join(table.key)}" if table.key else table.row
