"""Logs hold no query string and nothing that a person typed, whoever writes them."""

import logging
import os
import subprocess
import sys

import pytest
from django.conf import settings

from studyproject import launcher
from studyproject.logs import WithoutQueries, WithoutRows

SECRET = "PROLIFIC_PID=5f3a"


def _written(message: str, *args: object) -> str:
    record = logging.LogRecord("any", logging.WARNING, "file", 1, message, args, None)
    WithoutQueries().filter(record)
    return WithoutRows("{message}", style="{").format(record)


@pytest.mark.parametrize(
    ("message", "args", "left"),
    [
        ('"%s" %s', (f"GET /s/a/?{SECRET} HTTP/1.1", 200), '"GET /s/a/ HTTP/1.1" 200'),
        (
            "Referer %s does not match",
            (f"https://a.org/s/?{SECRET}",),
            "Referer https://a.org/s/ does not match",
        ),
        ("Not Found: %s", ("/s/a/",), "Not Found: /s/a/"),
        ("Is this all? It is.", (), "Is this all? It is."),
        ("Forbidden: %s", (f"/r/{'aB3_-' * 8}xyz/withdraw/",), "Forbidden: /r/…/withdraw/"),
    ],
)
def test_a_query_string_is_cut_from_any_message(message, args, left):
    assert _written(message, *args) == left


def test_a_traceback_does_not_quote_the_row_that_a_database_refused():
    refused = "violates check\nDETAIL:  Failing row contains (7, quokkafish).\nCONTEXT:  while at /s/?a=b"
    try:
        raise ValueError(refused)
    except ValueError as error:
        told = WithoutRows().formatException((type(error), error, error.__traceback__))
    assert "violates check" in told and "quokkafish" not in told and "a=b" not in told


def test_what_django_and_gunicorn_write_themselves_goes_the_same_way():
    console = settings.LOGGING["handlers"]["console"]
    assert console["filters"] == ["without queries"]
    for name in ("django.server", "gunicorn.error", "gunicorn.access"):
        assert settings.LOGGING["loggers"][name] == {"handlers": ["console"], "propagate": False}


def test_a_log_of_accesses_would_hold_neither_addresses_nor_queries():
    docker = (settings.ROOT / "Dockerfile").read_text()
    assert launcher.ACCESS in launcher.web(8000) and f'"{launcher.ACCESS}"' in docker
    program = (
        "import logging, studyproject.wsgi;"
        f"logging.getLogger('gunicorn.access').info('GET /s/a/?{SECRET} 200');"
        f"logging.getLogger('django.security.csrf').warning('Forbidden /s/c/?{SECRET}');"
        f"logging.getLogger('django.server').warning('GET /s/b/?{SECRET} 200')"
    )
    for debug in ("True", "False"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=settings.ROOT,
            env={**os.environ, "DEBUG": debug},
            capture_output=True,
            text=True,
        )
        assert done.stderr.count("GET /s/b/ 200") == 1 and done.stderr.count("Forbidden /s/c/") == 1
        assert SECRET not in done.stdout + done.stderr
