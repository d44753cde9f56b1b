"""What may stand in a log: no query string (recruiters put identifiers there) and no content of a row."""

import logging
import re
from types import TracebackType

QUERY = re.compile(r"(/[^\s?\"']*)\?[^\s\"']*")
"""An address's path, and the query that follows it."""
ROW = re.compile(r"^(DETAIL|CONTEXT):.*\n?", re.MULTILINE)
"""Where PostgreSQL's errors quote the row that they refuse."""


class WithoutQueries(logging.Filter):
    """Cuts query strings out of messages, whoever writes them."""

    def filter(self, record: logging.LogRecord) -> bool:
        told = record.getMessage()
        if "?" in told:
            record.msg, record.args = QUERY.sub(r"\1", told), ()
        return True


class WithoutRows(logging.Formatter):
    """Cuts out of tracebacks what a database quotes: it may be what somebody typed."""

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return ROW.sub("", QUERY.sub(r"\1", super().formatException(ei)))
