"""What may stand in a log: no query string (identifiers stand there), no key and no content of a row."""

import logging
import re
from types import TracebackType

QUERY = re.compile(r"(/[^\s?\"']*)\?[^\s\"']*")
"""An address's path, and the query that follows it."""
KEY = re.compile(r"/r/[\w-]{20,}")
"""A participant's receipt: whoever reads the address there could open it."""
ROW = re.compile(r"^(DETAIL|CONTEXT):.*\n?", re.MULTILINE)
"""Where PostgreSQL's errors quote the row that they refuse."""


class WithoutQueries(logging.Filter):
    """Cuts query strings and receipts' keys out of messages, whoever writes them."""

    def filter(self, record: logging.LogRecord) -> bool:
        told = record.getMessage()
        if "?" in told or "/r/" in told:
            record.msg, record.args = _discreet(told), ()
        return True


class WithoutRows(logging.Formatter):
    """Cuts out of tracebacks what a database quotes: it may be what somebody typed."""

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return ROW.sub("", _discreet(super().formatException(ei)))


def _discreet(text: str) -> str:
    return KEY.sub("/r/…", QUERY.sub(r"\1", text))
