"""A full disk, said in words wherever it is met: in the files, in SQLite, in PostgreSQL."""

import sqlite3

from django.db import DatabaseError

from annotations import files

FULL = "The disk is full. Make room, then go on with the run: nothing that was finished is lost."

SQLITE = ("database or disk is full", "disk I/O error")
"""SQLite says the second where its shared index, which lies beside the database, cannot grow."""
POSTGRESQL = "53100"


def is_full(error: BaseException | None) -> bool:
    """Whether a full disk is behind the error, however deep."""
    while error is not None:
        if isinstance(error, files.StorageFull) or getattr(error, "errno", None) in files.FULL:
            return True
        if isinstance(error, DatabaseError | sqlite3.Error) and str(error) in SQLITE:
            return True
        if getattr(error, "sqlstate", None) == POSTGRESQL:
            return True
        error = error.__cause__ or error.__context__
    return False
