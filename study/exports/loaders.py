"""Programs that read an export back, each column by its type: in Python with pandas, and in R."""

import json

from annotations.cells import APOSTROPHE
from study.exports.dictionary import Contents
from study.exports.flavours import Flavour

PANDAS = '''"""Reads the tables of an export with pandas, each column by its type.

    from load import read, read_all
    answers = read("{first}")
"""

import re
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().{up}
"""The folder from which the files are named."""
APOSTROPHE = re.compile({apostrophe!a})
GUARDED = {guarded}
TABLES = {tables}


def read(name, folder=HERE):
    table = pd.read_csv(
        Path(folder) / name,
        sep={separator!r},
        encoding={encoding!r},
        dtype=str,
        keep_default_na=False,
        na_filter=False,
    )
    for column, type in TABLES[name].items():
        table[column] = CONVERT[type](table[column])
    return table


def read_all(folder=HERE):
    return {{name: read(name, folder) for name in TABLES}}


def text(cells):
    return cells.map(unguarded).astype("string") if GUARDED else cells.astype("string")


def unguarded(cell):
    """Takes off the apostrophes that keep a spreadsheet from running what was typed."""
    return APOSTROPHE.sub("", cell)


def number(cells):
    return pd.to_numeric(cells.mask(cells == "")).astype("Float64")


def integer(cells):
    return number(cells).astype("Int64")


def yes_or_no(cells):
    return cells.map({{"yes": True, "no": False}}).astype("boolean")


def time(cells):
    return pd.to_datetime(cells.mask(cells == ""), utc=True, format="ISO8601")


CONVERT = {{"text": text, "integer": integer, "number": number, "yes or no": yes_or_no, "time": time}}
'''

R = """# Reads the tables of an export, each column by its type; the working directory is that of the README:
#   answers <- read_table("{first}")

tables <- list(
{tables}
)

read_table <- function(name, folder = ".") {{
  types <- tables[[name]]
  classes <- c(text = "character", integer = "integer", number = "numeric",
               "yes or no" = "character", time = "character")[types]
  table <- read.csv(file.path(folder, name), sep = "{separator}", quote = "\\"", comment.char = "",
                    fileEncoding = "{encoding}", colClasses = unname(classes), na.strings = character(0),
                    check.names = FALSE, stringsAsFactors = FALSE, strip.white = FALSE)
  for (column in names(types)[types == "yes or no"]) {{
    table[[column]] <- ifelse(table[[column]] == "", NA, table[[column]] == "yes")
  }}
  for (column in names(types)[types == "time"]) {{
    cells <- ifelse(table[[column]] == "", NA, table[[column]])
    table[[column]] <- as.POSIXct(cells, format = "%Y-%m-%dT%H:%M:%OS", tz = "UTC")
  }}
{guard}  table
}}
"""

UNGUARD = """  # Takes off the apostrophes that keep a spreadsheet from running what was typed.
  for (column in names(types)[types == "text"]) {
    table[[column]] <- gsub(APOSTROPHE, "", table[[column]], perl = TRUE)
  }
"""


def pandas(contents: Contents, flavour: Flavour, *, up: str = "parent") -> str:
    """`up`: the way from the program to the folder from which the files are named."""
    return PANDAS.format(
        first=next(iter(contents)),
        up=up,
        apostrophe=APOSTROPHE,
        guarded=flavour.guarded,
        tables=_listed(contents),
        separator=flavour.separator,
        encoding="utf-8-sig" if flavour.bom else "utf-8",
    )


def r(contents: Contents, flavour: Flavour) -> str:
    return R.format(
        first=next(iter(contents)),
        tables=",\n".join(f"  {_text(file)} = c({_pairs(columns)})" for file, columns in contents.items()),
        separator=flavour.separator,
        encoding="UTF-8-BOM" if flavour.bom else "UTF-8",
        guard=_unguard() if flavour.guarded else "",
    )


def _listed(contents: Contents) -> str:
    told = {file: {column.id: str(column.type) for column in columns} for file, columns in contents.items()}
    return json.dumps(told, indent=4, ensure_ascii=False)


def _pairs(columns) -> str:
    return ",\n    ".join(f"{_text(column.id)} = {_text(column.type)}" for column in columns)


def _text(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def _unguard() -> str:
    return UNGUARD.replace("APOSTROPHE", _text(APOSTROPHE))
